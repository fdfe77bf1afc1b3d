/**
 * Log-probabilities as OpenAI's API writes them. A token here is what one step chose, in the fused distribution before the
 * sampler's options; its bytes may be a part of a character, which `token` shows as U+FFFD. The end of the generation is no
 * token of an answer; among the candidates it is `<|end|>` without bytes.
 */
import type { ChosenPiece, TraceFused, TracePiece, TraceStep } from "../../decoding/trace.js";

/** As OpenAI's API says it of what is (nearly) impossible; JSON has no infinity. */
const IMPOSSIBLE = -9999;
const END = "<|end|>";

export interface TokenLogProb {
  token: string;
  logprob: number;
  bytes: number[] | null;
}

export interface ChatLogProb extends TokenLogProb {
  top_logprobs: TokenLogProb[];
}

/** The candidates of a step; none where nobody asked for them. */
type Fused = readonly TraceFused[];

export function chatLogProb(piece: ChosenPiece, fused: Fused = []): ChatLogProb {
  return { ...tokenLogProb(piece, piece.logProb), top_logprobs: fused.map((each) => tokenLogProb(each, lnOf(each))) };
}

/** What a step chose, from its trace. */
export function pieceOf({ chosen }: TraceStep): ChosenPiece {
  const { probability, ...piece } = chosen;
  return { ...piece, logProb: Math.log(probability) };
}

export function finite(logProb: number): number {
  return Number.isFinite(logProb) ? logProb : IMPOSSIBLE;
}

function lnOf({ probability }: TraceFused): number {
  return Math.log(probability);
}

function tokenLogProb(piece: TracePiece, logProb: number): TokenLogProb {
  if (piece.end === true) return { token: END, logprob: finite(logProb), bytes: null };
  return { token: piece.text, logprob: finite(logProb), bytes: Array.from(bytesOf(piece)) };
}

export function bytesOf({ text, bytes }: TracePiece): Uint8Array {
  return bytes === undefined ? Buffer.from(text, "utf8") : Buffer.from(bytes, "hex");
}

/** The form of /v1/completions: parallel lists. */
export interface CompletionLogProbs {
  tokens: string[];
  token_logprobs: (number | null)[];
  /** Token → log-probability; null where nothing precedes. */
  top_logprobs: (Record<string, number> | null)[];
  /** Where each token begins, in characters of the choice's text. */
  text_offset: number[];
}

export function noCompletionLogProbs(): CompletionLogProbs {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
}

/** Add a token; `at`: where it begins. A part of a character is written as `bytes:\xe2`, as OpenAI's API does. */
export function addToken(to: CompletionLogProbs, piece: TracePiece, logProb: number | null, fused: Fused, at: number) {
  to.tokens.push(nameOf(piece));
  to.token_logprobs.push(logProb === null ? null : finite(logProb));
  to.top_logprobs.push(logProb === null ? null : topOf(piece, logProb, fused));
  to.text_offset.push(at);
}

/** The candidates, and what was taken where it is none of them. */
function topOf(piece: TracePiece, logProb: number, fused: Fused): Record<string, number> {
  const top = Object.fromEntries(fused.map((each) => [nameOf(each), finite(lnOf(each))]));
  top[nameOf(piece)] ??= finite(logProb);
  return top;
}

function nameOf(piece: TracePiece): string {
  if (piece.end === true) return END;
  if (piece.bytes === undefined) return piece.text;
  return `bytes:${piece.bytes.replace(/../g, "\\x$&")}`;
}
