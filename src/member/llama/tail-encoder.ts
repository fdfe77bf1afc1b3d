/**
 * The tokens of a text that has grown, from a place on before which none can have changed: behind a cut near its end, else from
 * a place where the tokens so far come out again, else behind a cut farther back (see TextCuts and ResumePlaces).
 */
import type { Fragment } from "./fragment.js";
import type { Encoder, PieceEncoder } from "./piece-encoder.js";
import { ResumePlaces } from "./resume-places.js";
import { CUT_TRIALS, TextCuts } from "./text-cuts.js";
import type { TokenList } from "./token-list.js";

/** A cut is looked for in so many bytes before the text's end, and farther back only where no place is found. */
const NEAR = 256;
/** Bytes behind a place that have tokens already: this many, or four times as many where their tokens have changed. */
const LEAST_OVERLAP = 32;
const MOST_OVERLAP = 2048;
/** Tokens that must come out again. One is enough by the rule; the others are for what we do not know of a tokenizer. */
const SAME_TOKENS = 3;

/** A text and its tokens. */
export interface Standing {
  list: TokenList;
  fragment: Fragment;
  /** Bytes of the fragment that the list stands for. */
  covered: number;
}

/** Tokens of the text up to some byte, from this index of the list on. */
export interface Found {
  index: number;
  ids: Int32Array;
}

export class TailEncoder {
  readonly #cuts: TextCuts | undefined;
  #places: ResumePlaces | undefined;
  readonly #literals: ReadonlySet<number>;
  /** Bytes that a resumed text shares with the text so far, at least: no literal reaches across them. */
  readonly #overlap: number;

  constructor(
    private readonly encoder: Encoder,
    private readonly alone: PieceEncoder,
  ) {
    const { vocabulary, literals = [] } = encoder;
    this.#literals = new Set(literals);
    this.#overlap = literals.reduce((most, id) => Math.max(most, vocabulary.bytesOf(id).length), LEAST_OVERLAP);
    const cuts = new TextCuts(vocabulary, literals);
    if (cuts.areKnown && CUT_TRIALS.every((text) => cuts.holdIn(text, alone))) this.#cuts = cuts;
    const places = new ResumePlaces(vocabulary);
    if (places.areKnown) this.#places = places;
  }

  get usesCuts(): boolean {
    return this.#cuts !== undefined;
  }

  get usesPlaces(): boolean {
    return this.#places !== undefined;
  }

  /** This tokenizer is not of the kind that its places were found for. */
  resumeNowhere(): void {
    this.#places = undefined;
  }

  /** The tokens up to the byte `end`; undefined where they are to be found from the fragment's beginning. */
  encode(standing: Standing, end: number): Found | undefined {
    const near = standing.fragment.encoded - NEAR;
    return this.#behindCut(standing, end, near) ?? this.#resumed(standing, end) ?? this.#behindCut(standing, end);
  }

  /**
   * The index of the token that starts at this byte of the fragment, or -1 if none does, or if a token's bytes are not
   * those of the text (▁ in SentencePiece).
   */
  tokenAt(standing: Standing, position: number): number {
    if (position === standing.covered) return standing.list.length;
    for (const { index, at } of this.#backwards(standing)) if (at <= position) return at === position ? index : -1;
    return -1;
  }

  /** The tokens behind the last cut that lies at this byte or behind it. */
  #behindCut(standing: Standing, end: number, least = 1): Found | undefined {
    const { bytes: text, encoded } = standing.fragment;
    const cut = this.#cuts?.last(text, encoded, least) ?? 0;
    const index = cut === 0 ? -1 : this.tokenAt(standing, cut);
    const ids = index < 0 ? undefined : this.alone.encodeInside(text.subarray(cut, end));
    return ids && { index, ids };
  }

  /** The tokens from a place on where those that stand there come out again. */
  #resumed(standing: Standing, end: number): Found | undefined {
    const { list, fragment } = standing;
    const { bytes: text, encoded, digits } = fragment;
    if (this.#places === undefined) return undefined;
    let overlap = this.#overlap;
    let kept = 0;
    for (const { index, at } of this.#backwards(standing)) {
      if (encoded - at > MOST_OVERLAP || this.#literals.has(list.at(index))) return undefined;
      if (at < encoded) kept++;
      if (kept <= SAME_TOKENS || encoded - at < overlap || !this.#places.has(text, at, end, digits)) continue;
      const ids = this.alone.encodeInside(text.subarray(at, end));
      if (ids === undefined || ids.some((id) => this.#literals.has(id))) return undefined;
      if (comesOutAgain(list, index, ids)) return { index, ids };
      overlap *= 4;
    }
    return undefined;
  }

  /** The fragment's tokens from the last one on, with the bytes where they begin; as far as their bytes are the text's. */
  *#backwards({ list, fragment, covered }: Standing): Generator<{ index: number; at: number }> {
    const { bytes, offsets } = this.encoder.vocabulary.data;
    let at = covered;
    for (let index = list.length - 1; index >= fragment.start; index--) {
      const id = list.at(index);
      for (let byte = offsets[id + 1]; byte > offsets[id]; ) if (bytes[--byte] !== fragment.bytes[--at]) return;
      yield { index, at };
    }
  }
}

/** Whether the list has the first of these tokens from this index on. */
function comesOutAgain(list: TokenList, index: number, ids: Int32Array): boolean {
  for (let place = 0; place < SAME_TOKENS; place++)
    if (place >= ids.length || list.at(index + place) !== ids[place]) return false;
  return true;
}
