/**
 * The union dictionary as GaC's released code writes it (Kamichanw/GaC, utils/gac_gen_utils.py): over strings made from
 * the tokens' texts, not over bytes. Its weaknesses are kept, because `compat` runs are compared with it:
 * - in byte-level BPE, ASCII bytes other than letters and digits stay on `<0xNN>` entries and never meet SentencePiece's
 *   `.` or ` `; non-ASCII text stays in the GPT-2 byte alphabet and is fed back as that;
 * - every end-of-text string is an entry of its own.
 * The released union is a Python set, whose order changes from run to run; here it has insertion order.
 */
import { LlamafuseError } from "../../errors.js";
import { byVocabularies } from "../../vocabulary/by-vocabularies.js";
import type { Vocabulary } from "../../vocabulary/vocabulary.js";

/** What the released code calls the two families, by which marker of a leading space more of the texts begin with. */
export type PublishedFamily = "sp" | "bbpe";

const SP_SPACE = "▁";
const BBPE_SPACE = "Ġ";
const BBPE_NEWLINE = "Ċ";
const ASCII = 128;
const LETTER_OR_DIGIT = /^[0-9A-Za-z]$/;
const BLANK = /^\p{White_Space}*$/u;
const HEX_STRINGS = Array.from({ length: 256 }, (_, byte) => hexString(byte));

/** Strings that end the generation in every model, beside the models' own end strings. */
export const PUBLISHED_END_STRINGS = ["<|end_of_text|>", "<|endoftext|>", "<|im_end|>", "<|end|>"] as const;

export class PublishedUnion {
  /** Entry → string: the 256 strings `<0x00>` … `<0xFF>`, then each vocabulary's new strings in id order. */
  readonly strings: string[] = [];
  /** Token id → entry, for each vocabulary. */
  readonly maps: Int32Array[];
  /** `<0xNN>` → token id, for each vocabulary: 256 entries for SentencePiece, 128 for byte-level BPE. */
  readonly byteTables: Map<string, number>[];
  readonly #entries = new Map<string, number>();

  /** @param vocabularies the texts of all tokens, by id */
  constructor(vocabularies: readonly (readonly string[])[]) {
    this.byteTables = vocabularies.map(byteTableOf);
    for (const string of HEX_STRINGS) this.#insert(string);
    this.maps = vocabularies.map((texts, index) => this.#mapTexts(texts, new Set(this.byteTables[index].values())));
    // Only now is every string in place that the bytes may be sent to.
    for (const [index, table] of this.byteTables.entries()) this.#mapBytes(this.maps[index], table);
  }

  /** The entry of a string, or -1. */
  entryOf(string: string): number {
    return this.#entries.get(string) ?? -1;
  }

  /** The tokens of a vocabulary that are this string, ascending. */
  idsOf(vocabulary: number, entry: number): number[] {
    const ids: number[] = [];
    const map = this.maps[vocabulary];
    for (let id = map.indexOf(entry); id >= 0; id = map.indexOf(entry, id + 1)) ids.push(id);
    return ids;
  }

  #mapTexts(texts: readonly string[], byteIds: ReadonlySet<number>): Int32Array {
    const map = new Int32Array(new SharedArrayBuffer(4 * texts.length)).fill(-1);
    // The family is found again without the byte tokens, as the released code does.
    const canonical = canonicaliser(familyOf(texts.filter((_, id) => !byteIds.has(id))));
    for (const [id, text] of texts.entries()) if (!byteIds.has(id)) map[id] = this.#insert(canonical(text));
    return map;
  }

  #mapBytes(map: Int32Array, table: ReadonlyMap<string, number>): void {
    const mixed = table.size === ASCII && this.byteTables.some((other) => other.size !== ASCII);
    for (const [hex, id] of table) {
      const character = String.fromCharCode(Number.parseInt(hex.slice(3, 5), 16));
      const string = mixed && LETTER_OR_DIGIT.test(character) ? character : hex;
      const entry = this.entryOf(string);
      if (entry < 0)
        throw incompatible(
          `No vocabulary has the token "${string}", which the published strings of byte-level BPE need.`,
        );
      map[id] = entry;
    }
  }

  #insert(string: string): number {
    const known = this.#entries.get(string);
    if (known !== undefined) return known;
    this.strings.push(string);
    this.#entries.set(string, this.strings.length - 1);
    return this.strings.length - 1;
  }
}

/** A union of vocabularies that know their tokens' texts, and each one's prefix probe; built once, like `unionOf`. */
export const publishedUnionOf = byVocabularies((vocabularies) => {
  const texts = vocabularies.map(textsOf);
  return { union: new PublishedUnion(texts), probes: texts.map(prefixProbe) };
});

