/**
 * Eagle: Elo ratings of all feedback, corrected by the feedback on similar queries (Zhao, Jin and Mao, arXiv 2409.15518).
 *
 *     R ← R + K (S − E),  E = 1 / (1 + 10^((R_opponent − R) / 400)),  S in {1, ½, 0}
 *     global = the mean of R over the replay of all feedback, from 1000
 *     local  = R after replaying the N nearest queries' feedback (cosine), starting from global
 *     argmax_m P · global_m + (1 − P) · local_m   of the models with ĉ_m ≤ budget;  ties to the cheaper one
 *
 * P = 0.5, N = 20, K = 32. Needs no training: `update` takes one comparison more. Scores are Elo points.
 *
 * Elo depends on the order, on which the paper is silent: here feedback is replayed in the order of the table, and
 * neighbours from the farthest to the nearest, so that the nearest counts last; of equally near ones the later is taken.
 * From a table every pair of models that answered a query is one comparison; N counts queries. The knob λ is ours.
 */
import { z } from "zod";
import { EloRatings, type Match, playMatch } from "../../learning/elo.js";
import { dot, matrixOf, rowOf, unitVector } from "../../learning/matrix.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { pack, packedNumbers, packMatrix, unpack, unpackMatrix } from "../../learning/packed-numbers.js";
import { onlyPairs } from "../fitting/feedback.js";
import { TrainedRouter } from "../fitting/trained-router.js";
import type { FitData, Query, RouterFeedback, RouterInfo } from "../router.js";
import { outcomePairs } from "../table/pairs.js";

export const eagleInfo: RouterInfo = {
  name: "eagle",
  summary: "Elo ratings over all queries and over similar ones; learns online.",
  source: "arXiv 2409.15518",
  knobs: ["budget", "lambda"],
  options: {
    p: "P: the global rating's share of a score, 0 to 1. Default 0.5.",
    n: "N: nearest queries used for the local rating. Default 20.",
    k: "K: how far a comparison moves a rating. Default 32.",
    margin: "Largest difference in quality that counts as a draw. Default 0.",
  },
};

export const eagleOptions = z.strictObject({
  p: z.number().min(0).max(1).default(0.5),
  n: z.int().min(1).default(20),
  k: z.number().positive().default(32),
  margin: z.number().min(0).default(0),
});

type EagleOptions = z.output<typeof eagleOptions>;

/** Where every rating starts. */
const START = 1000;
const SCORES = { a: 1, tie: 0.5, b: 0 } as const;

const eagleState = z.strictObject({
  neighbours: packedNumbers,
  /** Unit vectors of what came by `update`, behind the fitted ones. */
  added: packedNumbers,
  /** Row of feedback, a, b, and twice a's score, one comparison after another. */
  matches: packedNumbers,
  elo: z.strictObject({ ratings: z.array(z.number()), sums: z.array(z.number()), matches: z.int().min(0) }),
});

export class EagleRouter extends TrainedRouter<z.infer<typeof eagleState>> {
  readonly info = eagleInfo;
  readonly #settings: EagleOptions;
  #neighbours!: NearestNeighbours;
  #added: Float64Array[] = [];
  /** The comparisons of each query of feedback. */
  #feedback: Match[][] = [];
  #elo!: EloRatings;

  constructor(options: EagleOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings }: FitData): void {
    this.#neighbours = NearestNeighbours.fit(embeddings);
    this.#added = [];
    this.#feedback = Array.from({ length: table.rows }, () => []);
    this.#elo = new EloRatings(new Float64Array(table.models.length).fill(START), this.#settings);
    for (const { row, a, b, outcome } of outcomePairs(table, this.#settings.margin)) {
      const match = { a, b, score: SCORES[outcome] };
      this.#feedback[row].push(match);
      this.#elo.play(match);
    }
  }

  protected predict({ embedding }: Query): Float64Array {
    const x = unitVector(embedding);
    const similarities = new Float32Array(this.#feedback.length);
    similarities.set(this.#neighbours.similarities(x));
    similarities.set(
      this.#added.map((point) => dot(x, point)),
      this.#neighbours.count,
    );
    const { p, n, k } = this.#settings;
    const matches = nearestLast(similarities, n).flatMap((row) => this.#feedback[row]);
    return eagleScores(this.#elo.averages, matches, { p, k }).score;
  }

  /** Which of two answers was better. Errors: invalid-option for an unknown model, or one model's quality. */
  update(feedback: RouterFeedback): void {
    const { query, a, b, outcome } = onlyPairs(feedback, this.info.name);
    const match = { a: this.column(a), b: this.column(b), score: SCORES[outcome] };
    this.#elo.play(match);
    this.#feedback.push([match]);
    this.#added.push(unitVector(query.embedding));
  }

  protected state() {
    const flat = this.#feedback.flatMap((matches, row) => matches.flatMap(({ a, b, score }) => [row, a, b, 2 * score]));
    const matches = pack(Int32Array.from(flat), [flat.length / 4, 4]);
    const added = packMatrix(matrixOf(this.#added));
    return { neighbours: this.#neighbours.toJSON(), added, matches, elo: this.#elo.toJSON() };
  }

  protected restoreState(state: unknown): void {
    const { neighbours, added, matches, elo } = eagleState.parse(state);
    const points = unpackMatrix(added);
    this.#neighbours = NearestNeighbours.restore(neighbours);
    this.#added = Array.from({ length: points.shape[0] }, (_, row) => rowOf(points, row));
    this.#elo = EloRatings.restore(elo, this.#settings);
    this.#feedback = Array.from({ length: this.#neighbours.count + this.#added.length }, () => []);
    const flat = unpack(matches, "int32");
    for (let at = 0; at < flat.length; at += 4) {
      this.#feedback[flat[at]].push({ a: flat[at + 1], b: flat[at + 2], score: flat[at + 3] / 2 });
    }
  }
}

/** The positions of the n largest similarities, the largest last; of equal ones the later counts as nearer. */
export function nearestLast(similarities: ArrayLike<number>, n: number): number[] {
  const nearest: number[] = [];
  for (let row = 0; row < similarities.length; row++) {
    if (nearest.length === n && similarities[row] < similarities[nearest[0]]) continue;
    let place = nearest.length;
    while (place > 0 && similarities[nearest[place - 1]] > similarities[row]) place--;
    nearest.splice(place, 0, row);
    if (nearest.length > n) nearest.shift();
  }
  return nearest;
}

/** Local ratings from the global ones by replaying these matches, and P · global + (1 − P) · local. */
export function eagleScores(global: Float64Array, matches: readonly Match[], { p, k }: { p: number; k: number }) {
  const local = Float64Array.from(global);
  for (const match of matches) playMatch(local, match, k);
  return { local, score: global.map((rating, model) => p * rating + (1 - p) * local[model]) };
}
