/**
 * Repetition penalty on a fused distribution. Penalties are defined on one model's logits elsewhere; a fused
 * distribution has none, so this one is Llamafuse's own: for an entry whose bytes were chosen within the window, log p
 * (never positive) is multiplied by the penalty, which makes p into p^penalty. What follows works with ratios, so the
 * renormalisation that would come next is left to it. The end entry is never penalised.
 */
import type { FusedDistribution } from "../during/method.js";
import { byteKey } from "../vocabulary/vocabulary.js";

interface Choice {
  bytes: Uint8Array;
  /** Where these bytes were found last. Spaces that keep their entries from step to step need no search. */
  entry: number;
  /** How many times it stands in the window. */
  count: number;
}

export class RepetitionPenalty {
  /** The distinct choices within the window. */
  readonly #choices = new Map<string, Choice>();
  /** Keys of the last choices, a ring of at most `window`. */
  readonly #ring: string[] = [];
  #oldest = 0;
  readonly #hits: number[] = [];
  #weights = new Float64Array(0);

  constructor(
    readonly penalty: number,
    readonly window: number,
  ) {}

  get active(): boolean {
    return this.penalty !== 1 && this.window > 0;
  }

  record(distribution: FusedDistribution, entry: number): void {
    if (!this.active || entry === distribution.endEntry) return;
    const bytes = distribution.bytesOf(entry);
    const key = byteKey(bytes);
    const known = this.#choices.get(key);
    if (known === undefined) this.#choices.set(key, { bytes: Uint8Array.from(bytes), entry, count: 1 });
    else {
      known.entry = entry;
      known.count++;
    }
    if (this.#ring.length < this.window) {
      this.#ring.push(key);
      return;
    }
    this.#forget(this.#ring[this.#oldest]);
    this.#ring[this.#oldest] = key;
    this.#oldest = (this.#oldest + 1) % this.window;
  }

  #forget(key: string): void {
    const choice = this.#choices.get(key)!;
    if (--choice.count === 0) this.#choices.delete(key);
  }

  /** The entries with a probability that the penalty changes; the array is reused by the next call. */
  find(distribution: FusedDistribution): readonly number[] {
    this.#hits.length = 0;
    if (!this.active) return this.#hits;
    const { size, probabilities, endEntry } = distribution;
    let missing: Map<number, Choice[]> | undefined;
    for (const choice of this.#choices.values()) {
      const { entry, bytes } = choice;
      if (entry < size && entry !== endEntry && sameBytes(distribution.bytesOf(entry), bytes)) {
        if (probabilities[entry] > 0) this.#hits.push(entry);
        continue;
      }
      missing ??= new Map();
      const hash = hashBytes(bytes);
      missing.set(hash, [...(missing.get(hash) ?? []), choice]);
    }
    if (missing !== undefined) this.#search(distribution, missing);
    return this.#hits;
  }

  #search(distribution: FusedDistribution, missing: Map<number, Choice[]>): void {
    const { size, probabilities, endEntry } = distribution;
    for (let entry = 0; entry < size; entry++) {
      if (probabilities[entry] === 0 || entry === endEntry) continue;
      const bytes = distribution.bytesOf(entry);
      const found = missing.get(hashBytes(bytes))?.find((choice) => sameBytes(choice.bytes, bytes));
      if (found === undefined) continue;
      found.entry = entry;
      this.#hits.push(entry);
    }
  }

  /** The distribution's probabilities with these entries penalised; its own array is left as it is. */
  apply(distribution: FusedDistribution, hits: readonly number[]): Float64Array {
    const { size, probabilities } = distribution;
    if (hits.length === 0) return probabilities;
    if (this.#weights.length < size) this.#weights = new Float64Array(size);
    this.#weights.set(probabilities.subarray(0, size));
    for (const entry of hits) this.#weights[entry] **= this.penalty;
    return this.#weights;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** FNV-1a, cut to the 30 bits that V8 keeps in a number without allocating. */
function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash & 0x3fff_ffff;
}
