/** What members think before an answer, for a person: hidden behind a notice, or dimmed on stderr. */
import type { ReasoningPiece } from "../decoding/result.js";
import { waitingNotice } from "./progress.js";
import { colorsFor, oneLine, write } from "./terminal.js";

export const SHOW_THINKING = ["--show-thinking", "show on stderr what members think before the answer"] as const;

export class ThoughtWriter {
  /** Who is heard now; the others wait, so that two thoughts do not run into each other. */
  #speaker: string | undefined;
  readonly #waiting = new Map<string, string>();
  #stopNotice: (() => void) | undefined;

  /** `names`: whether thoughts are headed by their members' names. */
  constructor(
    private readonly isShown: boolean,
    private readonly hasNames: boolean,
  ) {}

  async write({ member, text }: ReasoningPiece): Promise<void> {
    if (!this.isShown) {
      this.#stopNotice ??= waitingNotice("Thinking …");
      return;
    }
    if (this.#speaker === undefined) await this.#begin(member);
    if (member === this.#speaker) await this.#dimmed(text);
    else this.#waiting.set(member, (this.#waiting.get(member) ?? "") + text);
  }

  /** The answer begins, or nothing more comes. */
  async end(): Promise<void> {
    this.stop();
    if (this.#speaker === undefined) return;
    await this.#dimmed("\n\n");
    for (const [member, text] of this.#waiting) {
      await this.#begin(member);
      await this.#dimmed(`${text}\n\n`);
    }
    this.#waiting.clear();
    this.#speaker = undefined;
  }

  /** Take the notice away. */
  stop(): void {
    this.#stopNotice?.();
    this.#stopNotice = undefined;
  }

  async #begin(member: string): Promise<void> {
    this.#speaker = member;
    if (this.hasNames) await this.#dimmed(`${oneLine(member)} thinks:\n`);
  }

  #dimmed(text: string): Promise<void> {
    return write(process.stderr, colorsFor(process.stderr).dim(text));
  }
}
