/**
 * Members that fail in the middle of an answer, and the others that finish it.
 *
 * Those that are left begin again with the prompt and the text so far, which their caches still hold, under the weights
 * that they have among themselves. From there on the answer is the one that they alone would give from this text.
 */
import type { Voice } from "../during/method.js";
import { normaliseWeights } from "../during/weightings/weights.js";
import { type ErrorCode, LlamafuseError, unknownName } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { invalidUtf8At } from "../vocabulary/utf8.js";

/** `fail`: the request ends with the member's error. `continue`: the other members finish the answer. */
export type OnMemberFailure = "fail" | "continue";

export const MEMBER_FAILURE_CHOICES = ["fail", "continue"] as const;

/** A member that the answer was finished without. */
export interface DroppedMember {
  name: string;
  /** The step that failed, from 0. */
  step: number;
  code: ErrorCode;
  message: string;
}

/** What one member's failure is, and no request's. */
const FAILURES: ReadonlySet<ErrorCode> = new Set(["member-failed", "member-hung", "invalid-logits"]);

/** Error: invalid-option. */
export function checkOnMemberFailure(given: unknown): OnMemberFailure {
  if (given === undefined) return "fail";
  if ((MEMBER_FAILURE_CHOICES as readonly unknown[]).includes(given)) return given as OnMemberFailure;
  throw unknownName("onMemberFailure", String(given), MEMBER_FAILURE_CHOICES);
}

/** Whether a member failed, and not the request. */
export function isMemberFailure(error: unknown): error is LlamafuseError {
  return error instanceof LlamafuseError && FAILURES.has(error.code);
}

/** The voice whose failure an error is; undefined where it is something else. */
export function failedVoice(error: unknown, voices: readonly Voice[]): Voice | undefined {
  if (!isMemberFailure(error)) return undefined;
  return voices.find(({ member }) => member.name === error.details.member);
}

/** The others, under weights that sum to 1. Where they had none beside it, equal ones. */
export function without(lost: Voice, voices: readonly Voice[]): Voice[] {
  const rest = voices.filter((voice) => voice !== lost);
  const weights = rest.map(({ weight }) => weight);
  const shares = normaliseWeights(weights.some((weight) => weight > 0) ? weights : weights.map(() => 1));
  return rest.map((voice, index) => ({ ...voice, weight: shares[index] }));
}

/** Begin with a prompt and text behind it, of which the last character may not be whole. Returns the tokens decoded. */
export async function beginBehind(
  member: Member,
  prompt: MemberPrompt,
  text: Uint8Array,
  signal: AbortSignal,
): Promise<{ promptTokens: number; decodedTokens: number }> {
  // Tokens stand for the whole prompt, whatever its text is.
  if (prompt.tokens !== undefined) {
    const { promptTokens, reusedTokens } = await member.begin({ ...prompt, reuse: true }, signal);
    if (text.length === 0) return { promptTokens, decodedTokens: promptTokens - reusedTokens };
    member.append({ kind: "text", bytes: text });
    await member.advance();
    return { promptTokens, decodedTokens: promptTokens - reusedTokens + member.output.decodedTokens };
  }
  const bad = invalidUtf8At(text);
  const whole = bad < 0 ? text : text.subarray(0, bad);
  const start = prompt.text.length;
  const { promptTokens, reusedTokens } = await member.begin(
    {
      ...prompt,
      text: Buffer.concat([prompt.text, whole]),
      // What was chosen is text, also where it spells a special token.
      letters: [...(prompt.letters ?? []), ...(whole.length > 0 ? [start, start + whole.length] : [])],
      reuse: true,
    },
    signal,
  );
  let decodedTokens = promptTokens - reusedTokens;
  if (bad >= 0) {
    member.append({ kind: "text", bytes: text.subarray(bad) });
    await member.advance();
    decodedTokens += member.output.decodedTokens;
  }
  return { promptTokens, decodedTokens };
}
