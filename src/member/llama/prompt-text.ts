import type { MemberPrompt } from "../member.js";

/** The prompt's text behind the last place where this special token is written and means the token; all of it without one. */
export function textBehind(prompt: MemberPrompt, written: string): Uint8Array {
  const text = Buffer.from(prompt.text);
  let at = written === "" ? -1 : text.lastIndexOf(written);
  while (at > 0 && isLetters(prompt, at)) at = text.lastIndexOf(written, at - 1);
  return at < 0 ? prompt.text : prompt.text.subarray(at + Buffer.byteLength(written));
}

/** Whether what stands at this byte is letters, whatever it spells. */
function isLetters({ letters = [] }: MemberPrompt, at: number): boolean {
  return letters.findLastIndex((border) => border <= at) % 2 === 0;
}
