import { splitWords } from "./words.js";

/** HTML entities in the order in which they are undone. */
const ENTITIES = [
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
] as const;

/**
 * The words that BLEU counts: mteval-v13a's rules for Western languages, as in sacrebleu's default tokenizer.
 * `<skipped>` goes, a hyphen at a line's end joins the lines, four HTML entities are undone; then ASCII punctuation
 * other than `'`, `-`, `.` and `,` stands alone, a full stop or comma stands alone unless between digits, and a hyphen
 * stands alone after a digit.
 */
export function tokenize13a(text: string): string[] {
  let line = text.replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ");
  for (const [entity, character] of ENTITIES) line = line.replaceAll(entity, character);
  line = ` ${line} `
    .replace(/[ -&(-+:-@/[-`{-~]/g, " $& ")
    .replace(/([^0-9])([.,])/gu, "$1 $2 ")
    .replace(/([.,])([^0-9])/gu, " $1 $2")
    .replace(/([0-9])-/g, "$1 - ");
  return splitWords(line);
}
