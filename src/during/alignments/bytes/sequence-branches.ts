/** Which branch of a member's text each token sequence is. */
import type { Branch, Member } from "../../../member/member.js";
import type { TokenSequence } from "./byte-beam.js";

export class SequenceBranches {
  #placeOf = new Map<TokenSequence, number>();

  constructor(
    private readonly member: Member,
    /** How many branches it is prepared for. One is the text alone. */
    private readonly most: number,
  ) {}

  /** The member has begun anew: all of these are what it holds. */
  begin(sequences: readonly TokenSequence[]): void {
    this.#placeOf = new Map(sequences.map((sequence) => [sequence, 0]));
  }

  /** What the member says behind what it has begun with. */
  get first(): Float32Array {
    const { output } = this.member;
    return this.most > 1 ? output.branches[0].logits : output.logits;
  }

  logitsOf(sequence: TokenSequence): Float32Array {
    const { output } = this.member;
    return this.most > 1 ? output.branches[this.#placeOf.get(sequence)!].logits : output.logits;
  }

  /** Queue the branches that these sequences need; each is there, or continues one that is by its last token. */
  ask(sequences: readonly TokenSequence[]): void {
    const branches: Branch[] = [];
    const placed = new Map<TokenSequence, number>();
    const placeFrom = new Map<number, number>();
    for (const sequence of new Set(sequences)) {
      const from = this.#placeOf.get(sequence);
      // Two sequences of one branch are the two readings of a fragment's start.
      const shared = from === undefined ? undefined : placeFrom.get(from);
      placed.set(sequence, shared ?? branches.length);
      if (shared !== undefined) continue;
      if (from === undefined) {
        branches.push({ from: this.#placeOf.get(sequence.parent!)!, ids: [sequence.token] });
      } else {
        placeFrom.set(from, branches.length);
        branches.push({ from, ids: [] });
      }
    }
    this.#placeOf = placed;
    this.#append(branches);
  }

  /** Queue an end behind a sequence; behind any where it is none that is there. */
  end(sequence: TokenSequence | undefined): void {
    const from = (sequence && this.#placeOf.get(sequence)) ?? 0;
    this.#append([{ from, ids: this.member.vocabulary.endTokens.slice(0, 1) }]);
  }

  #append(branches: readonly Branch[]): void {
    if (this.most > 1) this.member.append({ kind: "branches", branches });
    else this.member.append({ kind: "tokens", ids: branches[0].ids });
  }
}
