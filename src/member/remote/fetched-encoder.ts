/**
 * A tokenizer that lives in the server, for code that cannot wait: what is not known yet is noted and fetched, and the work is
 * done again, until nothing is missing. Texts are fetched together, so that a step takes one round trip, as a rule.
 */
import { LlamafuseError } from "../../errors.js";
import { type SpecialToken, SpecialTokens } from "../../llama/special-tokens.js";
import type { EncodeOptions } from "../../llama/tokenizer.js";
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";
import { type Encoder, PieceEncoder } from "../llama/piece-encoder.js";

/** Texts and special tokens in turn, to be encoded as one; the texts are letters unless `parseSpecial`. */
export interface Asked {
  parts: readonly (string | number)[];
  parseSpecial: boolean;
}

export type FetchTokens = (asked: readonly Asked[], signal?: AbortSignal) => Promise<readonly (readonly number[])[]>;

export interface EncodingOptions {
  signal?: AbortSignal;
  guessing?: boolean;
}

/** Encodings that are kept; beyond, the old ones are forgotten. */
const MAX_KNOWN = 65_536;
/** What one encoding shows decides what is encoded next; no work of ours needs so many turns. */
const MAX_TURNS = 1000;

export class FetchedEncoder implements Encoder {
  readonly #known = new Map<string, Int32Array>();
  readonly #missing = new Map<string, Asked>();
  readonly #guess: PieceEncoder;
  #specials: SpecialTokens | undefined;
  #isGuessing = false;

  constructor(
    readonly vocabulary: Vocabulary,
    /** The token that the tokenizer puts before a text, or -1. */
    private readonly firstToken: number,
    private readonly written: readonly SpecialToken[],
    private readonly fetch: FetchTokens,
  ) {
    this.#guess = new PieceEncoder(this);
  }

  encode(text: Uint8Array, { parseSpecial, addBos, letters = [] }: EncodeOptions): Int32Array {
    const key = `${parseSpecial ? letters.join() : "-"}:${byteKey(text)}`;
    let ids = text.length === 0 ? new Int32Array(0) : this.#known.get(key);
    if (ids === undefined) {
      this.#missing.set(key, this.#asked(text, parseSpecial, letters));
      if (!this.#isGuessing) throw new Error("not fetched yet");
      ids = this.#guess.longestMatch(text);
    }
    return addBos && this.firstToken >= 0 ? Int32Array.from([this.firstToken, ...ids]) : ids;
  }

  /**
   * The results of these works, once all that they encode is known; until then a work is broken off where something is not.
   * `guessing`: it goes on with a guess instead, which finds more at once. For works that keep nothing of it.
   */
  async settle<T>(works: readonly (() => T)[], { signal, guessing = false }: EncodingOptions = {}): Promise<T[]> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      this.#missing.clear();
      this.#isGuessing = guessing;
      const results = works.map(attempt);
      this.#isGuessing = false;
      if (this.#missing.size === 0) return results.map((result) => result());
      const missing = [...this.#missing];
      const found = await this.fetch(
        missing.map(([, asked]) => asked),
        signal,
      );
      if (this.#known.size + missing.length > MAX_KNOWN) this.#known.clear();
      for (const [index, [key]] of missing.entries()) this.#known.set(key, Int32Array.from(found[index]));
    }
    throw new LlamafuseError("member-failed", `A text still has no tokens after ${MAX_TURNS} requests.`);
  }

  /** Special tokens as such where they may be, with the text between them; else the text as it is. */
  #asked(text: Uint8Array, parseSpecial: boolean, letters: readonly number[]): Asked {
    const string = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
    if (!parseSpecial || letters.length === 0) return { parts: [string(text)], parseSpecial };
    this.#specials ??= new SpecialTokens(this.written);
    const pieces = this.#specials.split(text, letters);
    const parts = pieces.map((piece) => ("id" in piece ? piece.id : string(text.subarray(piece.start, piece.end))));
    return { parts, parseSpecial: false };
  }
}

/** What a work throws counts only where nothing was missing. */
function attempt<T>(work: () => T): () => T {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
