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

  /**
   * The likeliest text token, the lowest id among equals, or the end where it is at least as probable. `startsFragment`:
   * whether the tokenizer puts a space before it.
   */
  likeliest(startsFragment: boolean): Saying {
    const { vocabulary } = this;
    const { offsets } = vocabulary.data;
    let best = -1;
    let largest = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < this.#view.length; id++) {
      if (!(this.#view[id] > largest) || vocabulary.classOf(id) !== TokenClass.text) continue;
      // A token without bytes says nothing.
      if (offsets[id] === offsets[id + 1]) continue;
      best = id;
      largest = this.#view[id];
    }
    const logProb = largest - this.#logNormaliser;
    const end = this.logProbOf(vocabulary.endTokens);
    if (end >= logProb) return { id: -1, bytes: new Uint8Array(), logProb: end };
    const bytes = vocabulary.bytesOf(best);
    return { id: best, bytes: Uint8Array.from(startsFragment ? textAtFragmentStart(bytes) : bytes), logProb };
  }
}
