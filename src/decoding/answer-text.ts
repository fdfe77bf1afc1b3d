/** The answer as the user sees it: chosen bytes in, text out, whole characters only, ended by stop strings. */
import { StopRules } from "./stop-rules.js";
import { TextStream } from "./text-stream.js";
import { CallSplitter } from "./tools/call-splitter.js";
import type { ToolCall } from "./tools/tools.js";

export class AnswerText {
  /** Everything shown so far. */
  text = "";
  readonly #characters = new TextStream();
  readonly #stops: StopRules;
  readonly #splitter: CallSplitter | undefined;
  #stopped = false;
  /** Calls that `takeCalls` has given. */
  #taken = 0;

  /** `calls`: calls of tools are no text. Errors: invalid-option for an empty stop string. */
  constructor(stop: readonly string[], calls?: { isFree: boolean }) {
    this.#stops = new StopRules(stop);
    if (calls !== undefined) this.#splitter = new CallSplitter(calls.isFree);
  }

  /** All calls so far. */
  get calls(): readonly ToolCall[] {
    return this.#splitter?.calls ?? [];
  }

  /** The calls since this was last asked. */
  takeCalls(): readonly ToolCall[] {
    const calls = this.calls.slice(this.#taken);
    this.#taken += calls.length;
    return calls;
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
    const held = this.#stopped ? "" : this.#stops.flush();
    const rest = this.#splitter === undefined ? held : this.#splitter.push(held) + this.#splitter.flush();
    this.text += rest;
    return shown + rest;
  }

  #show(characters: string): string {
    const { text, stop } = this.#stops.push(characters);
    this.#stopped ||= stop !== undefined;
    const shown = this.#splitter?.push(text) ?? text;
    this.text += shown;
    return shown;
  }
}
