/**
 * The space of PackLLM's alignment: the tokens of one member, the reference, and for every other member the token that
 * stands for each of them (MinED, see vocabulary/minimum-edit.ts).
 */
import { LlamafuseError } from "../../../errors.js";
import type { Member } from "../../../member/member.js";
import { pooledLogit } from "../../../member/readings.js";
import { byVocabularies } from "../../../vocabulary/by-vocabularies.js";
import { byteKey, keyBytes, TokenClass, type Vocabulary } from "../../../vocabulary/vocabulary.js";
import type { BuildOptions } from "../build/pool.js";
import { familyOf, textsOf } from "../published-strings.js";
import { minedMap } from "./map.js";

export interface MinedSpace {
  /** Entries. */
  size: number;
  /** The entries that end the generation. */
  ends: readonly number[];
  /** The reference's token → its entry, or -1 where it has none. */
  entryOf(id: number): number;
  bytesOf(entry: number): Uint8Array;
  /** The token of a member that stands for an entry. */
  idOf(member: number, entry: number): number;
  /** The token of a member that stands for a token of the reference. */
  idOfToken(member: number, id: number): number;
  /** A member's logit of every entry. */
  gather(
    member: number,
    output: Pick<Member["output"], "endLogProb" | "logNormaliser"> & { logits: ArrayLike<number> },
    out: Float64Array,
  ): void;
}

type Said = Parameters<MinedSpace["gather"]>[1];

const END = 0;

/** Bytes for strings: entry 0 is the end, then come the distinct byte strings of the reference's text tokens. */
export class ByteMinedSpace implements MinedSpace {
  readonly size: number;
  readonly ends = [END];
  readonly #entries: Int32Array;
  readonly #strings: readonly string[];

  private constructor(
    private readonly vocabularies: readonly Vocabulary[],
    private readonly reference: number,
    strings: readonly string[],
    /** For each member, entry → its token. */
    private readonly maps: readonly Int32Array[],
    /** For each member, the entries that several of its tokens are: their logits are pooled. */
    private readonly pools: readonly (readonly { entry: number; ids: readonly number[] }[])[],
  ) {
    this.#strings = strings;
    this.size = strings.length;
    const entryOfString = new Map(strings.map((string, entry) => [string, entry]));
    const own = vocabularies[reference];
    this.#entries = Int32Array.from({ length: own.size }, (_, id) => {
      const tokenClass = own.classOf(id);
      if (tokenClass === TokenClass.end) return END;
      return tokenClass === TokenClass.text ? entryOfString.get(own.keyOf(id)) || -1 : -1;
    });
  }

  /** Errors: incompatible-members, aborted. */
  static async build(
    members: readonly Member[],
    reference: number,
    options: BuildOptions = {},
  ): Promise<ByteMinedSpace> {
    const vocabularies = members.map(({ vocabulary }) => vocabulary);
    const strings = ["", ...stringsOf(members[reference])];
    const maps: Int32Array[] = [];
    const pools: { entry: number; ids: number[] }[][] = [];
    for (const member of members) {
      const words = stringsOf(member);
      const nearest = await minedMap(strings.slice(1), words, options);
      const idsOfWords = words.map((word) => member.vocabulary.idOf(word));
      const map = new Int32Array(nearest.length + 1);
      map[END] = member.vocabulary.endTokens[0] ?? -1;
      for (let entry = 1; entry < map.length; entry++) map[entry] = idsOfWords[nearest[entry - 1]];
      maps.push(map);
      const known = new Set(words);
      pools.push(
        strings.flatMap((string, entry) => {
          const ids = entry > END && known.has(string) ? member.vocabulary.idsOf(string) : [];
          return ids.length > 1 ? [{ entry, ids }] : [];
        }),
      );
    }
    return new ByteMinedSpace(vocabularies, reference, strings, maps, pools);
  }

  entryOf(id: number): number {
    return this.#entries[id];
  }

  bytesOf(entry: number): Uint8Array {
    return keyBytes(this.#strings[entry]);
  }

  idOf(member: number, entry: number): number {
    return this.maps[member][entry];
  }

  idOfToken(member: number, id: number): number {
    if (member === this.reference) return id;
    const entry = this.#entries[id];
    return entry >= 0
      ? this.maps[member][entry]
      : specialToken(this.vocabularies[member], this.vocabularies[this.reference], id);
  }

  gather(member: number, { logits, endLogProb, logNormaliser }: Said, out: Float64Array): void {
    const map = this.maps[member];
    for (let entry = 1; entry < this.size; entry++) out[entry] = logits[map[entry]];
    for (const { entry, ids } of this.pools[member]) out[entry] = pooledLogit(logits, ids);
    out[END] = endLogProb + logNormaliser;
  }
}

