/**
 * Penalties on pieces that stand in the window, as llama.cpp has them, on the fused logits z(u) = ln p(u) + ln Z:
 *
 *     z ← z / r where z > 0, else z · r;   z ← z − count · frequency − presence
 *
 * Every penalty ends as a difference of logits, by entry; Penalised turns differences into weights.
 */
import type { FusedDistribution } from "../../during/method.js";
import type { CheckedSamplerOptions } from "../sampler-options.js";
import { entriesOf, type History, type Piece } from "./history.js";

export class RepetitionPenalties {
  readonly window: number;
  readonly #options: Pick<CheckedSamplerOptions, "repetitionPenalty" | "presencePenalty" | "frequencyPenalty">;

  constructor(options: CheckedSamplerOptions) {
    const { repetitionPenalty, presencePenalty, frequencyPenalty, repetitionWindow } = options;
    const isOff = repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0;
    this.window = isOff ? 0 : repetitionWindow;
    this.#options = options;
  }

  /** Lower the logits of the entries that stand in the window. */
  apply(distribution: FusedDistribution, history: History, penalised: Penalised): void {
    if (this.window === 0) return;
    const counts = new Map<Piece, number>();
    for (let back = Math.min(this.window, history.length) - 1; back >= 0; back--) {
      const piece = history.back(back);
      counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = this.#options;
    for (const [piece, entry] of entriesOf(distribution, counts.keys())) {
      const logit = penalised.logitOf(entry);
      const scaled = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
      penalised.set(entry, scaled - counts.get(piece)! * frequencyPenalty - presencePenalty);
    }
  }
}

/** A distribution with some of its logits changed; its own array is left as it is. */
export class Penalised {
  #weights: Float64Array = new Float64Array(0);
  readonly #logits = new Map<number, number>();
  #probabilities: Float64Array = new Float64Array(0);
  #size = 0;
  #logNormaliser = 0;

  take({ probabilities, size }: FusedDistribution, logNormaliser: number): void {
    this.#probabilities = probabilities;
    this.#size = size;
    this.#logNormaliser = logNormaliser;
    this.#logits.clear();
  }

  logitOf(entry: number): number {
    return this.#logits.get(entry) ?? Math.log(this.#probabilities[entry]) + this.#logNormaliser;
  }

  set(entry: number, logit: number): void {
    this.#logits.set(entry, logit);
  }

  /** exp(z − ln Z) up to a factor, so that one at least is above 0; the array is reused by the next call. */
  weights(): Float64Array {
    if (this.#logits.size === 0) return this.#probabilities;
    if (this.#weights.length < this.#size) this.#weights = new Float64Array(this.#size);
    const weights = this.#weights;
    weights.set(this.#probabilities.subarray(0, this.#size));
    let base = this.#logNormaliser;
    for (const [entry, logit] of this.#logits) weights[entry] = weightOf(logit - base);
    let greatest = 0;
    for (let entry = 0; entry < this.#size; entry++) if (weights[entry] > greatest) greatest = weights[entry];
    if (greatest > SMALLEST && greatest < Number.POSITIVE_INFINITY) return weights;
    // All that is possible is penalised (or rewarded) by so much that exp leaves the doubles.
    base = Math.max(...this.#logits.values());
    for (const [entry, logit] of this.#logits) weights[entry] = weightOf(logit - base);
    return weights;
  }
}

/** Smaller weights have few digits left, or none. */
const SMALLEST = 1e-300;

/** What is possible stays so, however unlikely. */
function weightOf(logit: number): number {
  return Math.max(Math.exp(logit), Number.MIN_VALUE);
}
