/**
 * Stop strings: the text ends before the first one that appears, even when it is spread over several chunks.
 *
 * They are compared with the decoded text (UTF-16 code units), not with bytes or tokens: a stop string matches however
 * the members cut it into tokens, and the outputs of a TextStream, which never cuts a character, can be fed in directly.
 *
 * Which one is first: the stop string that is complete first, because the generation ends there and nothing later can
 * be known; of several that are complete at the same character, the longest (it starts earliest). With the stops "abc"
 * and "b", the text "abc" ends after "a".
 */
import { LlamafuseError } from "../errors.js";

export interface StopOutput {
  /** Text that can be shown now: no later text can make it part of a stop string. */
  text: string;
  /** The stop string that ended the text, once one has. */
  stop: string | undefined;
}

const ALLOWED = "non-empty strings";

/** One stop string or several, without duplicates. LlamafuseError "invalid-option" if one is empty or not text. */
export function checkStopStrings(stop: string | readonly string[] = []): string[] {
  const found: unknown = typeof stop === "string" ? [stop] : stop;
  if (!Array.isArray(found)) throw refuse(`stop must be ${ALLOWED}; found ${String(found)}.`, found);
  for (const entry of found as unknown[]) {
    if (typeof entry !== "string") throw refuse(`stop must be ${ALLOWED}; found ${String(entry)}.`, entry);
    if (entry === "") throw refuse(`stop must be ${ALLOWED}: an empty one would end every text at once.`, entry);
    if (/\p{Surrogate}/u.test(entry)) {
      throw refuse(
        `The stop string ${JSON.stringify(entry)} holds half a surrogate pair, which is not valid text.`,
        entry,
      );
    }
  }
  return [...new Set(found as string[])];
}

function refuse(message: string, found: unknown): LlamafuseError {
  return new LlamafuseError("invalid-option", message, { option: "stop", found, allowed: ALLOWED });
}

export class StopRules {
  readonly #stops: readonly string[];
  readonly #longest: number;
  /** The longest end of the text so far that is the beginning of a stop string. */
  #held = "";
  #stop: string | undefined;

  /** Errors: invalid-option (see checkStopStrings). */
  constructor(stop: string | readonly string[] = []) {
    this.#stops = checkStopStrings(stop);
    this.#longest = Math.max(0, ...this.#stops.map((entry) => entry.length));
  }

  /** Take the next text. After a stop string everything else is dropped. */
  push(chunk: string): StopOutput {
    if (this.#stop !== undefined) return { text: "", stop: this.#stop };
    const pending = this.#held + chunk;
    let end = Number.POSITIVE_INFINITY;
    let start = pending.length;
    for (const stop of this.#stops) {
      const at = pending.indexOf(stop);
      if (at < 0 || at + stop.length > end) continue;
      if (at + stop.length === end && at > start) continue;
      this.#stop = stop;
      start = at;
      end = at + stop.length;
    }
    if (this.#stop === undefined) start -= this.#possibleStart(pending);
    this.#held = this.#stop === undefined ? pending.slice(start) : "";
    return { text: pending.slice(0, start), stop: this.#stop };
  }

  /** The text that was held back when the generation ended for another reason. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Length of the longest end of the text with which a stop string begins. */
  #possibleStart(text: string): number {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length--) {
      const end = text.slice(text.length - length);
      if (this.#stops.some((stop) => stop.length > length && stop.startsWith(end))) return length;
    }
    return 0;
  }
}
