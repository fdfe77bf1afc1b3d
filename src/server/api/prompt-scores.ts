/**
 * How probable a prompt is, token by token: `echo` with `logprobs`, by which harnesses compare the choices of a question.
 *
 * The first token has no figure, since nothing precedes it. What follows is scored by the model's method (decoding/score.ts)
 * in the pieces that it is said in. A prompt of text is told in these pieces. A prompt of token ids is told in its own tokens:
 * a piece counts where its last byte lies, so that sums over tokens are those over pieces wherever both have a border. A place
 * that the method cannot say is impossible, and the text behind it is scored all the same.
 */
import type { TraceFused } from "../../decoding/trace.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { LlamafuseError } from "../../errors.js";
import { invalidUtf8At, isUtf8Continuation } from "../../vocabulary/utf8.js";
import type { LoadedModel } from "../models/loaded-model.js";
import { reading } from "../refusals.js";
import type { Prompt } from "./completion-request.js";
import { bytesOf } from "./log-probs.js";
import { firstMember, promptBytes } from "./token-texts.js";

export interface PromptToken {
  bytes: Uint8Array;
  /** Null where nothing precedes. */
  logProb: number | null;
  fused: readonly TraceFused[];
}

/** The prompt as text for all members, and where its tokens end. */
export interface ReadPrompt {
  bytes: Uint8Array;
  /** The ids' own bytes; undefined for a prompt of text. */
  tokens?: readonly Uint8Array[];
}

/** Errors: invalid-option (an id that the vocabulary has not; ids for a router), invalid-text. */
export function readPrompt(prompt: Prompt, model: LoadedModel): ReadPrompt {
  if (typeof prompt === "string") return { bytes: new TextEncoder().encode(prompt) };
  const { vocabulary } = firstMember(model, "prompt");
  const tokens = reading("prompt", () => promptBytes(vocabulary, prompt));
  const bytes = Buffer.concat(tokens);
  if (bytes.length > 0 && invalidUtf8At(bytes) < 0) return { bytes, tokens };
  const what = bytes.length === 0 ? "have no text" : "end inside a character, or are none";
  throw new LlamafuseError("invalid-text", `The token ids of the prompt ${what}.`, { param: "prompt" });
}

/** Errors: those of `score`. */
export async function scorePrompt(
  { bytes, tokens }: ReadPrompt,
  model: LoadedModel,
  answerer: Answerer,
  top: number,
  signal: AbortSignal,
): Promise<PromptToken[]> {
  const borders = bordersOf(tokens ?? (await tokensOf(bytes, model)), bytes);
  let [at] = borders;
  const told: PromptToken[] = [{ bytes: bytes.subarray(0, at), logProb: null, fused: [] }];
  while (at < bytes.length) {
    const options = { signal, top: Math.max(1, top) };
    const { pieces, instead = [] } = await answerer.score!(
      text(bytes.subarray(0, at)),
      text(bytes.subarray(at)),
      options,
    );
    for (const piece of pieces) {
      told.push({ bytes: bytesOf(piece), logProb: piece.logProb, fused: piece.fused ?? [] });
      at += told[told.length - 1].bytes.length;
    }
    if (at === bytes.length) break;
    // What the method cannot say is impossible up to the token's end; behind it the text goes on.
    const end = borders.find((border) => border > at)!;
    told.push({ bytes: bytes.subarray(at, end), logProb: Number.NEGATIVE_INFINITY, fused: instead });
    at = end;
  }
  return tokens === undefined ? told : inTokens(tokens, told, top);
}

/** How the first member cuts the text; behind a router, its words. */
async function tokensOf(bytes: Uint8Array, { first }: LoadedModel): Promise<Uint8Array[]> {
  if (first === undefined)
    return (text(bytes).match(/\s*\S+|\s+$/g) ?? []).map((word) => new TextEncoder().encode(word));
  const ids = Array.from(await first.tokenize(bytes, { parseSpecial: true, addBos: false }));
  return promptBytes(first.vocabulary, ids);
}

/** Where tokens end, in whole characters; the last one is the end of the text. */
function bordersOf(tokens: readonly Uint8Array[], bytes: Uint8Array): number[] {
  const borders = new Set<number>();
  let end = 0;
  for (const token of tokens) {
    end += token.length;
    if (end > 0 && end < bytes.length && !isUtf8Continuation(bytes[end])) borders.add(end);
  }
  return [...borders, bytes.length];
}

/** What the pieces say, told in these tokens. */
function inTokens(tokens: readonly Uint8Array[], pieces: readonly PromptToken[], top: number): PromptToken[] {
  const told: PromptToken[] = [];
  let next = 0;
  let pieceEnd = pieces[0].bytes.length;
  let end = 0;
  for (const bytes of tokens) {
    end += bytes.length;
    const inside: PromptToken[] = [];
    while (next < pieces.length && pieceEnd <= end && bytes.length > 0) {
      inside.push(pieces[next++]);
      pieceEnd += pieces[next]?.bytes.length ?? 0;
    }
    told.push(together(bytes, inside, told.length === 0 || told.every(({ logProb }) => logProb === null), top));
  }
  return told;
}

function together(bytes: Uint8Array, inside: readonly PromptToken[], isFirst: boolean, top: number): PromptToken {
  if (inside.length === 1 && inside[0].bytes.length === bytes.length) return { ...inside[0], bytes };
  if (inside.some(({ logProb }) => logProb === null) || (isFirst && inside.length === 0))
    return { bytes, logProb: null, fused: [] };
  const logProb = inside.reduce((sum, piece) => sum + piece.logProb!, 0);
  // What was likelier than one of the pieces is likelier than all of them.
  const likelier = inside.flatMap((piece) =>
    piece.fused.filter(({ probability }) => Math.log(probability) > piece.logProb!),
  );
  return { bytes, logProb, fused: likelier.slice(0, top) };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
