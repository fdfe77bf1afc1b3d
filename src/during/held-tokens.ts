/** Tokens that a member holds, as a prompt, and without what it has thought by itself. */
import type { MemberPrompt } from "../member/member.js";
import type { Voice } from "./method.js";

/** A prompt of these tokens, whatever their text is. */
export function promptOfTokens(tokens: readonly number[]): MemberPrompt {
  return { text: new Uint8Array(), parseSpecial: false, addBos: false, tokens };
}

/** What is left of the tokens that a member holds when its thought is left out: nobody else has read that. */
export function withoutThought(held: readonly number[], thought: Voice["thought"]): number[] {
  return thought === undefined ? [...held] : [...held.slice(0, thought[0]), ...held.slice(thought[1])];
}
