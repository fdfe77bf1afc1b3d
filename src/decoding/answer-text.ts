/** The answer as the user sees it: chosen bytes in, text out, whole characters only, ended by stop strings. */
import { StopRules } from "./stop-rules.js";
import { TextStream } from "./text-stream.js";

export class AnswerText {
  /** Everything shown so far. */
  text = "";
  readonly #characters = new TextStream();
  readonly #stops: StopRules;
  #stopped = false;

  /** Errors: invalid-option for an empty stop string. */
  constructor(stop: readonly string[]) {
    this.#stops = new StopRules(stop);
  }

  /** Whether a stop string has ended the text. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Take chosen bytes; returns the text that can be shown now. */
  push(bytes: Uint8Array): string {
    return this.#show(this.#characters.push(bytes));
  }

  /** No more bytes will come; returns the text that was held back. */
  finish(): string {
    const shown = this.#show(this.#characters.flush());
    if (this.#stopped) return shown;
    const held = this.#stops.flush();
    this.text += held;
    return shown + held;
  }

  #show(characters: string): string {
    const { text, stop } = this.#stops.push(characters);
    this.#stopped ||= stop !== undefined;
    this.text += text;
    return text;
  }
}
