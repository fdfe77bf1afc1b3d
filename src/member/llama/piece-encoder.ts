/** The tokens of a piece of text as it stands, whatever comes before it. */
import type { EncodeOptions } from "../../llama/tokenizer.js";
import { isUtf8 } from "../../vocabulary/utf8.js";
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";

/** A tokenizer, as far as a token list needs one. */
export interface Encoder {
  readonly vocabulary: Vocabulary;
  /** Tokens that stand for their text wherever it occurs; a vocabulary's own space follows them too. */
  readonly literals?: readonly number[];
  /** The tokens of well-formed UTF-8. */
  encode(text: Uint8Array, options: EncodeOptions): Int32Array;
}

/** Text as text, with nothing put before it. */
export const PLAIN = { parseSpecial: false, addBos: false };

const SPACE = 0x20;
/** Isolated encoding stands a piece behind this text, so that no dummy prefix is put before it. */
const PROBES = [Buffer.from("\n"), Buffer.from(";"), Buffer.from("a")];
/** Pieces are few and short; beyond so many, or so long ones, they are encoded each time. */
const MAX_PIECES = 65_536;
const MAX_PIECE_BYTES = 64;

export class PieceEncoder {
  readonly #known = new Map<string, Int32Array>();
  #probes: { probe: Uint8Array; alone: Int32Array }[] | undefined;

  constructor(private readonly encoder: Encoder) {}

  /**
   * The tokens of a piece on its own, without dummy prefix: what the tokenizer adds for it behind a probe text whose
   * own tokens do not change (GaC's rule, with bytes). Bytes that are no whole characters take the longest match.
   */
  encode(bytes: Uint8Array): Int32Array {
    if (bytes.length > MAX_PIECE_BYTES) return this.#encode(bytes);
    const key = byteKey(bytes);
    let ids = this.#known.get(key);
    if (ids === undefined) {
      ids = this.#encode(bytes);
      if (this.#known.size >= MAX_PIECES) this.#known.clear();
      this.#known.set(key, ids);
    }
    return ids;
  }

  /** The tokens of a text that goes on inside another; undefined where this tokenizer changes what stands before. */
  encodeInside(text: Uint8Array): Int32Array | undefined {
    if (!this.encoder.vocabulary.addsSpacePrefix) return this.encoder.encode(text, PLAIN);
    // The text's own leading space plays the part of the dummy prefix.
    if (text[0] === SPACE && text.length > 1 && text[1] !== SPACE) return this.encoder.encode(text.subarray(1), PLAIN);
    return this.encodeBehindProbe(text);
  }

  /** What the tokenizer adds for a text behind a probe; undefined where it changes every probe's own tokens. */
  encodeBehindProbe(text: Uint8Array): Int32Array | undefined {
    if (text.length === 0) return new Int32Array(0);
    this.#probes ??= PROBES.map((probe) => ({ probe, alone: this.encoder.encode(probe, PLAIN) }));
    for (const { probe, alone } of this.#probes) {
      const together = this.encoder.encode(Buffer.concat([probe, text]), PLAIN);
      if (together.length > alone.length && sameTokens(alone, together.subarray(0, alone.length))) {
        return together.slice(alone.length);
      }
    }
    return undefined;
  }

  /** The tokens of a whole text. */
  encodeWhole(text: Uint8Array): Int32Array {
    return this.encoder.encode(text, PLAIN);
  }

  /**
   * Greedy longest match of byte strings, for the few bytes that are no whole character. A byte without a token is left
   * out, as llama.cpp leaves it out.
   */
  longestMatch(bytes: Uint8Array): Int32Array {
    const { vocabulary } = this.encoder;
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      let end = bytes.length;
      let id = -1;
      while (end > at && (id = vocabulary.idOf(byteKey(bytes.subarray(at, end)))) < 0) end--;
      if (id >= 0) ids.push(id);
      at = Math.max(end, at + 1);
    }
    return Int32Array.from(ids);
  }

  #encode(bytes: Uint8Array): Int32Array {
    if (!isUtf8(bytes)) return this.longestMatch(bytes);
    return this.encodeBehindProbe(bytes) ?? this.encoder.encode(bytes, PLAIN);
  }
}

export function sameTokens(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
