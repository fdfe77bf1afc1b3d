/**
 * Which tokens of one model stand for a token of another: EVA's similarity matrix (arXiv 2404.09492; released code
 * vecmap/eval_translation_scipy_matrix.py), row by row from cosines between mapped embeddings (vecmap.ts).
 *
 *     score(x, z) = 2 cos(x, z) − ρ(z)        ρ(z) = mean of the K largest cos(x', z) over all source tokens x'
 *
 * Only the target's neighbourhood is corrected for (one half of CSLS). Of each row the largest scores are kept; then go
 * special targets, scores below a threshold, and rows whose scores are all alike, which say nothing.
 */

/** What a target token is to the search. */
export const Target = {
  candidate: 0,
  /** As the released code treats ids 0, 1 and 2: without correction it takes a place among the largest, and is deleted. */
  deleted: 1,
  /** Not looked at. */
  none: 2,
} as const;

export interface SimilarityOptions {
  /** Scores kept of a row. */
  keep: number;
  threshold: number;
  /** Rows with more than `flatCount` scores whose standard deviation is at most `flatDeviation` are left empty. */
  flatDeviation: number;
  flatCount: number;
}

/** The kept targets of one source token and their scores, by id. Shapes: cosines, hubness and kinds: one a target. */
export function similarTokens(
  cosines: ArrayLike<number>,
  hubness: ArrayLike<number>,
  kinds: Uint8Array,
  options: SimilarityOptions,
): SimilarTokens {
  const largest = new Largest(options.keep);
  for (let z = 0; z < kinds.length; z++) {
    if (kinds[z] !== Target.none) largest.offer(z, scoreOf(cosines[z], hubness[z], kinds[z]));
  }
  return chosenAmong(largest, kinds, options);
}

export interface SimilarTokens {
  ids: number[];
  scores: number[];
}

export function scoreOf(cosine: number, hubness: number, kind: number): number {
  return 2 * cosine - (kind === Target.candidate ? hubness : 0);
}

/** Of the largest scores, those that stand. */
export function chosenAmong(largest: Largest, kinds: Uint8Array, options: SimilarityOptions): SimilarTokens {
  const { threshold, flatCount, flatDeviation } = options;
  const kept = largest
    .entries()
    .filter(({ id, value }) => kinds[id] === Target.candidate && value >= threshold)
    .sort((a, b) => a.id - b.id);
  const scores = kept.map(({ value }) => value);
  if (kept.length > flatCount && deviation(scores) <= flatDeviation) return { ids: [], scores: [] };
  return { ids: kept.map(({ id }) => id), scores };
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** The few largest of many values, the first among equals. */
export class Largest {
  readonly #ids: number[] = [];
  readonly #values: number[] = [];

  constructor(private readonly count: number) {}

  offer(id: number, value: number): void {
    const values = this.#values;
    if (values.length === this.count && !(value > values[values.length - 1])) return;
    let place = Math.min(values.length, this.count - 1);
    for (; place > 0 && value > values[place - 1]; place--) {
      values[place] = values[place - 1];
      this.#ids[place] = this.#ids[place - 1];
    }
    values[place] = value;
    this.#ids[place] = id;
  }

  /** The smallest of them, once there are as many as there may be. */
  get least(): number {
    return this.#values.length === this.count ? this.#values[this.count - 1] : Number.NEGATIVE_INFINITY;
  }

  /** Largest first. */
  entries(): { id: number; value: number }[] {
    return this.#ids.map((id, place) => ({ id, value: this.#values[place] }));
  }
}

/** The K largest cosines of every target, as source tokens come by. */
export class Neighbourhoods {
  /** Descending, K a target. */
  readonly values: Float64Array;

  constructor(
    private readonly targets: number,
    private readonly size: number,
  ) {
    this.values = new Float64Array(targets * size).fill(Number.NEGATIVE_INFINITY);
  }

  /** One source token's cosines. */
  add(cosines: ArrayLike<number>): void {
    const { size, values } = this;
    for (let z = 0; z < this.targets; z++) {
      if (cosines[z] > values[z * size + size - 1]) this.#insert(z, cosines[z]);
    }
  }

  /** Those of other source tokens. */
  merge(other: ArrayLike<number>): void {
    const { size } = this;
    for (let z = 0; z < this.targets; z++) {
      for (let rank = 0; rank < size && other[z * size + rank] > this.values[z * size + size - 1]; rank++) {
        this.#insert(z, other[z * size + rank]);
      }
    }
  }

  /** What ρ is at least, whatever other source tokens there are: cosines are at least −1. */
  leastHubness(): Float64Array {
    const { size, values } = this;
    return Float64Array.from({ length: this.targets }, (_, z) => {
      let sum = 0;
      for (let rank = 0; rank < size; rank++) sum += Math.max(-1, values[z * size + rank]);
      return sum / size;
    });
  }

  /** One more cosine of one target. */
  offer(z: number, cosine: number): void {
    if (cosine > this.values[z * this.size + this.size - 1]) this.#insert(z, cosine);
  }

  /** ρ: the mean of each target's K, or of as many as there are. */
  hubness(): Float64Array {
    const { size, values } = this;
    return Float64Array.from({ length: this.targets }, (_, z) => {
      let sum = 0;
      let count = 0;
      for (; count < size && values[z * size + count] > Number.NEGATIVE_INFINITY; count++)
        sum += values[z * size + count];
      return count === 0 ? 0 : sum / count;
    });
  }

  #insert(z: number, value: number): void {
    const { size, values } = this;
    let at = z * size + size - 1;
    for (; at > z * size && value > values[at - 1]; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}
