/** What single positions' logits say, beside the output that is prepared for the coordinator. */
import type { Kernels } from "../../kernels/kernels.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Saying } from "../member.js";
import { checkedMaximum } from "./preparer.js";

export class LogitReader {
  /** Where the logits at hand lie in the shared memory; set aside when something is first read. */
  #logits = 0;
  #view: Float32Array = new Float32Array(0);
  #logNormaliser = 0;

  constructor(
    private readonly name: string,
    private readonly vocabulary: Vocabulary,
    private readonly kernels: Kernels,
  ) {}

  /** Take a position's logits. Error: invalid-logits. */
  take(logits: Float32Array): void {
    const { kernels } = this;
    const { size } = this.vocabulary;
    if (this.#logits === 0) {
      this.#logits = kernels.shared.allocate(4 * size);
      this.#view = kernels.shared.float32(this.#logits, size);
    }
    this.#view.set(logits);
    const maximum = checkedMaximum(kernels, this.name, this.#logits, size);
    this.#logNormaliser = maximum + Math.log(kernels.sumExp(this.#logits, size, maximum));
  }

  /** ln of the summed probability of these tokens in nats; -Infinity for none. */
  logProbOf(ids: readonly number[]): number {
    if (ids.length === 1) return this.#view[ids[0]] - this.#logNormaliser;
    let sum = 0;
    for (const id of ids) sum += Math.exp(this.#view[id] - this.#logNormaliser);
    return Math.log(sum);
  }

  get endTokens(): readonly number[] {
    return this.vocabulary.endTokens;
  }

  /** A token's raw logit. */
  logitOf(id: number): number {
    return this.#view[id];
  }

  /** A copy of the logits at hand. */
  copy(): Float32Array {
    return this.#view.slice();
  }

  /**
   * The likeliest text token, the lowest id among equals, or the end where it is at least as probable. `startsFragment`:
   * whether the tokenizer puts a space before it.
   */
  likeliest(startsFragment: boolean): Saying {
    return this.likeliestOf(1, startsFragment)[0];
  }

  /** So many of the likeliest, best first; see `likeliest`. */
  likeliestOf(count: number, startsFragment: boolean): Saying[] {
    const { vocabulary } = this;
    const { offsets } = vocabulary.data;
    const best: number[] = [];
    let least = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < this.#view.length; id++) {
      if (!(this.#view[id] > least) || vocabulary.classOf(id) !== TokenClass.text) continue;
      // A token without bytes says nothing.
      if (offsets[id] === offsets[id + 1]) continue;
      let place = best.length;
      while (place > 0 && this.#view[best[place - 1]] < this.#view[id]) place--;
      best.splice(place, 0, id);
      if (best.length > count) best.pop();
      if (best.length === count) least = this.#view[best[count - 1]];
    }
    const sayings: Saying[] = best.map((id) => {
      const bytes = vocabulary.bytesOf(id);
      const logProb = this.#view[id] - this.#logNormaliser;
      return { id, bytes: Uint8Array.from(startsFragment ? textAtFragmentStart(bytes) : bytes), logProb };
    });
    const end = this.logProbOf(vocabulary.endTokens);
    const place = sayings.findIndex(({ logProb }) => end >= logProb);
    if (place >= 0) sayings.splice(place, 0, { id: -1, bytes: new Uint8Array(), logProb: end });
    else if (sayings.length < count || sayings.length === 0)
      sayings.push({ id: -1, bytes: new Uint8Array(), logProb: end });
    return sayings.slice(0, count);
  }
}
