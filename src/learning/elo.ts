/**
 * Elo ratings by replay, in the order of the matches:
 *
 *     E_a = 1 / (1 + 10^((R_b − R_a) / 400));   R_a ← R_a + K (S − E_a),  R_b ← R_b − K (S − E_a)
 *
 * S is a's score: 1, ½ or 0. The order matters: later matches count more.
 */

export interface Match {
  a: number;
  b: number;
  /** Of a: 1 won, 0.5 drawn, 0 lost. */
  score: number;
}

export interface EloOptions {
  /** Default 32. */
  k?: number;
}

/** Moves the ratings of both by one match. */
export function playMatch(ratings: Float64Array, { a, b, score }: Match, k = 32): void {
  const expected = 1 / (1 + 10 ** ((ratings[b] - ratings[a]) / 400));
  const change = k * (score - expected);
  ratings[a] += change;
  ratings[b] -= change;
}

export class EloRatings {
  readonly ratings: Float64Array;
  readonly #sums: Float64Array;
  #matches = 0;

  constructor(
    start: ArrayLike<number>,
    private readonly options: EloOptions = {},
  ) {
    this.ratings = Float64Array.from(start);
    this.#sums = new Float64Array(start.length);
  }

  play(match: Match): void {
    const { ratings } = this;
    playMatch(ratings, match, this.options.k);
    this.#matches++;
    for (let index = 0; index < ratings.length; index++) this.#sums[index] += ratings[index];
  }

  /** The mean over the trajectory: all ratings after every match. The start before the first. */
  get averages(): Float64Array {
    return this.#matches === 0 ? Float64Array.from(this.ratings) : this.#sums.map((sum) => sum / this.#matches);
  }

  toJSON() {
    return { ratings: Array.from(this.ratings), sums: Array.from(this.#sums), matches: this.#matches };
  }

  static restore(saved: { ratings: number[]; sums: number[]; matches: number }, options?: EloOptions): EloRatings {
    const elo = new EloRatings(saved.ratings, options);
    elo.#sums.set(saved.sums);
    elo.#matches = saved.matches;
    return elo;
  }
}
