/** `llamafuse score`: how well members and a method predict texts. */

import type { Command } from "commander";
import type { TextScores } from "../../ensemble/score-texts.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { loadCompany } from "../load-ensemble.js";
import { addCommonOptions, addEnsembleOptions, type EnsembleFlags, ensembleOptions, number } from "../options.js";
import { StepBar } from "../progress.js";
import { messageOf } from "../report-error.js";
import { renderTable } from "../table.js";
import { type Colors, colorsFor, say, write, writeJson } from "../terminal.js";
import { readTexts } from "./texts.js";

interface ScoreFlags extends EnsembleFlags {
  separator?: string;
  limit?: number;
  maxBytes?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse score story.txt -m a.gguf                         one model, in the tokens that it cuts the text into
  $ llamafuse score story.txt -m a.gguf -M bytes                the same by bytes: all ways to cut the text
  $ llamafuse score stories.txt -m a.gguf -m b.gguf -M bytes:rule=product --separator "<|endoftext|>" --limit 100
  $ llamafuse score texts.jsonl -m a.gguf -m b.gguf -M gac --json

FILE is a text file, "-" for stdin, or .jsonl with a string, or an object with the field "text", on each line.
Line breaks around a text are dropped. Each text is scored on its own from its beginning; its end is not counted.
"dropped per byte" is the share of a member's tokenisations that the beam of bytes dropped: raise beam where it is large.
Bits per byte compare members with different vocabularies: -log2 of the text's probability, divided by its bytes.
A method that looks at the members' top candidates alone cannot say every text; its figure is then infinite (null in JSON).
Texts beyond a member's context are scored in windows that overlap by half.`;

export function registerScore(program: Command): void {
  const command = program
    .command("score")
    .summary("measure how well models predict texts")
    .description("Print the bits per byte of texts under each member alone and under a method over all of them.")
    .argument("<FILE...>", "text files or JSON lines");
  addEnsembleOptions(command, "bytes for several members")
    .optionsGroup("Texts:")
    .option("--separator <text>", "what divides the texts in a file (default: a file is one text)")
    .option("-l, --limit <count>", "most texts (default: all)", number("--limit"))
    .option("--max-bytes <count>", "score this much of each text (default: all)", number("--max-bytes"))
    .option("--json", "print one JSON document: texts, bytes, tokens (of the first member), bitsPerByte, members");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (files: string[]) => {
      process.exitCode = await score(files, command.optsWithGlobals<ScoreFlags>());
    });
}

async function score(files: readonly string[], flags: ScoreFlags): Promise<number> {
  if (flags.onMemberFailure !== undefined) {
    throw new LlamafuseError(
      "invalid-option",
      "--on-member-failure does nothing here: a score is of all members. Leave it out.",
      { option: "--on-member-failure", found: flags.onMemberFailure },
    );
  }
  checkCount("--limit", flags.limit);
  checkCount("--max-bytes", flags.maxBytes);
  if (flags.separator === "") {
    throw new LlamafuseError("invalid-option", "--separator is empty; give a text that divides texts.", {
      option: "--separator",
    });
  }
  const texts = await readTexts(files, flags);
  const { scoreTexts } = await import("../../ensemble/score-texts.js");
  const interrupts = new Interrupts();
  const options = ensembleOptions(flags);
  const company = await loadCompany({ ...options, method: options.method ?? "bytes" }, interrupts);
  if (company === undefined) return interrupts.exitCode!;
  const bar = new StepBar("Scoring");
  try {
    if (company.members === undefined) {
      throw new LlamafuseError("invalid-option", "A router does not score texts. Name a fusion method with --method.", {
        option: "--method",
      });
    }
    const scores = await scoreTexts(company.members, texts, {
      method: options.method,
      onProgress: bar.update,
      signal: interrupts.signal,
    });
    bar.stop();
    if (flags.json) await writeJson(scores);
    else await write(process.stdout, renderScores(scores, company.answering.methodName, colorsFor(process.stdout)));
    return interrupts.exitCode ?? 0;
  } catch (error) {
    if (interrupts.exitCode === undefined || !(error instanceof LlamafuseError)) throw error;
    bar.stop();
    say(`llamafuse: ${messageOf(error)}`);
    return interrupts.exitCode;
  } finally {
    bar.stop();
    await company.dispose();
    interrupts.release();
  }
}

function renderScores({ texts, bytes, bitsPerByte, members }: TextScores, method: string, colors: Colors): string {
  const hasBeams = members.some(({ discarded }) => discarded !== undefined);
  const rows = members.map(({ name, bitsPerByte: own, discarded }) => [
    name,
    own.toFixed(4),
    ...(discarded === undefined ? [] : [`${(100 * discarded).toFixed(3)} %`]),
  ]);
  if (members.length > 1) rows.push([method, bitsPerByte.toFixed(4), ...(hasBeams ? [""] : [])]);
  const head = ["", "bits per byte", ...(hasBeams ? ["dropped per byte"] : [])];
  const table = renderTable(rows, { colors, head, right: [1, 2] });
  return `${table}${colors.dim(`${texts} ${texts === 1 ? "text" : "texts"}, ${bytes} bytes`)}\n`;
}

function checkCount(flag: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1)) return;
  throw new LlamafuseError("invalid-option", `${flag} needs a whole number of 1 or more; found ${value}.`, {
    found: value,
    allowed: "1 or more",
    option: flag,
  });
}