/** Token id → text; LlamafuseError "incompatible-members" if the vocabulary does not know its texts. */
export function textsOf(vocabulary: Vocabulary): string[] {
  if (!vocabulary.hasTexts) throw incompatible("A vocabulary does not know its tokens' texts.");
  return Array.from({ length: vocabulary.size }, (_, id) => vocabulary.textOf(id));
}

export function familyOf(texts: readonly string[]): PublishedFamily {
  let balance = 0;
  for (const text of texts) balance += Number(text.startsWith(BBPE_SPACE)) - Number(text.startsWith(SP_SPACE));
  return balance > 0 ? "bbpe" : "sp";
}

/** The bytes that a published string stands for. */
export function publishedBytes(string: string): Uint8Array {
  const byte = HEX_STRINGS.indexOf(string);
  return byte < 0 ? Buffer.from(string, "utf8") : Uint8Array.of(byte);
}

/**
 * The text that a string is tokenised behind, so that SentencePiece puts no space before it: the shortest (then
 * lexicographically first, by code point) x such that `▁x` is a token inside no other token that begins with `▁`, has no
 * second `▁` and is not white space. Empty for byte-level BPE; `¢` for a vocabulary of 256,000 (Gemma), as released.
 */
export function prefixProbe(texts: readonly string[]): string {
  if (texts.length === 256_000) return "¢";
  if (familyOf(texts) === "bbpe") return "";
  const words = texts.filter((text) => text.startsWith(SP_SPACE) && text !== SP_SPACE);
  const all = `\0${words.join("\0")}\0`;
  const probe = words
    .filter((word) => !word.includes(SP_SPACE, 1) && !BLANK.test(word.slice(1)))
    .map((word) => ({ word, points: Array.from(word.slice(1), (character) => character.codePointAt(0) as number) }))
    .sort((a, b) => a.points.length - b.points.length || compareLists(a.points, b.points))
    .find(({ word }) => all.indexOf(word) === all.lastIndexOf(word));
  if (probe === undefined)
    throw incompatible("A SentencePiece vocabulary has no token that can serve as prefix probe.");
  return probe.word.slice(1);
}

/** How a string goes back into one model. */
export interface PublishedFeedback {
  byteTable: ReadonlyMap<string, number>;
  probe: string;
  /** Strings that mean this model's end token. */
  endStrings: ReadonlySet<string>;
  endId: number;
  /** The model's tokenizer, without special tokens added. */
  encode(text: string): ArrayLike<number> | Promise<ArrayLike<number>>;
}

/**
 * The token ids that stand for a union string in a model: its end token for an end string, the byte's token for a byte,
 * and otherwise what its tokenizer adds for the string behind the probe, or else behind `;`, or else at all.
 */
export async function publishedTokenIds(string: string, feedback: PublishedFeedback): Promise<number[]> {
  if (feedback.endStrings.has(string)) return [feedback.endId];
  const byteToken = feedback.byteTable.get(string);
  if (byteToken !== undefined) return [byteToken];
  for (const probe of [feedback.probe, ";"]) {
    const alone = Array.from(await feedback.encode(probe));
    const together = Array.from(await feedback.encode(probe + string));
    const isPrefix = alone.every((id, index) => together[index] === id);
    if (isPrefix && together.length > alone.length) return together.slice(alone.length);
  }
  return Array.from(await feedback.encode(string));
}

/** `<0xNN>` → token id. */
function byteTableOf(texts: readonly string[]): Map<string, number> {
  const idOf = new Map(texts.map((text, id) => [text, id]));
  const table = new Map<string, number>();
  const isBbpe = familyOf(texts) === "bbpe";
  for (let byte = 0; byte < (isBbpe ? ASCII : 256); byte++) {
    const hex = HEX_STRINGS[byte];
    const id = idOf.get(isBbpe ? byteLetter(byte) : hex);
    if (id !== undefined) table.set(hex, id);
    else if (isBbpe || hex !== "<0x09>") throw incompatible(`A vocabulary has no token for the byte ${hex}.`);
  }
  return table;
}

function canonicaliser(family: PublishedFamily): (text: string) => string {
  if (family === "bbpe") return (text) => text.replaceAll(BBPE_SPACE, " ").replaceAll(BBPE_NEWLINE, "\n");
  return (text) => (text.startsWith(SP_SPACE) ? text.replaceAll(SP_SPACE, " ") : text);
}

/** An ASCII byte in GPT-2's alphabet: printable ones are themselves, the others are moved up in order. */
function byteLetter(byte: number): string {
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return String.fromCharCode(byte <= 0x20 ? 0x100 + byte : 0x121);
}

function hexString(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : a[at] - b[at];
}

function incompatible(message: string): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `${message} The method's compat form cannot be used; leave compat out.`,
  );
}
