/** Members as the released code of GaC and its descendants feeds them: strings in, each member's own token ids out. */
import type { Member } from "../../member/member.js";
import {
  PUBLISHED_END_STRINGS,
  type PublishedFeedback,
  type PublishedUnion,
  publishedTokenIds,
  publishedUnionOf,
} from "./published-strings.js";

export class PublishedMembers {
  readonly union: PublishedUnion;
  readonly feedbacks: readonly PublishedFeedback[];
  readonly #endEntries: ReadonlySet<number>;
  readonly #idsOfEntry = new Map<number, number[][]>();

  constructor(readonly members: readonly Member[]) {
    const { union, probes } = publishedUnionOf(members.map((member) => member.vocabulary));
    const endStrings = new Set<string>([...members.map((member) => member.facts.eosText), ...PUBLISHED_END_STRINGS]);
    endStrings.delete("");
    this.union = union;
    this.#endEntries = new Set([...endStrings].map((string) => union.entryOf(string)).filter((entry) => entry >= 0));
    this.feedbacks = members.map((member, index) => ({
      byteTable: union.byteTables[index],
      probe: probes[index],
      endStrings,
      endId: endIdOf(member),
      encode: (text) => member.tokenize(Buffer.from(text, "utf8"), { parseSpecial: true, addBos: false }),
    }));
  }

  /** Whether the union's entry ends the generation: any member's end string, or one of the common ones. */
  isEnd(entry: number): boolean {
    return this.#endEntries.has(entry);
  }

  get endEntries(): readonly number[] {
    return [...this.#endEntries];
  }

  /** Append an entry's tokens to every member. */
  async accept(entry: number): Promise<void> {
    let ids = this.#idsOfEntry.get(entry);
    if (ids === undefined) {
      const string = this.union.strings[entry];
      ids = await Promise.all(this.feedbacks.map((feedback) => publishedTokenIds(string, feedback)));
      this.#idsOfEntry.set(entry, ids);
    }
    for (const [index, member] of this.members.entries()) member.append({ kind: "tokens", ids: ids[index] });
  }
}

/**
 * Of the entries that end the generation, the one that stands for all: the most probable, -1 if there is none. Where a
 * draw decides it takes the others' probability, since the loop knows one end entry; a greedy choice is not touched.
 */
export function standForEnds(probabilities: Float64Array, ends: readonly number[], greedy: boolean): number {
  if (ends.length === 0) return -1;
  const heaviest = ends.reduce((best, entry) => (probabilities[entry] > probabilities[best] ? entry : best));
  if (greedy) return heaviest;
  for (const entry of ends) {
    if (entry === heaviest) continue;
    probabilities[heaviest] += probabilities[entry];
    probabilities[entry] = 0;
  }
  return heaviest;
}

/** The token that a model's end string names, or else its first end token. */
function endIdOf({ vocabulary, facts }: Member): number {
  const named = vocabulary.endTokens.find((id) => facts.eosText !== "" && vocabulary.textOf(id) === facts.eosText);
  return named ?? vocabulary.endTokens[0] ?? 0;
}
