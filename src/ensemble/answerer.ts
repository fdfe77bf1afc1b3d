/**
 * What answers: members fused by a method, a router over members, and whatever else stands over them. One contract:
 *
 * - a request is checked before anything else, and a bad one is a LlamafuseError "invalid-option" or "invalid-text";
 * - requests that need the same members are served in the order in which they came;
 * - a request that its signal cancels ends with `finishReason: "aborted"` and the text so far, at once where it waited
 *   (`score`, which has no text so far, ends with the error "aborted");
 * - `dispose` cancels what runs, and what waits ends with the error "disposed";
 * - a result says which method answered and what it cost.
 */
import type { PromptInput } from "../decoding/prompt.js";
import type { GenerateOptions, ScoreOptions } from "../decoding/request.js";
import type { GenerateResult, StreamChunk } from "../decoding/result.js";
import type { TextScore } from "../decoding/score.js";

export interface Answerer<
  Result extends GenerateResult = GenerateResult,
  Chunk extends StreamChunk = StreamChunk,
  Score extends TextScore = TextScore,
> {
  /** The method's or router's name. */
  readonly methodName: string;
  /** Who may take part, loaded or not. */
  readonly members: readonly { readonly name: string }[];
  /** The whole answer to a prompt or a conversation. */
  generate(prompt: PromptInput, options?: GenerateOptions): Promise<Result>;
  /** The answer piece by piece; the generator returns what `generate` does. Leaving the loop early ends the request. */
  stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<Chunk, Result, void>;
  /** How likely a text is after a prompt; absent where the answerer cannot say. */
  score?(prompt: PromptInput, text: string, options?: ScoreOptions): Promise<Score>;
  /** Stop all requests and free what it loaded. May be called at any time, any number of times. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
