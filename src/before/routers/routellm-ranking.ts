/**
 * RouteLLM's similarity-weighted ranking (arXiv 2406.18665, released code):
 *
 *     w_i = 10 · 10^(s_i / max s)                  s_i: cosine of the query to the query of battle i
 *     Elo of the tiers by Bradley–Terry on the weighted battles;  P(a beats b) = 1 / (1 + 10^((Elo_b − Elo_a) / 400))
 *
 * Models share a tier where their Elo over all battles says so (rating-tiers.ts), at most ten. A battle's weight depends
 * on its query alone and most queries have one of few patterns of wins, so a decision sums weights by pattern: it costs
 * queries + patterns × tiers² instead of a fit over all battles.
 *
 * Battles within a tier say nothing about tiers and are left out. In the released code such a battle sets one feature
 * instead of two, and so counts as one against a standing opponent; `compat` does that. The ridge is ours: the code has
 * none and diverges where a tier never loses.
 */
import { z } from "zod";
import { addBattle, bradleyTerry, eloOf, winsOf } from "../../learning/bradley-terry.js";
import { type Matrix, makeMatrix, matrixOf } from "../../learning/matrix.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { pack, packedNumbers, packMatrix, unpack, unpackMatrix } from "../../learning/packed-numbers.js";
import { ratingTiers } from "../../learning/rating-tiers.js";
import type { FitData } from "../router.js";
import { outcomePairs } from "../table/pairs.js";

export const savedRanking = z.strictObject({
  neighbours: packedNumbers,
  tiers: z.array(z.int().min(0)),
  patterns: packedNumbers,
  patternOf: packedNumbers,
});

export class SimilarityRanking {
  private constructor(
    private readonly neighbours: NearestNeighbours,
    /** The tier of each model, by its column. */
    readonly tiers: readonly number[],
    /** patterns × opponents²: W of one query with that pattern. */
    private readonly patterns: Matrix,
    /** The pattern of each training query. */
    private readonly patternOf: Int32Array,
  ) {}

  /** margin: qualities that differ by no more are a tie. */
  static fit({ table, embeddings }: FitData, options: { tiers: number; margin: number; compat: boolean }) {
    const models = table.models.length;
    const battles = Array.from(outcomePairs(table, options.margin));
    const tiers = tiersOf(eloOf(bradleyTerry(winsOf(battles, models))), Math.min(options.tiers, models));
    // One more than there are tiers: the standing opponent.
    const opponents = Math.max(...tiers) + 2;
    const wins = Array.from({ length: table.rows }, () => makeMatrix(opponents, opponents));
    for (const { row, a, b, outcome } of battles) {
      if (tiers[a] !== tiers[b]) addBattle(wins[row], { a: tiers[a], b: tiers[b], outcome });
      else if (options.compat) addBattle(wins[row], { a: opponents - 1, b: tiers[b], outcome });
    }
    const { patterns, patternOf } = distinctRows(wins);
    return new SimilarityRanking(NearestNeighbours.fit(embeddings), tiers, patterns, patternOf);
  }

  /** The Elo of each model for a query, as its tier has it. Only differences mean anything. */
  ratings(embedding: ArrayLike<number>): Float64Array {
    const weights = similarityWeights(this.neighbours.similarities(embedding));
    const byPattern = new Float64Array(this.patterns.shape[0]);
    for (let row = 0; row < weights.length; row++) byPattern[this.patternOf[row]] += weights[row];
    const opponents = Math.sqrt(this.patterns.shape[1]);
    const wins = makeMatrix(opponents, opponents);
    for (let pattern = 0, at = 0; pattern < byPattern.length; pattern++) {
      for (let pair = 0; pair < wins.data.length; pair++, at++) {
        wins.data[pair] += byPattern[pattern] * this.patterns.data[at];
      }
    }
    const elo = eloOf(bradleyTerry(wins));
    return Float64Array.from(this.tiers, (tier) => elo[tier]);
  }

  toJSON(): z.infer<typeof savedRanking> {
    return {
      neighbours: this.neighbours.toJSON(),
      tiers: [...this.tiers],
      patterns: packMatrix(this.patterns),
      patternOf: pack(this.patternOf),
    };
  }

  static restore({ neighbours, tiers, patterns, patternOf }: z.infer<typeof savedRanking>): SimilarityRanking {
    return new SimilarityRanking(
      NearestNeighbours.restore(neighbours),
      tiers,
      unpackMatrix(patterns),
      unpack(patternOf, "int32"),
    );
  }
}

/** w_i = 10 · 10^(s_i / max s). Where nothing is similar (max s ≤ 0, which the released code does not foresee) all are 10. */
export function similarityWeights(similarities: ArrayLike<number>): Float64Array {
  let largest = 0;
  for (let i = 0; i < similarities.length; i++) largest = Math.max(largest, similarities[i]);
  const scale = largest > 0 ? Math.LN10 / largest : 0;
  const weights = new Float64Array(similarities.length);
  for (let i = 0; i < weights.length; i++) weights[i] = 10 * Math.exp(scale * similarities[i]);
  return weights;
}

/** 1 / (1 + 10^((b − a) / 400)): how likely a rating of a beats one of b. */
export function eloWinRate(a: number, b: number): number {
  return 1 / (1 + 10 ** ((b - a) / 400));
}

/** Equal ratings keep the order of the models. */
function tiersOf(ratings: Float64Array, count: number): number[] {
  const order = Array.from(ratings.keys()).sort((a, b) => ratings[b] - ratings[a] || a - b);
  const sorted = ratingTiers(
    order.map((model) => ratings[model]),
    count,
  );
  const tiers = new Array<number>(ratings.length);
  for (const [place, model] of order.entries()) tiers[model] = sorted[place];
  return tiers;
}

function distinctRows(wins: readonly Matrix[]): { patterns: Matrix; patternOf: Int32Array } {
  const known = new Map<string, number>();
  const patterns: Float64Array[] = [];
  const patternOf = Int32Array.from(wins, ({ data }) => {
    const key = data.join();
    let pattern = known.get(key);
    if (pattern === undefined) known.set(key, (pattern = patterns.push(data) - 1));
    return pattern;
  });
  return { patterns: matrixOf(patterns), patternOf };
}
