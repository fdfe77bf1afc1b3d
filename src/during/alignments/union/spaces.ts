/** The two union dictionaries that distributions are projected into: byte strings, and the strings of released code. */
import type { Feedback } from "../../../member/member.js";
import { type UnionDictionary, type UnionMaps, unionOf } from "../../../vocabulary/union-dictionary.js";
import type { Voice } from "../../method.js";
import type { FusedValues } from "../../rules/rule.js";
import { PublishedMembers, standForEnds } from "../published-feedback.js";
import { publishedBytes } from "../published-strings.js";

/** A space that all members' distributions are projected into, and the way back to their tokens. */
export interface UnionSpace {
  /** Whether projections have one entry more than the space, for tokens that are never text. */
  readonly hasRemainder: boolean;
  /** The entry that ends the generation, or -1 where `conclude` finds it. */
  readonly endEntry: number;
  /** Whose entries the space's are, where they are. */
  readonly dictionary?: UnionDictionary;
  mapsFor(starts: readonly boolean[]): UnionMaps;
  bytesOf(entry: number): Uint8Array;
  /** See AlignedStep.conclude. */
  conclude?(fused: FusedValues): number;
  /** Queue an entry in every member. */
  accept(entry: number): void | Promise<void>;
}

/** Byte strings; entry 0 is the end. */
export class ByteSpace implements UnionSpace {
  readonly hasRemainder = true;
  readonly endEntry = 0;
  readonly dictionary: UnionDictionary;

  constructor(
    private readonly voices: readonly Voice[],
    private readonly feedback: "piece" | "text",
  ) {
    this.dictionary = unionOf(voices.map(({ member }) => member.vocabulary));
  }

  mapsFor(starts: readonly boolean[]): UnionMaps {
    return this.dictionary.mapsFor(starts);
  }

  bytesOf(entry: number): Uint8Array {
    return this.dictionary.bytesOf(entry);
  }

  accept(entry: number): void {
    const bytes = this.dictionary.bytesOf(entry);
    for (const { member } of this.voices) {
      const ends: Feedback = { kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) };
      member.append(entry === 0 ? ends : { kind: this.feedback, bytes });
    }
  }
}

/** GaC's released strings and feedback. */
export class PublishedSpace implements UnionSpace {
  readonly hasRemainder = false;
  readonly endEntry = -1;
  readonly #published: PublishedMembers;

  constructor(
    voices: readonly Voice[],
    private readonly greedy: boolean,
  ) {
    this.#published = new PublishedMembers(voices.map(({ member }) => member));
  }

  mapsFor(): UnionMaps {
    const { strings, maps } = this.#published.union;
    return { size: strings.length, maps };
  }

  bytesOf(entry: number): Uint8Array {
    return this.#published.isEnd(entry) ? new Uint8Array() : publishedBytes(this.#published.union.strings[entry]);
  }

  conclude(fused: FusedValues): number {
    const { probabilities } = fused;
    const endEntry = standForEnds(probabilities, this.#published.endEntries, this.greedy);
    if (endEntry >= 0 && probabilities[endEntry] > probabilities[fused.best]) fused.best = endEntry;
    return endEntry;
  }

  accept(entry: number): Promise<void> {
    return this.#published.accept(entry);
  }
}
