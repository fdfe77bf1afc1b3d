/**
 * The alignment of members by bytes: none of their tokens has to meet another's.
 *
 *     p_i(b) = P_i(text + b) / P_i(text)        b: one of 256 bytes, or the end
 *
 * Shapes: 257 entries, float64; entry b < 256 is the byte b, entry 256 the end. A member that cannot spell the text at all
 * says what the others say on average, so that it counts no more than if it were not there. See byte-beam.ts for P_i and
 * member-bytes.ts for what pruning does to it.
 */
import { LlamafuseError } from "../../../errors.js";
import { settleAll } from "../../../settle-all.js";
import type { MethodContext, MethodReport } from "../../method.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { type BeamCounts, type BeamOptions, MemberBytes } from "./member-bytes.js";
import { BYTE_ENTRIES, END } from "./token-masses.js";

const NO_BYTES = new Uint8Array();
const BYTES = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));

export class BytesAlignment implements Alignment {
  readonly #members: readonly MemberBytes[];
  readonly #distributions: readonly Float64Array[];
  #hasBegun = false;

  constructor(
    private readonly context: MethodContext,
    options: BeamOptions,
  ) {
    const isDrawn = context.draw !== undefined && !context.greedy;
    this.#members = context.voices.map(({ member, thought }) => new MemberBytes(member, options, isDrawn, thought));
    this.#distributions = context.voices.map(() => new Float64Array(BYTE_ENTRIES));
  }

  async prepare(): Promise<void> {
    await settleAll(this.#members.map((member) => member.prepare()));
  }

  /** What each member's beam has done so far. */
  get counts(): readonly BeamCounts[] {
    return this.#members.map(({ counts }) => counts);
  }

  report(): MethodReport {
    return Object.fromEntries(this.context.voices.map(({ member }, index) => [member.name, { ...this.counts[index] }]));
  }

  /** By bytes, so that members whose tokens are short do not look better than they are. */
  async losses(): Promise<number[]> {
    const losses: number[] = [];
    await settleAll(
      this.#members.map(async (member, index) => {
        losses[index] = await member.loss();
      }),
    );
    return losses;
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    if (!this.#hasBegun) {
      await settleAll(this.#members.map((member) => member.begin()));
      this.#hasBegun = true;
    }
    await this.#bring(asked);
    const isKnown = asked.map((index) => this.#members[index].next(this.#distributions[index]));
    const distributions = asked.map((index) => this.#distributions[index]);
    if (isKnown.includes(false)) this.#standIn(distributions, isKnown);
    return this.#stepOf(
      distributions,
      asked.map((index, c) => (isKnown[c] ? this.#members[index].takeEffort() : undefined)),
    );
  }

  /** Bytes that no sequence says that was read: as likely as they are behind the last byte. */
  async alignAmong(asked: readonly number[]): Promise<AlignedStep> {
    for (const index of asked) this.#members[index].guess(this.#distributions[index]);
    return this.#stepOf(
      asked.map((index) => this.#distributions[index]),
      asked.map((index) => this.#members[index].takeEffort()),
    );
  }

  #stepOf(distributions: readonly Float64Array[], efforts: AlignedStep["efforts"]): AlignedStep {
    return {
      size: BYTE_ENTRIES,
      endEntry: END,
      distributions,
      efforts,
      bytesOf: (entry) => (entry === END ? NO_BYTES : BYTES[entry]),
    };
  }

  accept(entry: number): void {
    for (const member of this.#members) {
      if (entry === END) member.end();
      else member.push(entry);
    }
  }

  /** Have these members take all bytes, those that need their models at the same time together. */
  async #bring(asked: readonly number[]): Promise<void> {
    for (let left = asked; left.length > 0; ) {
      const wants = await settleAll(left.map((index) => this.#members[index].wantsModel()));
      left = left.filter((_, place) => wants[place]);
      if (left.length === 0) return;
      await this.context.advance(left.map((index) => this.context.voices[index]));
      for (const index of left) this.#members[index].read();
    }
  }

  #standIn(distributions: readonly Float64Array[], isKnown: readonly boolean[]): void {
    const known = distributions.filter((_, c) => isKnown[c]);
    if (known.length === 0) {
      const names = this.context.voices.map(({ member }) => member.name);
      throw new LlamafuseError(
        "incompatible-members",
        `No member can spell this text in its tokens (${names.join(", ")}). Use a member whose vocabulary has all bytes.`,
        { members: names },
      );
    }
    for (const [c, values] of distributions.entries()) {
      if (isKnown[c]) continue;
      for (let entry = 0; entry < BYTE_ENTRIES; entry++)
        values[entry] = known.reduce((sum, other) => sum + other[entry], 0) / known.length;
    }
  }
}
