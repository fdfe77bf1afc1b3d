/** What the rules of selection decide, where the goldens have no case for it. */
import { describe, expect, it } from "vitest";
import { answerOf, choicesIn, plainAnswer } from "../../../../src/after/select/answers.js";
import type { Candidate } from "../../../../src/after/select/candidate.js";
import { bubble } from "../../../../src/after/select/pairwise.js";
import { type SelectionOptions, selectionNamed } from "../../../../src/after/select/registry.js";
import { bestTeam, fitnessOf } from "../../../../src/after/select/team.js";
import { isDecided, leaderOf, tallyOf } from "../../../../src/after/select/votes.js";
import { solveGame } from "../../../../src/learning/matrix-game.js";
import { RandomGenerator } from "../../../../src/random.js";
import { refusal } from "../../../support/refusal.js";
import { candidatesOf, contextFor, type Judging, tableOfAnswers, unevenTable } from "../../../support/selections.js";

const NAMES = ["m1", "m2", "m3"];

async function chosenBy(method: SelectionOptions, texts: readonly string[], judging?: Judging) {
  const candidates = candidatesOf(texts, NAMES.length);
  const { chosen, reason } = await selectionNamed(method).createRule().select(candidates, contextFor(NAMES, judging));
  return { text: candidates[chosen].text, place: chosen, reason };
}

describe("answers are compared", () => {
  it("as a whole, by number or by choice", () => {
    expect(plainAnswer(" The  Cat. ")).toBe(plainAnswer("the cat"));
    expect(plainAnswer("$1,200.50")).toBe("1200.5");
    expect(answerOf("3/4 of it", "number", "")).toBe(answerOf("It is 0.75.", "number", ""));
    const question = "Which?\nA. a cat\nB. a dog\nC. a cow";
    expect(choicesIn(question)).toEqual(["a cat", "a dog", "a cow"]);
    expect(answerOf("The answer is (B).", "choice", question)).toBe("B");
    expect(answerOf("no idea", "number", "")).toBeUndefined();
  });

  it("in votes that end as soon as the leader cannot be caught, and never earlier", () => {
    const random = new RandomGenerator(3);
    for (let trial = 0; trial < 300; trial++) {
      const all = Array.from({ length: 7 }, () => "abc"[Math.floor(3 * random.next())]);
      const final = leaderOf(tallyOf(all))!.answer;
      const stops = all.findIndex((_, count) => isDecided(tallyOf(all.slice(0, count + 1)), all.length - count - 1));
      expect(leaderOf(tallyOf(all.slice(0, stops + 1)))!.answer).toBe(final);
      // One earlier, some rest of the votes would change it.
      const before = all.slice(0, stops);
      const others = ["a", "b", "c", "d"].map(
        (rest) => leaderOf(tallyOf([...before, ...Array<string>(all.length - stops).fill(rest)]))!.answer,
      );
      if (stops > 0) expect(new Set(others).size).toBeGreaterThan(1);
    }
  });
});

describe("weighted-vote", () => {
  const texts = ["yes", "no", "no"];

  it("goes by members' weights, accuracies, or what a table says of them", async () => {
    expect(await chosenBy({ name: "weighted-vote" }, texts)).toMatchObject({ text: "no" });
    expect(await chosenBy({ name: "weighted-vote" }, texts, { weights: [0.6, 0.2, 0.2] })).toMatchObject({
      text: "yes",
    });
    const accuracies = { m1: 0.95, m2: 0.6, m3: 0.6 };
    expect(await chosenBy({ name: "weighted-vote", accuracies }, texts)).toMatchObject({ text: "yes" });
    const table = unevenTable(NAMES);
    for (const weights of ["log-odds", "dawid-skene"] as const) {
      expect(await chosenBy({ name: "weighted-vote", table, weights }, texts), weights).toMatchObject({ text: "yes" });
    }
  });

  it("finds the weights that get most right", async () => {
    const past = [0, 1, 2].map((row) => ({
      query: `question ${row}`,
      answers: [`right ${row}`, `wrong ${row}`, `wrong ${row}`],
      right: [true, false, false],
    }));
    const table = tableOfAnswers(NAMES, past);
    expect(await chosenBy({ name: "weighted-vote", table, weights: "optimal" }, texts)).toMatchObject({ text: "yes" });
  });

  it("learns who confuses which choices, without grades", async () => {
    const letters = "ABABABABABABABABABAB".split("");
    const question = "Which?\nA. cat\nB. dog";
    // m3 says the opposite of what the others say.
    const past = letters.map((letter) => ({
      query: question,
      answers: [letter, letter, letter === "A" ? "B" : "A"],
      right: [false, false, false],
    }));
    const table = tableOfAnswers(NAMES, past);
    const method: SelectionOptions = { name: "weighted-vote", table, weights: "dawid-skene", answer: "choice" };
    // m3's "B" means "A".
    expect(await chosenBy(method, ["A", "B", "B"], { question })).toMatchObject({ text: "A" });
  });

  it("refuses a table of other members, and accuracies without one of them", async () => {
    const table = unevenTable(["x", "y", "z"]);
    expect((await refusal(() => chosenBy({ name: "weighted-vote", table }, texts))).message).toMatch(
      /no answers of member m1.*x, y, z/,
    );
    const accuracies = { m1: 0.9 };
    expect((await refusal(() => chosenBy({ name: "weighted-vote", accuracies }, texts))).message).toMatch(
      /no entry for member m2/,
    );
  });
});

