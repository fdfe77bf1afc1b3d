/**
 * The union dictionary: one space of byte strings that contains every token of several vocabularies (GaC,
 * arXiv 2406.12585, with bytes for keys).
 *
 *     U = {end} ∪ bytes(V₁) ∪ … ∪ bytes(V_N),   map_i: V_i → U,   p_i^U(u) = Σ_{t: map_i(t) = u} p_i(t)
 *
 * Entries are numbered in insertion order: 0 is the pooled end of generation of all members; then the distinct byte
 * strings of the first vocabulary in id order, the new ones of the second, and so on. Tokens that are never text
 * (control, unused) go to one more entry behind all others, the *remainder*, so that the probability they took is known
 * without a sum over the dictionary and a distribution can be conditioned on saying something: p(u) / (1 − remainder).
 */
import { byVocabularies } from "./by-vocabularies.js";
import { ByteTable } from "./byte-table.js";
import { TokenClass, type Vocabulary, type VocabularyData } from "./vocabulary.js";

const EMPTY = new Uint8Array();
const SPACE = 0x20;

/** Token id → entry for each vocabulary, on shared memory. The remainder is the entry `size`. */
export interface UnionMaps {
  /** Entries that a distribution has; the projection has one more. */
  size: number;
  maps: Int32Array[];
}

export class UnionDictionary {
  /** Where no member stands at the start of a fragment. */
  readonly everywhere: UnionMaps;
  readonly #table: ByteTable;
  /** Maps in which the leading space of a token's bytes is the tokenizer's; undefined where it never is. */
  readonly #startMaps: (Int32Array | undefined)[];
  /** The maps of `everywhere` for the larger space, made when first asked for. */
  readonly #widened: (Int32Array | undefined)[];
  readonly #startSize: number;

  constructor(vocabularies: readonly Vocabulary[]) {
    const data = vocabularies.map((vocabulary) => vocabulary.data);
    const buffers = data.map((one) => one.bytes);
    const largest = Math.max(...vocabularies.map((vocabulary) => vocabulary.size));
    const table = new ByteTable(buffers, Math.ceil(largest * 1.5));
    const maps = data.map((one, member) => mapInto(table, one, member, false));
    const size = table.size + 1;
    // The strings that are tokens only without the tokenizer's space lie behind all others.
    this.#startMaps = data.map((one, member) => (one.addsSpacePrefix ? mapInto(table, one, member, true) : undefined));
    this.#startSize = table.size + 1;
    for (const map of maps) replace(map, NEVER_TEXT, size);
    for (const map of this.#startMaps) if (map !== undefined) replace(map, NEVER_TEXT, this.#startSize);
    this.everywhere = { size, maps };
    this.#widened = maps.map(() => undefined);
    this.#table = table;
  }

  /**
   * The space for this step. `starts[i]`: whether member i is at a fragment start (Member.atFragmentStart), so that the
   * leading space of its tokens' bytes belongs to its tokenizer; a lone space stays.
   */
  mapsFor(starts: readonly boolean[]): UnionMaps {
    if (!starts.some((start, member) => start && this.#startMaps[member] !== undefined)) return this.everywhere;
    const maps = this.everywhere.maps.map((map, member) => {
      const startMap = starts[member] ? this.#startMaps[member] : undefined;
      if (startMap !== undefined) return startMap;
      this.#widened[member] ??= replace(sharedCopy(map), this.everywhere.size, this.#startSize);
      return this.#widened[member];
    });
    return { size: this.#startSize, maps };
  }

  /** Entries in all: those of the largest space. */
  get entries(): number {
    return this.#startSize;
  }

  /** A view of an entry's bytes; empty for the end of generation. */
  bytesOf(entry: number): Uint8Array {
    return entry === 0 ? EMPTY : this.#table.bytesOf(entry - 1);
  }

  /** The entry with these bytes, or -1. */
  entryOf(bytes: Uint8Array): number {
    const found = this.#table.find(bytes);
    return found < 0 ? -1 : found + 1;
  }
}

/** The dictionary of these vocabularies in this order; built once and kept for as long as the first of them lives. */
export const unionOf = byVocabularies((vocabularies) => new UnionDictionary(vocabularies));

/** Marks the tokens that are never text until the size of the space is known. */
const NEVER_TEXT = -2;

function mapInto(
  table: ByteTable,
  { bytes, offsets, classes }: VocabularyData,
  member: number,
  atFragmentStart: boolean,
): Int32Array {
  const size = offsets.length - 1;
  const map = new Int32Array(new SharedArrayBuffer(4 * size));
  for (let id = 0; id < size; id++) {
    if (classes[id] === TokenClass.end) continue;
    let start = offsets[id];
    const end = offsets[id + 1];
    if (atFragmentStart && end - start > 1 && bytes[start] === SPACE) start++;
    map[id] = classes[id] === TokenClass.text && end > start ? table.insert(member, start, end) + 1 : NEVER_TEXT;
  }
  return map;
}

/** Exchange one entry for another, in place. */
function replace(map: Int32Array, from: number, to: number): Int32Array {
  for (let id = 0; id < map.length; id++) if (map[id] === from) map[id] = to;
  return map;
}

function sharedCopy(map: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(4 * map.length));
  copy.set(map);
  return copy;
}
