import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Outcome, type RealContender, realContenders } from "../../../bench/real-models.js";
import { askQuestions, timeQuestions } from "../../../bench/real-questions.js";
import { scoreTexts } from "../../../bench/real-text.js";
import type { Answer } from "../../../src/answers/answer-cache.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const answer = (more: Partial<Answer>): Outcome => ({
  answer: { text: "", finishReason: "stop", steps: 11, tokens: [20], seconds: 3, promptSeconds: 1, ...more },
});
const scripted = (say: (name: string, prompt: string) => Outcome) => ({
  has: () => false,
  outcome: async ({ name }: RealContender, { prompt }: { prompt: unknown }) => say(name, JSON.stringify(prompt)),
});
const [smollm2, gemma3, gac, unite] = realContenders([{ name: "gac" }, { name: "unite" }]);

it("grades the questions that all answered, compares with the best member, and names who refused", async () => {
  const file = at("gsm8k.jsonl");
  const lines = [3, 5, 8].map((right) =>
    JSON.stringify({ question: `Which is ${right}?`, answer: `so\n#### ${right}` }),
  );
  writeFileSync(file, lines.join("\n"));
  const told: string[] = [];
  const { table, notes } = await askQuestions({
    contenders: [smollm2, gemma3, gac, unite],
    file,
    onProgress: (what) => void told.push(what),
    answers: scripted((name, prompt) => {
      const right = prompt.match(/\d/)![0];
      if (name === "unite") return { refused: "It cannot." };
      if (name === "gac") return right === "8" ? undefined : answer({ text: `The answer is ${right}.` });
      return answer({ text: name === "gemma3 alone" || right === "5" ? "It is 5." : "7", finishReason: "length" });
    }),
  });
  const figures = table.rows.map(({ who, questions, right, difference }) => {
    const value = (cell: unknown) => (cell as { value: number } | null)?.value ?? null;
    return { who, questions, right: value(right), difference: value(difference) };
  });
  expect(figures).toEqual([
    { who: "smollm2 alone", questions: 2, right: 50, difference: null },
    { who: "gemma3 alone", questions: 2, right: 50, difference: 0 },
    { who: "gac", questions: 2, right: 100, difference: 50 },
    { who: "unite", questions: 0, right: null, difference: null },
  ]);
  expect(table.rows[2]).toMatchObject({ tokens: 11, ended: 100 });
  expect(notes).toEqual([
    "unite left out: It cannot.",
    "GSM8K: time ran out after 2 of 3 questions; figures are of those.",
  ]);
  expect(told).toHaveLength(11);
});

it("times answers one after another, and makes no speed of a few tokens", async () => {
  const file = at("timed.jsonl");
  writeFileSync(file, ["a", "b"].map((question) => JSON.stringify({ question, answer: "#### 1" })).join("\n"));
  let asked = 0;
  const { table } = await timeQuestions({
    contenders: [smollm2, gac],
    file,
    answers: {
      has: () => false,
      outcome: async ({ name }) => {
        expect(++asked).toBe(1);
        await new Promise(setImmediate);
        asked--;
        return answer(name === "gac" ? { steps: 3 } : {});
      },
    },
  });
  expect(table.rows).toMatchObject([
    { questions: 2, prompt: { median: 1 }, tokensPerSecond: { median: 5 } },
    { questions: 2, prompt: { median: 1 }, tokensPerSecond: null },
  ]);
});

it("counts bits by bytes, and says where a method cannot say a passage", async () => {
  const file = at("text.txt");
  writeFileSync(file, "five letters make words ".repeat(400));
  const { table } = await scoreTexts({
    contenders: [smollm2, gac],
    file,
    limit: 2,
    answers: scripted((name, prompt) => {
      const isFirst = prompt.startsWith('"five');
      return answer({ logLikelihoods: [name === "gac" && isFirst ? null : -100 * Math.LN2], steps: 50 });
    }),
  });
  const [alone, fused] = table.rows;
  expect(alone).toMatchObject({ passages: 2, unsayable: 0, pieces: 50 });
  expect(alone.bitsPerByte).toBeGreaterThan(100 / 270);
  expect(alone.bitsPerByte).toBeLessThanOrEqual(100 / 256);
  expect(fused).toMatchObject({ passages: 2, unsayable: 1, bitsPerByte: null });
});
