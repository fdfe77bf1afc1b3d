/** What the strings of a top-k union are: how a token becomes a key, how a member values a key, how a key goes back. */
import type { Member } from "../../../member/member.js";
import { byteKey, keyBytes, TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import type { FusedValues } from "../../rules/rule.js";
import type { TopUnion } from "./candidates.js";

export interface TopKeys {
  /** Put one of a member's most probable tokens into the union. */
  add(union: TopUnion, member: number, id: number, logit: number): void;
  /** Settle what a member says of the strings that its own tokens left open. */
  complete(union: TopUnion, member: number): void | Promise<void>;
  /** The entry that ends the generation, or -1; also where `conclude` finds it. */
  endEntryOf(union: TopUnion): number;
  bytesOf(key: number): Uint8Array;
  /** See AlignedStep.conclude. */
  conclude?(union: TopUnion, fused: FusedValues): number;
  /** Queue a key in every member. */
  accept(key: number): void | Promise<void>;
}

const END = 0;

/** Byte strings; key 0 is the end of generation. */
export class ByteKeys implements TopKeys {
  /** Key → its bytes. Keys are handed out once for a string and stay for the run. */
  readonly #bytes: Uint8Array[] = [new Uint8Array()];
  readonly #keyOfString = new Map<string, number>();
  /** For each member, token id → key, negative where other tokens of the member have the same bytes. */
  readonly #keyOfToken: Map<number, number>[];

  constructor(
    private readonly members: readonly Member[],
    private readonly feedback: "text" | "piece",
  ) {
    this.#keyOfToken = members.map(() => new Map());
  }

  add(union: TopUnion, member: number, id: number, logit: number): void {
    const key = this.#keyOf(member, id);
    // A token without bytes says nothing.
    if (key !== END && this.#bytes[Math.abs(key)].length === 0) return;
    const entry = union.add(Math.abs(key));
    // Shared bytes and the end are settled by `complete`, with all the tokens that they have.
    if (key > 0) union.settle(member, entry, logit);
  }

  complete(union: TopUnion, member: number): void | Promise<void> {
    const open: number[] = [];
    for (let entry = 0; entry < union.size; entry++) {
      if (union.keys[entry] === END) {
        const { endLogProb, logNormaliser } = this.members[member].output;
        union.settle(member, entry, endLogProb + logNormaliser);
      } else if (!union.isSettled(member, entry)) {
        open.push(entry);
      }
    }
    if (open.length > 0) return this.#lookUp(union, member, open);
  }

  endEntryOf(union: TopUnion): number {
    return union.entryOf(END);
  }

  bytesOf(key: number): Uint8Array {
    return this.#bytes[key];
  }

  accept(key: number): void {
    for (const member of this.members) {
      if (key === END) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else member.append({ kind: this.feedback, bytes: this.#bytes[key] });
    }
  }

  async #lookUp(union: TopUnion, member: number, entries: readonly number[]): Promise<void> {
    const found = await this.members[member].lookup(entries.map((entry) => this.#bytes[union.keys[entry]]));
    for (const [place, entry] of entries.entries()) union.settle(member, entry, found[place].logit);
  }

  #keyOf(member: number, id: number): number {
    const { vocabulary, atFragmentStart } = this.members[member];
    if (vocabulary.classOf(id) === TokenClass.end) return END;
    if (atFragmentStart) return -this.#intern(byteKey(textAtFragmentStart(vocabulary.bytesOf(id))));
    let key = this.#keyOfToken[member].get(id);
    if (key === undefined) {
      const string = vocabulary.keyOf(id);
      key = vocabulary.idsOf(string).length === 1 ? this.#intern(string) : -this.#intern(string);
      this.#keyOfToken[member].set(id, key);
    }
    return key;
  }

  #intern(string: string): number {
    const known = this.#keyOfString.get(string);
    if (known !== undefined) return known;
    this.#bytes.push(keyBytes(string));
    this.#keyOfString.set(string, this.#bytes.length - 1);
    return this.#bytes.length - 1;
  }
}
