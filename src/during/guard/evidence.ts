/**
 * How well each member foresees an answer, as weights (exponential weights under log-loss; Vovk, "Aggregating strategies",
 * 1990; fixed share: Herbster and Warmuth, "Tracking the best expert", 1998). With loss ℓ_i = −ln p_i(piece), at most
 * `maxLoss`:
 *
 *     w_i ← w_i e^(−η ℓ_i) / Σ        then w_i ← (1 − α) w_i + α / K
 *
 * A mixture by these weights loses −ln Σ w_i e^(−ℓ_i). For η ≤ 1 its sum over T pieces is, against every member i,
 *
 *     L ≤ L_i + ln(1 / w_i(0)) / η + (T − 1) ln(1 / stay) / η        stay = 1 − α + α / K
 */
export interface EvidenceOptions {
  /** η. */
  rate: number;
  /** α: 0 compares with one member for the whole answer, above it with one that may change. */
  share: number;
  /** The best member alone from a weight of 1 − ε on. */
  epsilon: number;
  /** In nats; undefined: none. */
  maxLoss?: number;
}

export class Evidence {
  #weights: readonly number[];

  /** `prior`: the members' weights before anything is said. */
  constructor(
    prior: readonly number[],
    private readonly options: EvidenceOptions,
  ) {
    this.#weights = [...prior];
  }

  get weights(): readonly number[] {
    return this.#weights;
  }

  /** The member of the largest weight, the first among equals, where that is all but ε of it. */
  get solo(): number | undefined {
    const best = this.#weights.indexOf(Math.max(...this.#weights));
    return this.#weights[best] >= 1 - this.options.epsilon ? best : undefined;
  }

  /** Losses of a piece, from the members' ln-probabilities of it. */
  lossesOf(logProbs: readonly number[]): number[] {
    const { maxLoss = Number.POSITIVE_INFINITY } = this.options;
    return logProbs.map((logProb) => Math.min(-logProb, maxLoss));
  }

  /** What all foresaw of a piece. Where nobody finds it possible, nothing is learned. */
  observe(logProbs: readonly number[]): void {
    const { rate, share } = this.options;
    const losses = this.lossesOf(logProbs);
    const least = Math.min(...losses.filter((_, index) => this.#weights[index] > 0));
    if (!Number.isFinite(least)) return;
    const powers = losses.map((loss, index) => this.#weights[index] * Math.exp(-rate * (loss - least)));
    const sum = powers.reduce((total, power) => total + power, 0);
    this.#weights = powers.map((power) => (1 - share) * (power / sum) + share / powers.length);
  }
}

/** −ln Σ w_i e^(−ℓ_i) in nats. */
export function mixtureLoss(weights: readonly number[], losses: readonly number[]): number {
  return -Math.log(weights.reduce((sum, weight, index) => sum + weight * Math.exp(-losses[index]), 0));
}

/** What the mixture's losses over so many pieces never exceed, given the members' own sums. */
export function regretBound(
  memberLosses: readonly number[],
  prior: readonly number[],
  pieces: number,
  { rate, share }: Pick<EvidenceOptions, "rate" | "share">,
): number {
  const stay = 1 - share + share / prior.length;
  const staying = share > 0 ? ((pieces - 1) * Math.log(1 / stay)) / rate : 0;
  return Math.min(...memberLosses.map((loss, index) => loss + Math.log(1 / prior[index]) / rate)) + staying;
}
