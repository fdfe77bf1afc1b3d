/** Tables of outcomes with all that cascades read, for tests of cascades. */
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { drawNormal } from "../../src/learning/draws.js";
import { makeMatrix } from "../../src/learning/matrix.js";
import { RandomGenerator } from "../../src/random.js";

/** By rising cost; how often each is right, and how much its own log-probabilities tell of that. */
const MODELS = [
  { name: "wren", cost: 1, skill: 0.4 },
  { name: "crow", cost: 3, skill: 0.6 },
  { name: "owl", cost: 10, skill: 0.9 },
];

export interface CascadeTableOptions {
  models?: number;
  /** All answers of all models equal, or empty. */
  answer?: "equal" | "empty";
  samples?: number;
}

/**
 * Questions of a hardness in [0, 1]: a model is right where its skill and some luck are above it. Where it is right, its tokens
 * are likelier, its samples agree more often, its choices are clearer and its verifier is surer.
 */
export function cascadeTable(
  rows: number,
  seed = 1,
  { models = 3, answer, samples = 5 }: CascadeTableOptions = {},
): OutcomeTable {
  const random = new RandomGenerator(seed);
  const used = MODELS.slice(0, models);
  const quality = makeMatrix(rows, models);
  const cost = makeMatrix(rows, models);
  const verifier = makeMatrix(rows, models);
  const answers: string[][] = [];
  const sampleQuality: number[][] = [];
  const logProbs: number[][] = [];
  const classProbabilities: number[][] = [];
  const subjects: string[] = [];
  for (let row = 0; row < rows; row++) {
    const hardness = random.next();
    subjects.push(hardness < 0.5 ? "sums" : "verse");
    for (const [column, { cost: price, skill }] of used.entries()) {
      const chance = 1 / (1 + Math.exp(-8 * (skill - hardness)));
      const drawn = Array.from({ length: samples }, () => random.next() < chance);
      const texts = drawn.map((isRight) => (isRight ? `${row}` : `${1000 + row + Math.floor(3 * random.next())}`));
      answers.push(answer === "equal" ? drawn.map(() => "same") : answer === "empty" ? drawn.map(() => "") : texts);
      sampleQuality.push(drawn.map(Number));
      quality.set(row, column, drawn.filter(Boolean).length / samples);
      cost.set(row, column, price * (0.8 + 0.4 * random.next()));
      verifier.set(row, column, Math.round(8 * Math.min(1, Math.max(0, chance + 0.15 * drawNormal(random)))) / 8);
      const length = 1 + Math.floor(12 * random.next());
      const level = drawn[0] ? 0.2 : 0.8;
      logProbs.push(Array.from({ length }, () => Math.log(1 - level * random.next())));
      const top = 0.4 + (drawn[0] ? 0.5 : 0.2) * random.next();
      classProbabilities.push([top, ...[0.5, 0.3, 0.2].map((part) => (1 - top) * part)]);
    }
  }
  return new OutcomeTable({
    name: "birds",
    models: used.map(({ name }) => name),
    queries: Array.from({ length: rows }, (_, row) => `question ${row}`),
    quality,
    cost,
    verifier,
    answers,
    sampleQuality,
    logProbs,
    classProbabilities,
    subjects,
  });
}
