import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { RandomGenerator } from "../../../src/random.js";
import { equalNumbers, extractNumber, numberMatch } from "../../../src/text/number.js";

const numberIn = (text: string) => {
  const number = extractNumber(text);
  return number === undefined ? undefined : Number(number.numerator) / Number(number.denominator);
};

it.each([
  ["18", 18],
  ["-8", -8],
  ["\u22128", -8],
  ["$1,234.50", 1234.5],
  ["-$12", -12],
  ["$-12", -12],
  ["50%", 50],
  ["3/4 cup", 0.75],
  ["-3/4", -0.75],
  ["It is 12.", 12],
  ["1,000,000 people", 1_000_000],
  ["a total of 0.05", 0.05],
  ["about .5", 0.5],
  ["version.5", 5],
  ["first 3, then 7", 7],
  ["20-8", 8],
  ["20 - 8 = 12", 12],
  ["x=-8", -8],
  ["(-8)", -8],
  ["top-3", 3],
  ["18 eggs/day", 18],
  ["7/0", undefined],
  ["none", undefined],
  ["", undefined],
])("reads %j as %s", (text, value) => {
  expect(numberIn(text)).toBe(value);
});

describe("looks for the answer", () => {
  it.each([
    ["in the last box first", "The answer is 3. \\boxed{4} or \\boxed{5}, not 6. #### 7", 5],
    ["in a box with nested braces", "\\boxed{\\text{total } 12 \\text{ cm}^{2}}", 12],
    ["in a box with a LaTeX number", "\\boxed{-\\$1{,}234}", -1234],
    ["in a box with a fraction", "\\boxed{\\frac{3}{4}}, that is 75", 0.75],
    ["after the box if that holds no number", "\\boxed{} so 9", 9],
    ["elsewhere if no box is closed", "\\boxed{4 and #### 7", 7],
    ["in the box before one that is not closed", "\\boxed{4} then \\boxed{5", 4],
    ["after the last hashes", "#### 1\nNo: #### -2\nQuestion: 3 apples", -2],
    ["after the answer phrase if nothing follows the hashes", "The answer is 4.\n####", 4],
    ["after the last answer phrase with a number", "The answer is 4. My Answer is: 5, and the answer is yes. 6 - 5", 5],
    ["at the end of the text otherwise", "3 apples and 4 pears make 7 fruits", 7],
  ])("%s", (_, text, value) => {
    expect(numberIn(text)).toBe(value);
  });
});

it.each([
  ["72", "72.0", 1],
  ["72.00", "72", 1],
  ["1,000", "1000", 1],
  ["1/3", "0.333333", 1],
  ["1/3", "0.33333", 0],
  ["0.5", "1/2", 1],
  ["12", "2", 0],
  ["-8", "8", 0],
  ["none", "0", 0],
  ["", "0", 0],
  ["100000000000000000001", "100000000000000000000", 0],
])("grades %j against %j with %d", (answer, accepted, grade) => {
  expect(numberMatch(answer, accepted)).toBe(grade);
});

it("knows a number in every dress, and no other number", () => {
  const random = new RandomGenerator(7);
  for (let round = 0; round < 200; round++) {
    const cents = Math.floor(random.next() * 2e9) - 1e9;
    const [sign, size] = [cents < 0 ? "-" : "", Math.abs(cents)];
    const fraction = `.${String(size % 100).padStart(2, "0")}`;
    const plain = sign + Math.floor(size / 100) + fraction;
    const grouped = sign + Math.floor(size / 100).toLocaleString("en-US") + fraction;
    const dresses = [
      grouped,
      `$${plain}`,
      `So 3 and the answer is ${plain}.`,
      `5\n#### ${grouped}\n`,
      `\\boxed{${grouped}}`,
    ];
    const other = `${plain}1`;
    for (const dress of dresses) {
      expect([dress, numberMatch(dress, plain)]).toEqual([dress, 1]);
      expect([dress, numberMatch(dress, other)]).toEqual([dress, 0]);
    }
    expect(equalNumbers(extractNumber(plain)!, extractNumber(`${cents}/100`)!)).toBe(true);
  }
});

const gsm8k = path.resolve(import.meta.dirname, "../../../../shared/text/gsm8k-test.jsonl");

it.skipIf(!existsSync(gsm8k))(
  "finds the final number of every worked GSM8K answer, and of no other (../shared/text)",
  () => {
    const answers = readFileSync(gsm8k, "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { answer: string }).answer);
    const finals = answers.map((answer) => answer.slice(answer.indexOf("####") + 4).trim());
    expect(answers.length).toBe(1319);
    expect(answers.filter((answer, index) => numberMatch(answer, finals[index]) !== 1)).toEqual([]);
    expect(answers.filter((answer, index) => numberMatch(answer, `${finals[index]}.5`) !== 0)).toEqual([]);
  },
);