/** The published strings: every token of the reference is an entry, and its text is what is compared. */
export class PublishedMinedSpace implements MinedSpace {
  readonly size: number;
  readonly ends: readonly number[];

  /** The reference's vocabulary, and for each member the token that stands for each of the reference's. */
  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly maps: readonly Int32Array[],
  ) {
    this.size = vocabulary.size;
    this.ends = vocabulary.endTokens;
  }

  /** Errors: incompatible-members, aborted. */
  static async build(
    members: readonly Member[],
    reference: number,
    options: BuildOptions = {},
  ): Promise<PublishedMinedSpace> {
    const texts = members.map(({ vocabulary }) => textsOf(vocabulary));
    const markers = texts.map((own) => (familyOf(own) === "sp" ? "▁" : "Ġ"));
    const maps: Int32Array[] = [];
    for (const [member, others] of texts.entries()) {
      const identity = Int32Array.from(others.keys());
      const words = withMarker(texts[reference], others, markers[reference], markers[member]);
      maps.push(member === reference ? identity : await minedMap(words, others, options));
    }
    return new PublishedMinedSpace(members[reference].vocabulary, maps);
  }

  entryOf(id: number): number {
    return id;
  }

  bytesOf(entry: number): Uint8Array {
    return this.vocabulary.bytesOf(entry);
  }

  idOf(member: number, entry: number): number {
    return this.maps[member][entry];
  }

  idOfToken(member: number, id: number): number {
    return this.maps[member][id];
  }

  gather(member: number, { logits }: Said, out: Float64Array): void {
    const map = this.maps[member];
    for (let entry = 0; entry < this.size; entry++) out[entry] = logits[map[entry]];
  }
}

/** The space of these members with this reference; built once for their vocabularies. Errors: incompatible-members, aborted. */
export async function minedSpaceOf(
  members: readonly Member[],
  reference: number,
  compat: boolean,
  options: BuildOptions = {},
): Promise<MinedSpace> {
  const built = spacesOf(members.map(({ vocabulary }) => vocabulary));
  const key = `${reference} ${compat}`;
  const known = built.get(key);
  if (known !== undefined) return known;
  const space = await (compat ? PublishedMinedSpace : ByteMinedSpace).build(members, reference, options);
  built.set(key, space);
  return space;
}

const spacesOf = byVocabularies(() => new Map<string, MinedSpace>());

/**
 * Pieces as they are sought in another vocabulary: those that it lacks begin with its marker of a word's beginning instead
 * of their own, unless that stands twice.
 */
export function withMarker(
  pieces: readonly string[],
  others: readonly string[],
  marker: string,
  otherMarker: string,
): string[] {
  const known = new Set(others);
  return pieces.map((piece) =>
    known.has(piece) || !piece.startsWith(marker) || piece.startsWith(marker + marker)
      ? piece
      : otherMarker + piece.slice(marker.length),
  );
}

/** The distinct byte strings of a member's text tokens, in the order of their lowest ids. */
function stringsOf({ name, vocabulary }: Member): string[] {
  const strings = new Set<string>();
  for (let id = 0; id < vocabulary.size; id++) {
    if (vocabulary.classOf(id) === TokenClass.text) strings.add(byteKey(vocabulary.bytesOf(id)));
  }
  strings.delete("");
  if (strings.size > 0) return [...strings];
  throw new LlamafuseError(
    "incompatible-members",
    `Member "${name}" has no tokens that are text, and nothing to align.`,
    {
      member: name,
      found: 0,
    },
  );
}

/** For a token that is never text: the one with this text, else the one that begins or ends a text. */
function specialToken(vocabulary: Vocabulary, reference: Vocabulary, id: number): number {
  const text = reference.textOf(id);
  for (let other = 0; text !== "" && other < vocabulary.size; other++) {
    if (vocabulary.classOf(other) !== TokenClass.text && vocabulary.textOf(other) === text) return other;
  }
  return vocabulary.bos >= 0 ? vocabulary.bos : (vocabulary.endTokens[0] ?? 0);
}
