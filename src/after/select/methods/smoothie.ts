/**
 * Smoothie (Guha et al., NeurIPS 2024, arXiv 2412.04692): how good each member is, from their answers alone. Embeddings of
 * answers are the truth's plus errors that are independent between members, so that mean squared distances add up,
 * δ_ij = E_i + E_j, and
 *
 *     E_i = mean over pairs (j, k) of ½ (δ_ij + δ_ik − δ_jk),   θ_i = d / (2 E_i), divided by their sum
 *
 * Smoothie-Local estimates on the nearest questions (k = 1: on this one alone), Smoothie-Global on all of a table's.
 *
 * The published choice is argmax θ. Where errors are estimated as 0 or below, as among equal answers, θ is infinite or turns
 * the order round; the choice here is argmin E, the same where all E are positive. Two answers do not say whose error is
 * smaller, so the first is given. Without a table each sample of a member is a voter of its own.
 */
import { z } from "zod";
import { type Matrix, rowOf } from "../../../learning/matrix.js";
import { defineSelection, firstBest, type Selection, sampling } from "../define-selection.js";
import { Learned, type PastQuestion, tableOption } from "../table-option.js";
import { embeddingOption, TextVectors } from "../text-vectors.js";

export interface VoterErrors {
  /** E_i. */
  errors: number[];
  /** θ_i; infinite or NaN where errors are 0. */
  weights: number[];
}

/** embeddings: samples × voters × dimension; three voters or more. */
export function voterErrors(embeddings: readonly (readonly ArrayLike<number>[])[]): VoterErrors {
  const voters = embeddings[0].length;
  const dimension = embeddings[0][0].length;
  const distance = (i: number, j: number) =>
    embeddings.reduce((sum, sample) => sum + squaredDistance(sample[i], sample[j]), 0) / embeddings.length;
  const distances = Array.from({ length: voters }, (_, i) => Array.from({ length: voters }, (__, j) => distance(i, j)));
  const errors = distances.map((row, i) => {
    let sum = 0;
    let pairs = 0;
    for (let j = 0; j < voters; j++) {
      for (let k = j + 1; k < voters; k++) {
        if (i === j || i === k) continue;
        sum += 0.5 * (row[j] + row[k] - distances[j][k]);
        pairs++;
      }
    }
    return sum / pairs;
  });
  const thetas = errors.map((error) => dimension / (2 * error));
  const total = thetas.reduce((sum, theta) => sum + theta, 0);
  return { errors, weights: thetas.map((theta) => theta / total) };
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

const options = z.strictObject({
  ...sampling(1, 0.7),
  embedder: embeddingOption,
  table: tableOption.meta({
    description:
      "Table of the members' past answers, without grades: a file as `eval --outcomes` writes it. Default: this question alone.",
  }),
  neighbours: z.int().min(1).optional().meta({
    description: "With a table: only its so many questions nearest to this one count (Smoothie-Local).",
    usual: "all (Smoothie-Global)",
  }),
});

export const smoothie = defineSelection({
  name: "smoothie",
  summary: "Estimates each answer's error from embedding distances, without labels, and gives the least wrong.",
  source: "arXiv 2412.04692",
  requires: "Three or more answers: members, samples or both.",
  options,
  create: ({ embedder, table, neighbours }) => {
    const vectors = new TextVectors(embedder);
    const past =
      table === undefined ? undefined : new Learned(table, (rows, signal) => embedPast(rows, vectors, signal));
    return {
      select: async (candidates, { question, members, signal }) => {
        const texts = candidates.map(({ text }) => text);
        if (past === undefined) {
          const rows = await vectors.of(texts, signal);
          return choice(texts.length, [texts.map((_, row) => rowOf(rows, row))], (candidate) => candidate);
        }
        const names = members.map(({ name }) => name);
        const { questions, answers } = await past.for(names, signal);
        const near =
          neighbours === undefined ? answers : await nearest(questions, question, neighbours, answers, vectors, signal);
        return choice(texts.length, near, (candidate) => candidates[candidate].member);
      },
      dispose: () => vectors.dispose(),
    };
  },
  laws: [{}, { learns: true }, { options: { neighbours: 2 }, learns: true }],
});

/** `voterOf`: the voter whose error a candidate has. */
function choice(
  candidates: number,
  samples: readonly (readonly ArrayLike<number>[])[],
  voterOf: (candidate: number) => number,
): Selection {
  const few = samples[0].length < 3;
  const { errors } = few ? { errors: samples[0].map(() => 0) } : voterErrors(samples);
  const scores = Array.from({ length: candidates }, (_, candidate) => 0 - errors[voterOf(candidate)]);
  const chosen = firstBest(scores);
  const basis = samples.length === 1 ? "on this question" : `on ${samples.length} past questions`;
  const reason = few
    ? "Of two it cannot be estimated which is nearer the truth, so the first is given."
    : `Its estimated error ${basis} is least: ${(-scores[chosen]).toPrecision(3)}.`;
  return { chosen, scores, reason };
}

interface EmbeddedPast {
  questions: Matrix;
  /** Questions × voters × dimension. */
  answers: ArrayLike<number>[][];
}

async function embedPast(
  rows: readonly PastQuestion[],
  vectors: TextVectors,
  signal: AbortSignal,
): Promise<EmbeddedPast> {
  const questions = await vectors.of(
    rows.map(({ query }) => query),
    signal,
  );
  const answers: ArrayLike<number>[][] = [];
  for (const row of rows) {
    const matrix = await vectors.of(row.answers, signal);
    answers.push(row.answers.map((_, voter) => rowOf(matrix, voter)));
  }
  return { questions, answers };
}

async function nearest(
  questions: Matrix,
  question: string,
  count: number,
  answers: EmbeddedPast["answers"],
  vectors: TextVectors,
  signal: AbortSignal,
): Promise<EmbeddedPast["answers"]> {
  const query = rowOf(await vectors.of([question], signal), 0);
  return nearestRows(questions, query, count).map((row) => answers[row]);
}

/** The rows nearest by Euclidean distance, ties to the lowest index. */
export function nearestRows(points: Matrix, query: ArrayLike<number>, count: number): number[] {
  const distances = Array.from({ length: points.shape[0] }, (_, row) => squaredDistance(rowOf(points, row), query));
  return Array.from(distances.keys())
    .sort((a, b) => distances[a] - distances[b] || a - b)
    .slice(0, count);
}
