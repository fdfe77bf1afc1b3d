/** Text in, text and calls out: calls of functions never show as text. See tools.ts for their form. */
import type { ToolCall } from "./tools.js";

const OPENING = "<tool_call>";
/** A line break never stands within a call's JSON. */
const CLOSING = "\n</tool_call>";
/** White space before a call belongs to it. */
const MAYBE_OPENING = new RegExp(`\\s*(?:${[...OPENING].map((_, index) => OPENING.slice(0, index + 1)).join("|")})?$`);

export class CallSplitter {
  readonly calls: ToolCall[] = [];
  #held = "";
  #isInCall = false;

  /** `isFree`: text may stand around calls. */
  constructor(private readonly isFree: boolean) {}

  /** The text that is none of a call, as far as it is known; `calls` has what was called by now. */
  push(text: string): string {
    this.#held += text;
    let shown = "";
    for (;;) {
      if (this.#isInCall) {
        const end = this.#held.indexOf(CLOSING);
        if (end < 0) return shown;
        this.calls.push(JSON.parse(this.#held.slice(0, end)) as ToolCall);
        this.#held = this.#held.slice(end + CLOSING.length);
        this.#isInCall = false;
      } else {
        const start = this.#held.indexOf(OPENING);
        const until = start < 0 ? MAYBE_OPENING.exec(this.#held)!.index : this.#held.slice(0, start).trimEnd().length;
        shown += this.#held.slice(0, until);
        this.#held = start < 0 ? this.#held.slice(until) : this.#held.slice(start + OPENING.length);
        if (start < 0) return shown;
        this.#isInCall = true;
      }
    }
  }

  /** No more will come: text that was held back. A call that was cut is left out. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    if (this.#isInCall || !this.isFree) return "";
    return this.calls.length > 0 && held.trim() === "" ? "" : held;
  }
}
