/** The form of one answer: what may be said next. See format.ts. */
import { argmax } from "../../during/combine.js";
import type { AllowedTokens, FusedDistribution } from "../../during/method.js";
import type { Member } from "../../member/member.js";
import type { UnionDictionary } from "../../vocabulary/union-dictionary.js";

/** How it is told what was said; the next mask is there when the promise settles. */
export type MaskSource = (said: number | Uint8Array) => Promise<void>;

const END = 0;

export class Form {
  #next: Promise<void> | undefined;
  #probabilities = new Float64Array(0);

  constructor(
    private readonly dictionary: UnionDictionary,
    private readonly members: readonly Member[],
    /** The numbers of bytes that are no entries of the dictionary. */
    private readonly byteNumbers: Int32Array,
    private readonly mask: Int32Array,
    private readonly askFor: MaskSource,
  ) {}

  /** Wait for the mask behind all that was said. */
  async ready(): Promise<void> {
    if (this.#next === undefined) return;
    await this.#next;
    this.#next = undefined;
  }

  /** Whether the text has its form. */
  get isComplete(): boolean {
    return this.#allows(END);
  }

  /** Whether no text has it. */
  get isImpossible(): boolean {
    return this.mask.every((word) => word === 0);
  }

  /** Whether the text has it, and nothing can follow. */
  get isOver(): boolean {
    return this.mask.every((word, index) => word === (index === 0 ? 1 : 0));
  }

  /**
   * The distribution over what may be said, with ln of the share of probability that it had; undefined where that is
   * none.
   */
  constrain(distribution: FusedDistribution): { distribution: FusedDistribution; logShare: number } | undefined {
    const { size, probabilities, endEntry, dictionary } = distribution;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const own = this.#probabilities;
    const isKnown = dictionary === this.dictionary;
    let sum = 0;
    for (let entry = 0; entry < size; entry++) {
      const probability = probabilities[entry];
      const allows =
        probability > 0 &&
        this.#allows(isKnown ? entry : entry === endEntry ? END : this.#numberOf(distribution.bytesOf(entry)));
      sum += own[entry] = allows ? probability : 0;
    }
    if (!(sum > 0)) return undefined;
    for (let entry = 0; entry < size; entry++) own[entry] /= sum;
    return { distribution: { ...distribution, probabilities: own, best: argmax(own, size) }, logShare: Math.log(sum) };
  }

  /** Of a member's tokens, those that may be said. */
  allowedTokens(member: Member): AllowedTokens {
    const starts = this.members.map(({ atFragmentStart }) => atFragmentStart);
    const { size, maps } = this.dictionary.mapsFor(starts);
    const map = maps[this.members.indexOf(member)];
    return (id) => map[id] < size && this.#allows(map[id]);
  }

  /** These bytes were chosen, which may be said. */
  take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const number = this.#numberOf(bytes);
    this.#next = this.askFor(number < 0 ? Uint8Array.from(bytes) : number);
    // Whoever waits for the mask is told.
    this.#next.catch(() => {});
  }

  #allows(number: number): boolean {
    return number >= 0 && (this.mask[number >> 5] & (1 << (number & 31))) !== 0;
  }

  /** -1 for none. */
  #numberOf(bytes: Uint8Array): number {
    const entry = bytes.length === 0 ? -1 : this.dictionary.entryOf(bytes);
    return entry < 0 && bytes.length === 1 ? this.byteNumbers[bytes[0]] : entry;
  }
}
