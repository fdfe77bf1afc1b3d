/** What may be asked of a member that looks ahead (Member.draft, Member.verify). */
import { LlamafuseError } from "../errors.js";
import type { Vocabulary } from "../vocabulary/vocabulary.js";
import type { Place } from "./member.js";

/** Error: invalid-option. */
export function checkDraftLength(member: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new LlamafuseError(
    "invalid-option",
    `Member "${member}" was asked for a draft of ${count} tokens; allowed is an integer from 1 on.`,
    { member, found: count, allowed: "1 …" },
  );
}

/** Errors: invalid-option for a place outside the text, or a token outside the vocabulary. */
export function checkPlaces(member: string, vocabulary: Vocabulary, bytes: Uint8Array, places: readonly Place[]): void {
  for (const { at, ids } of places) {
    for (const id of ids) vocabulary.checkId(id);
    if (Number.isInteger(at) && at >= 0 && at <= bytes.length) continue;
    throw new LlamafuseError(
      "invalid-option",
      `Member "${member}" was asked about byte ${at} of a text of ${bytes.length}; allowed is 0 … ${bytes.length}.`,
      { member, found: at, allowed: `0 … ${bytes.length}` },
    );
  }
}