describe("smoothie", () => {
  it("gives the answer that lies in the middle, and the first of two", async () => {
    const texts = ["the red car stopped", "the red car drove home", "a bird"];
    expect((await chosenBy({ name: "smoothie" }, texts)).place).not.toBe(2);
    expect(await chosenBy({ name: "smoothie" }, texts.slice(1))).toMatchObject({ place: 0 });
  });

  it("with a table goes by who was near the others, on all questions or on the nearest", async () => {
    const about = (topic: string, odd: number, row: number) => ({
      query: `${topic} question ${row}`,
      answers: NAMES.map((_, member) =>
        member === odd ? `nothing like it ${member} ${row}` : `${topic} answer ${row}`,
      ),
      right: [false, false, false],
    });
    // m1 is off on cats, m3 on dogs, more often.
    const rows = [0, 1, 2].flatMap((row) => [about("cat", 0, row), about("dog", 2, row), about("dog", 2, row + 10)]);
    const table = tableOfAnswers(NAMES, rows);
    const texts = ["one", "two", "three"];
    expect((await chosenBy({ name: "smoothie", table }, texts)).place).toBe(1);
    const onDogs = await chosenBy({ name: "smoothie", table, neighbours: 3 }, texts, { question: "dog question 1" });
    expect(onDogs.place).toBe(0);
  });
});

describe("judges", () => {
  /** Prefers the longer answer, and the first place a little. */
  const likesLength: Judging = {
    labelShares: (_, asked, labels) => {
      const answers = Array.from(asked.matchAll(/Answer(?: [AB])?:\n(.*)/g), ([, text]) => text.length);
      if (labels[0] === "A") return answers[0] + 0.5 > answers[1] ? [0.9, 0.1] : [0.1, 0.9];
      if (labels[0] === "Yes") return [answers[0], 10];
      return labels.map((label) => Math.exp(-((Number(label) - answers[0]) ** 2)));
    },
  };

  it.each([
    { name: "pair-ranker" },
    { name: "pair-ranker", aggregate: "max-wins" },
    { name: "pair-ranker", aggregate: "bubble", judge: "m2" },
    { name: "peer-review" },
    { name: "peer-review", aggregate: "em" },
    { name: "best-of-n", reward: "judge" },
    { name: "best-of-n", reward: (_: string, answer: string) => answer.length },
  ] satisfies SelectionOptions[])("decide: %o", async (method) => {
    expect(await chosenBy(method, ["a", "aaaa", "aa"], likesLength)).toMatchObject({ text: "aaaa" });
  });

  it("that can say none of the labels leave the first", async () => {
    const silent: Judging = { labelShares: (_, __, labels) => labels.map(() => 0) };
    for (const name of ["pair-ranker", "peer-review"] as const) {
      expect(await chosenBy({ name }, ["a", "b", "c"], silent)).toMatchObject({ place: 0 });
    }
  });

  it("see no places in what answers say", async () => {
    const asked: string[] = [];
    const watching: Judging = {
      labelShares: (_, question, labels) => {
        asked.push(question);
        return labels.map(() => 1);
      },
    };
    await chosenBy({ name: "peer-review" }, ["{question}", "{best}", "x"], { ...watching, question: "Q {answer}" });
    expect(asked[0]).toContain("Q {answer}");
    expect(asked[0]).toContain("Answer:\n{question}");
  });

  it("compare neighbours once in a bubble pass", async () => {
    let count = 0;
    const strengths = [1, 3, 2, 3];
    const { chosen } = await bubble(4, async (i, j) => {
      count++;
      return strengths[i] - strengths[j];
    });
    expect({ chosen, count }).toEqual({ chosen: 1, count: 6 });
  });
});

