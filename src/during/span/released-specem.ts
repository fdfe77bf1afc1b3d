/** SpecEM as its code was released (lvbotenbest/SpecEM@34c881a), where it differs from what is meant. */
import type { Candidate } from "./candidate.js";

/** ModelFactory.normalize_sum_to_one: divides by the sum, whatever its sign; nothing where the sum is 0. */
export function shareOfSum(values: readonly number[]): number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => (sum === 0 ? 0 : value / sum));
}

/**
 * ModelFactory.postprocess_generated_text: white space at the end goes, and where a letter or digit is left at the end, all
 * from the last space on; without a space, the last character. Nothing becomes " .".
 */
export function postprocess(text: string): string {
  if (text.length === 0) return " .";
  if (text.length <= 1) return text;
  const trimmed = text.trimEnd();
  if (trimmed === "" || !/[A-Za-z0-9]$/.test(trimmed)) return trimmed === "" ? text : trimmed;
  const space = trimmed.lastIndexOf(" ");
  const cut = space < 0 ? trimmed.slice(0, -1) : trimmed.slice(0, space);
  return cut.trim() === "" ? trimmed : cut;
}

/** A segment as it is then voted on; where the answer ended, it still does. */
export function cutDraft(candidate: Candidate): Candidate {
  return { ...candidate, bytes: Buffer.from(postprocess(Buffer.from(candidate.bytes).toString("utf8"))) };
}
