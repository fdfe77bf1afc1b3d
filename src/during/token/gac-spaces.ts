/** The two spaces that GaC fuses in: byte strings, and the strings of the released code. */
import type { Feedback } from "../../member/member.js";
import { publishedBytes } from "../../vocabulary/published-strings.js";
import { type UnionDictionary, type UnionMaps, unionOf } from "../../vocabulary/union.js";
import type { FusedDistribution, Voice } from "../method.js";
import { PublishedMembers, standForEnds } from "./published-feedback.js";

/** A space that all members' distributions are projected into, and the way back to their tokens. */
export interface UnionSpace {
  /** Whether projections have one entry more than the space, for tokens that are never text. */
  readonly hasRemainder: boolean;
  mapsFor(starts: readonly boolean[]): UnionMaps;
  /** The step's result around the fused probabilities. */
  distribution(probabilities: Float64Array, size: number, best: number): FusedDistribution;
  /** Queue an entry in every member. */
  accept(entry: number): void | Promise<void>;
}

/** Byte strings; entry 0 is the end. */
export class ByteSpace implements UnionSpace {
  readonly hasRemainder = true;
  readonly #union: UnionDictionary;

  constructor(
    private readonly voices: readonly Voice[],
    private readonly feedback: "piece" | "text",
  ) {
    this.#union = unionOf(voices.map(({ member }) => member.vocabulary));
  }

  mapsFor(starts: readonly boolean[]): UnionMaps {
    return this.#union.mapsFor(starts);
  }

  distribution(probabilities: Float64Array, size: number, best: number): FusedDistribution {
    return { size, probabilities, best, endEntry: 0, bytesOf: (entry) => this.#union.bytesOf(entry) };
  }

  accept(entry: number): void {
    const bytes = this.#union.bytesOf(entry);
    for (const { member } of this.voices) {
      const ends: Feedback = { kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) };
      member.append(entry === 0 ? ends : { kind: this.feedback, bytes });
    }
  }
}

/** The released code's strings. */
export class PublishedSpace implements UnionSpace {
  readonly hasRemainder = false;
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

  distribution(probabilities: Float64Array, size: number, best: number): FusedDistribution {
    const endEntry = standForEnds(probabilities, this.#published.endEntries, this.greedy);
    const endWins = endEntry >= 0 && probabilities[endEntry] > probabilities[best];
    return { size, probabilities, best: endWins ? endEntry : best, endEntry, bytesOf: (entry) => this.#bytesOf(entry) };
  }

  accept(entry: number): Promise<void> {
    return this.#published.accept(entry);
  }

  #bytesOf(entry: number): Uint8Array {
    return this.#published.isEnd(entry) ? new Uint8Array() : publishedBytes(this.#published.union.strings[entry]);
  }
}
