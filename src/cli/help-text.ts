/** The examples and remarks below a command's help, in lines that every terminal shows whole. */
import { displayWidth, wrapped } from "./columns.js";

const COLUMNS = 80;
const MEANING_COLUMN = 20;

/**
 * Examples (`  $ command   what it does`) that are too wide for a line say what they do on the next one, all of a block
 * alike; other lines are wrapped, those that end in the middle of a sentence together with the next.
 */
export function helpText(text: string): string {
  return text
    .split(/\n(?=\n)|(?<=:)\n(?= {2}\$)/)
    .map((block) => (block.startsWith("  $ ") ? examples(block.split("\n")) : remarks(block)))
    .join("\n");
}

/** Names, each with its meaning in a column behind it; a long name stands on a line of its own. */
export function helpList(meanings: Readonly<Record<string, string>>): string {
  return Object.entries(meanings)
    .map(([name, meaning]) => {
      const lines = wrapped([{ text: meaning, paint: String }], COLUMNS - MEANING_COLUMN).split("\n");
      const indented = lines.map((line) => `${" ".repeat(MEANING_COLUMN)}${line}`);
      const fits = displayWidth(name) + 4 <= MEANING_COLUMN;
      return [`  ${name}`.padEnd(MEANING_COLUMN) + (fits ? lines[0] : ""), ...(fits ? indented.slice(1) : indented)]
        .map((line) => line.trimEnd())
        .join("\n");
    })
    .join("\n");
}

function examples(lines: readonly string[]): string {
  if (lines.every((line) => displayWidth(line) <= COLUMNS)) return lines.join("\n");
  return lines
    .flatMap((line) => {
      const [, command, remark] = /^ {2}(\$ .*?)(?: {2,}(.*))?$/.exec(line) ?? [];
      if (command === undefined) return [wrapped([{ text: line, paint: String }], COLUMNS)];
      // A flag stays with its value: lines break only where a flag begins.
      const joined = command.replace(/ (?!-)/g, "\u00a0");
      const shown = wrapped([{ text: joined, paint: String }], COLUMNS - 8).replaceAll("\n", " \\\n      ");
      return [`  ${shown.replaceAll("\u00a0", " ")}`, ...(remark === undefined ? [] : [`      ${remark}`])];
    })
    .join("\n");
}

function remarks(block: string): string {
  const lines = block.replace(/(?<=[^.:\s])\n(?=\S)/g, " ").split("\n");
  return lines.map((line) => wrapped([{ text: line, paint: String }], COLUMNS)).join("\n");
}
