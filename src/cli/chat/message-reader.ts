/** From lines to messages: a line is a message, and so is everything between a line that begins with `"""` and its end. */
import { LlamafuseError } from "../../errors.js";

const QUOTES = '"""';

export interface ReadMessage {
  text: string;
  /** Of several lines, or quoted: never a command. */
  isBlock: boolean;
}

export class MessageReader {
  #open: string[] | undefined;

  /** Whether a block has begun and not ended. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The message that a line (or several, of a paste) completes; undefined while the block continues. */
  push(line: string): ReadMessage | undefined {
    if (this.#open === undefined) {
      const start = line.trimStart();
      if (!start.startsWith(QUOTES)) return { text: line, isBlock: line.includes("\n") };
      this.#open = [];
      line = start.slice(QUOTES.length);
      // Empty text after the opening quotes is not a line of the block.
      if (line.trim() === "") return undefined;
    }
    const end = line.trimEnd();
    if (!end.endsWith(QUOTES)) {
      this.#open.push(line);
      return undefined;
    }
    const last = end.slice(0, -QUOTES.length);
    const lines = last === "" ? this.#open : [...this.#open, last];
    this.#open = undefined;
    return { text: lines.join("\n"), isBlock: true };
  }

  /** Forget a block that has begun. */
  clear(): void {
    this.#open = undefined;
  }

  /** To be called where lines end. Error: invalid-text for a block without an end. */
  end(): void {
    if (this.#open === undefined) return;
    const message = `The message that begins with ${QUOTES} has no end. Close it with ${QUOTES}.`;
    throw new LlamafuseError("invalid-text", message, { found: this.#open.join("\n").slice(0, 80) });
  }
}
