/**
 * Pasted text on its way from the terminal to readline. A terminal puts ESC [200~ and ESC [201~ around a paste when it was
 * asked to (`PASTE_ON`). Between them a line break is a character of the text and not the key Enter: it becomes a mark that
 * readline shows, and `withoutMarks` turns it back. Other control characters, which would act as keys, are left out.
 */
import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export const PASTE_ON = "\u001b[?2004h";
export const PASTE_OFF = "\u001b[?2004l";

const BEGIN = "\u001b[200~";
const END = "\u001b[201~";
/** A visible sign, and an invisible character (word joiner) that tells it from the same sign in a text. */
const MARK = "⏎\u2060";
/** A key that only looks like the beginning of a paste is let through after so long. */
const HOLD_MS = 50;

/** The text of a line with its line breaks. */
export function withoutMarks(line: string): string {
  return line.replaceAll(MARK, "\n");
}

export class PasteFilter extends Transform {
  readonly isTTY = true;
  readonly #decoder = new StringDecoder("utf8");
  #held = "";
  #isPasting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly terminal: NodeJS.ReadStream) {
    super();
  }

  /** readline asks its input for keys one by one. */
  setRawMode(isRaw: boolean): this {
    this.terminal.setRawMode?.(isRaw);
    return this;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    clearTimeout(this.#timer);
    let text = this.#held + this.#decoder.write(chunk);
    this.#held = "";
    while (text !== "") {
      const sign = this.#isPasting ? END : BEGIN;
      const at = text.indexOf(sign);
      const end = at >= 0 ? at : text.length - beginningAtEnd(text, sign);
      this.#pass(text.slice(0, end));
      if (at < 0) {
        this.#held = text.slice(end);
        break;
      }
      this.#isPasting = !this.#isPasting;
      text = text.slice(at + sign.length);
    }
    if (this.#held !== "" && !this.#isPasting) {
      this.#timer = setTimeout(() => {
        this.#pass(this.#held);
        this.#held = "";
      }, HOLD_MS);
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    clearTimeout(this.#timer);
    this.#pass(this.#held);
    done();
  }

  #pass(text: string): void {
    if (text !== "") this.push(this.#isPasting ? markedText(text) : text);
  }
}

function markedText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/\r\n?|\n/g, MARK).replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, "");
}

/** How many characters at the end of a text begin the sign. */
function beginningAtEnd(text: string, sign: string): number {
  for (let count = Math.min(sign.length - 1, text.length); count > 0; count--) {
    if (text.endsWith(sign.slice(0, count))) return count;
  }
  return 0;
}
