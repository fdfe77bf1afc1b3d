/** A thought as it is shown: without white space at its ends, several of one member with an empty line between them. */
export class ShownThought {
  /** White space that is shown once more comes. */
  #held = "";
  #hasText = false;

  /** Take text; returns what can be shown now. */
  push(text: string): string {
    const pending = this.#held + text;
    const whole = this.#hasText ? pending : pending.trimStart();
    const shown = whole.trimEnd();
    this.#held = whole.slice(shown.length);
    this.#hasText ||= shown !== "";
    return shown;
  }

  /** The next text is another thought. */
  separate(): void {
    this.#held = this.#hasText ? "\n\n" : "";
  }
}
