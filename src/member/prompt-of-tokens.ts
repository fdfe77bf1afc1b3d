import type { MemberPrompt } from "./member.js";

/** A prompt of these tokens, whatever their text is. */
export function promptOfTokens(tokens: ArrayLike<number>): MemberPrompt {
  return { text: new Uint8Array(), parseSpecial: false, addBos: false, tokens: Array.from(tokens) };
}