describe("best-of-n", () => {
  it("sums rewards of equal answers", async () => {
    const reward = (_: string, answer: string) => (answer.startsWith("7") ? 1 : 1.5);
    const texts = ["8", "7", "7."];
    expect(await chosenBy({ name: "best-of-n", reward }, texts)).toMatchObject({ text: "8" });
    expect(await chosenBy({ name: "best-of-n", reward, pick: "weighted" }, texts)).toMatchObject({ text: "7" });
  });

  it("knows how likely all members find an answer", async () => {
    const likelihood = (_: string, text: string) => (text === "b" ? -1 : -9);
    expect(await chosenBy({ name: "best-of-n", reward: "likelihood" }, ["a", "b", "c"], { likelihood })).toMatchObject({
      text: "b",
    });
  });
});

describe("cross-likelihood", () => {
  /** m1 knows; the others find all answers much alike. */
  const likelihood = (member: string, text: string) => {
    if (member === "m1") return text.startsWith("right") ? -1 : -12;
    return text.startsWith("right") ? -3.2 : -3;
  };

  it.each(["product", "mixture"] as const)("listens to the member that is sure: %s", async (combine) => {
    const texts = ["wrong", "right", "false"];
    expect(await chosenBy({ name: "cross-likelihood", combine }, texts, { likelihood })).toMatchObject({
      text: "right",
    });
  });

  it("adds up answers that come down to the same", async () => {
    const alike = (_: string, text: string) => (text === "8" ? -1 : -1.2);
    const texts = ["8", "it is 7", "so 7"];
    const method: SelectionOptions = { name: "cross-likelihood", answer: "number" };
    expect(await chosenBy(method, texts, { likelihood: alike })).toMatchObject({ text: "it is 7" });
  });

  it("takes no advice of members that can say none of the answers", async () => {
    const mute = (member: string, text: string) => (member === "m1" && text === "b" ? -1 : Number.NEGATIVE_INFINITY);
    const method: SelectionOptions = { name: "cross-likelihood" };
    expect(await chosenBy(method, ["a", "b", "c"], { likelihood: mute })).toMatchObject({ text: "b" });
  });
});

describe("more", () => {
  it("trusts whom past answers show to be right, and says how likely", async () => {
    const table = unevenTable(NAMES);
    const { text, reason } = await chosenBy({ name: "more", table }, ["other 30 0", "answer 30", "other 30 2"]);
    expect(text).toBe("answer 30");
    expect(reason).toMatch(/^It is right with probability 0\.\d+, the most\.$/);
  });
});

describe("a team", () => {
  it("finds the best team exactly, and by search among many members", () => {
    const random = new RandomGenerator(5);
    const records = Array.from({ length: 60 }, (_, row) => {
      const right = Array.from({ length: 18 }, (__, member) => random.next() < 0.4 + 0.03 * member);
      return { right, answers: right.map((isRight, member) => (isRight ? `${row}` : `${row} ${member}`)) };
    });
    const fifteen = records.map(({ right, answers }) => ({ right: right.slice(3), answers: answers.slice(3) }));
    const options = { size: 3, diversityWeight: 0.3 };
    const exact = fitnessOf(fifteen, bestTeam(fifteen, options), 0.3);
    const searched = bestTeam(records, options);
    expect(searched).toHaveLength(3);
    expect(bestTeam(records, options)).toEqual(searched);
    // Three weak members more: the search finds what is at least as good.
    expect(fitnessOf(records, searched, 0.3)).toBeGreaterThanOrEqual(exact - 0.02);
  });
});

it("a game's mixture is worth its value against every column", () => {
  const { value, mixture } = solveGame([
    [1, -1, -1],
    [-1, 1, -1],
    [-1, -1, 1],
  ]);
  expect(value).toBeCloseTo(-1 / 3, 12);
  for (const share of mixture) expect(share).toBeCloseTo(1 / 3, 12);
});

it("candidates of one member are told apart by their sample", () => {
  expect(candidatesOf(["a", "b", "c"], 1).map(({ sample }: Candidate) => sample)).toEqual([0, 1, 2]);
});
