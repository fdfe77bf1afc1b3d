/** The texts of files: whole files, parts of them, or the records of JSON lines. */
import path from "node:path";
import { LlamafuseError } from "../../errors.js";
import { invalidData, readRecords, readText as readWhole } from "../../records.js";
import { readText } from "../text-input.js";

export interface TextsOptions {
  /** What divides texts in a file. Default: a file is one text. */
  separator?: string;
  /** Texts at most. Default: all. */
  limit?: number;
  /** Of each text, so many bytes at most, in whole characters. Default: all. */
  maxBytes?: number;
}

/** Texts without the line breaks around them; empty ones are left out. Errors: file-unreadable, invalid-data, invalid-text. */
export async function readTexts(files: readonly string[], options: TextsOptions): Promise<string[]> {
  const texts: string[][] = [];
  for (const file of files) texts.push(await textsOf(file, options.separator));
  const whole = texts
    .flat()
    .map((text) => text.replace(/^[\r\n]+|[\r\n]+$/g, ""))
    .filter((text) => text !== "");
  if (whole.length === 0) {
    const message = `${files.join(", ")}: no text to score. Give files with text.`;
    throw new LlamafuseError("invalid-text", message, { found: files });
  }
  return whole.slice(0, options.limit).map((text) => beginningOf(text, options.maxBytes));
}

async function textsOf(file: string, separator: string | undefined): Promise<string[]> {
  if ([".jsonl", ".json"].includes(path.extname(file).toLowerCase())) {
    return (await readRecords(file)).map(({ value, place }) => {
      const text = typeof value === "string" ? value : (value as { text?: unknown } | null)?.text;
      if (typeof text === "string") return text;
      throw invalidData(place, 'needs a text: a string, or an object with a field "text".', { found: typeof text });
    });
  }
  const text = file === "-" ? await readText(process.stdin, "stdin") : await readWhole(file);
  return separator === undefined ? [text] : text.split(separator);
}

function beginningOf(text: string, maxBytes: number | undefined): string {
  if (maxBytes === undefined) return text;
  // What the cut leaves of a character is no character.
  return new TextDecoder().decode(Buffer.from(text).subarray(0, maxBytes), { stream: true });
}
