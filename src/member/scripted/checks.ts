/** What a scripted member refuses. */
import { LlamafuseError } from "../../errors.js";

/** Error: context-overflow. */
export function checkRoom(member: string, tokens: number, contextSize: number): void {
  if (tokens <= contextSize) return;
  throw new LlamafuseError(
    "context-overflow",
    `${tokens} tokens do not fit the context of member "${member}", which holds ${contextSize}.`,
    { member, found: tokens, allowed: contextSize },
  );
}

export function noTokens(member: string): LlamafuseError {
  const message = `The prompt has no tokens for member "${member}". Give it some text.`;
  return new LlamafuseError("invalid-text", message, { member });
}

export function notAdvanced(member: string, what: string): LlamafuseError {
  const message = `Member "${member}" was asked for ${what} after append(), before advance().`;
  return new LlamafuseError("member-failed", message, { member });
}

/** How many leading tokens two lists share. */
export function sharedPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same;
}
