/** What may be asked of a member that looks ahead (Member.draft, Member.verify). */
import { LlamafuseError } from "../errors.js";
import type { DraftOptions, Place } from "./member.js";

/** Error: invalid-option. */
export function checkDraft(member: string, count: number, { behind }: DraftOptions, vocabularySize: number): void {
  const bad = behind?.ids?.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
  if (bad !== undefined) {
    throw new LlamafuseError(
      "invalid-option",
      `Member "${member}" was asked to go on from token ${bad}; allowed is 0 … ${vocabularySize - 1}.`,
      { member, found: bad, allowed: `0 … ${vocabularySize - 1}` },
    );
  }
  if (Number.isInteger(count) && count >= 1) return;
  throw new LlamafuseError(
    "invalid-option",
    `Member "${member}" was asked for a draft of ${count} tokens; allowed is an integer from 1 on.`,
    { member, found: count, allowed: "1 …" },
  );
}

/** Error: invalid-option for a place outside the text. */
export function checkPlaces(member: string, bytes: Uint8Array, places: readonly Place[]): void {
  const { at } =
    places.find((place) => !(Number.isInteger(place.at) && place.at >= 0 && place.at <= bytes.length)) ?? {};
  if (at === undefined) return;
  throw new LlamafuseError(
    "invalid-option",
    `Member "${member}" was asked about byte ${at} of a text of ${bytes.length}; allowed is 0 … ${bytes.length}.`,
    { member, found: at, allowed: `0 … ${bytes.length}` },
  );
}

/** Error: member-failed where there is no text yet. */
export function checkBegun(member: string, tokens: number): void {
  if (tokens > 0) return;
  throw new LlamafuseError("member-failed", `Member "${member}" was asked to look ahead before begin().`, { member });
}
