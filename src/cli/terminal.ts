/** What is written where: stdout for the answer, stderr for everything that speaks to a person. */
import type { Writable } from "node:stream";
import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

interface TerminalStream extends Writable {
  isTTY?: boolean;
  columns?: number;
}

/** NO_COLOR wins over FORCE_COLOR; without both, a terminal decides. `--no-color` sets NO_COLOR (see main.ts). */
export function colorsFor(stream: TerminalStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return picocolors.createColors(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") {
    return picocolors.createColors(FORCE_COLOR !== "0" && FORCE_COLOR !== "false");
  }
  return picocolors.createColors(stream.isTTY === true && TERM !== "dumb");
}

/** Write and wait until the system has taken it. Rejects with the system's error: EPIPE when the reader has gone. */
export function write(stream: Writable, text: string): Promise<void> {
  if (text === "") return Promise.resolve();
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** One JSON document, and nothing else, on stdout. */
export function writeJson(value: unknown): Promise<void> {
  return write(process.stdout, `${JSON.stringify(value, null, 2)}\n`);
}

/** A line for a person; nothing where stderr is not a terminal. */
export function notice(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${colorsFor(process.stderr).dim(text)}\n`);
}

/**
 * Text of a model or a file as a terminal may show it: control characters other than line break and tab, which could
 * move the cursor or rename the window, appear as their pictures (␛).
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x7f) return "\u2421";
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}

/** The same on one line, for messages and tables. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]+\s*/g, " ")).trim();
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The answer's way to stdout: as it is to a file or pipe, made printable on a terminal; closed by a line break. */
export class AnswerWriter {
  #lastCharacter = "\n";

  async write(text: string): Promise<void> {
    if (text === "") return;
    const shown = process.stdout.isTTY ? printable(text) : text;
    this.#lastCharacter = shown.slice(-1);
    await write(process.stdout, shown);
  }

  /** End the line that the answer left open. */
  async endLine(): Promise<void> {
    if (this.#lastCharacter !== "\n") await write(process.stdout, "\n");
    this.#lastCharacter = "\n";
  }
}
