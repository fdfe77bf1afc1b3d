/** What is written where: stdout for the answer, stderr for everything that speaks to a person. */
import type { Writable } from "node:stream";
import picocolors from "picocolors";
import { unwritable } from "../files.js";
import { printable } from "../printable.js";

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

/** The codes that `colorsFor` makes: one attribute or colour each, none that hides text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const OWN_COLOURS = /(\u001b\[(?:[0-479]|2[1-9]|[34]\d|9[0-7]|10[0-7])m)/;

/**
 * What the command line shows, as the stream may have it: names and texts come from files, and an escape sequence in one
 * could move the cursor, rename the window or write to the clipboard. Only our own colours pass, and only where the
 * stream has colours; every other control character but line break and tab becomes its picture.
 */
export function shownOn(stream: TerminalStream, text: string): string {
  if (!colorsFor(stream).isColorSupported) return printable(text);
  return text
    .split(OWN_COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join("");
}

/** Show text and wait until the system has taken it. Errors: EPIPE as the system gave it where the reader has gone, else file-unwritable. */
export function write(stream: TerminalStream, text: string): Promise<void> {
  return writeRaw(stream, shownOn(stream, text));
}

/** A line on stderr. */
export function say(line: string): void {
  process.stderr.write(`${shownOn(process.stderr, line)}\n`);
}

/** Bytes for a program, or text that is printable already. */
function writeRaw(stream: Writable, text: string): Promise<void> {
  if (text === "") return Promise.resolve();
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(asFailedWrite(stream, error)) : resolve()));
  });
}

/** A reader who has gone (EPIPE) is no failure of the disk, and callers tell it by its code. */
function asFailedWrite(stream: Writable, error: NodeJS.ErrnoException): Error {
  if (error.code === "EPIPE") return error;
  return unwritable(stream === process.stderr ? "stderr" : "stdout", error);
}

/** One JSON document, and nothing else, on stdout. JSON leaves the controls U+007F to U+009F as they are; these are escaped. */
export function writeJson(value: unknown): Promise<void> {
  const text = JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return writeRaw(process.stdout, `${text}\n`);
}

/** A line for a person; nothing where stderr is not a terminal. */
export function notice(text: string): void {
  if (process.stderr.isTTY) say(colorsFor(process.stderr).dim(text));
}

/** `printable` on one line, for messages and tables. */
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
    await writeRaw(process.stdout, shown);
  }

  /** End the line that the answer left open. */
  async endLine(): Promise<void> {
    if (this.#lastCharacter !== "\n") await write(process.stdout, "\n");
    this.#lastCharacter = "\n";
  }
}
