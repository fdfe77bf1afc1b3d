/** `llamafuse inspect`: what model files say of themselves, and how far their vocabularies overlap. */

import type { Command } from "commander";
import { checkPrompt, checkPromptOptions } from "../../decoding/prompt.js";
import { LlamafuseError } from "../../errors.js";
import { listDevices } from "../../llama/devices.js";
import { resolveModel } from "../../member/resolve-model.js";
import { refuse } from "../../read-options.js";
import { byteStrings, overlaps, sharedOccurrences } from "../../vocabulary/overlap.js";
import { helpText } from "../help-text.js";
import { modelOf } from "../model-words.js";
import { tell } from "../notices.js";
import { addCommonOptions, type EnsembleFlags, gpuOption, number } from "../options.js";
import { LoadBars } from "../progress.js";
import { addPromptOptions, type PromptFlags, promptOptions } from "../prompt-options.js";
import { write, writeJson } from "../terminal.js";
import { readTextFile } from "../text-input.js";
import { type Inspected, openForInspection, uniqueNames } from "./open.js";
import { readPrompts } from "./prompts.js";
import { type InspectReport, renderReport } from "./render.js";

interface InspectFlags extends Pick<EnsembleFlags, "file" | "gpu" | "contextSize">, PromptFlags {
  json?: boolean;
  prompt?: string;
  system?: string;
  text?: string;
  verbose?: boolean;
}

/** Everyday prose, code, numbers and other scripts: where vocabularies differ most. */
const SAMPLE_TEXT = `Once upon a time there was a little bird who lived in a tall tree. "Where do you sing?" asked the fox.
In 2024 the market grew by 3.75 %, to 1,284,000 units; see https://example.org/report for the details.
function area(radius) { return Math.PI * radius ** 2; }  // circle
Der schnelle braune Fuchs springt über den faulen Hund. L'été dernier, nous étions à la plage.
今日は天気がいいですね。 Привет, как дела? مرحبا بالعالم 🙂
`;

const EXAMPLES = `
Examples:
  $ llamafuse inspect model.gguf                           one model's facts
  $ llamafuse inspect a.gguf b.gguf c.gguf                 and the overlap of their vocabularies, pair by pair
  $ llamafuse inspect a.gguf qwen/tokenizer.json --json    a Hugging Face tokenizer beside a model
  $ llamafuse inspect a.gguf b.gguf --text my-domain.txt   how often they share a token in your own text
  $ llamafuse inspect a.gguf b.gguf --prompt "Who?"        what each of them reads, control tokens in ⟨ ⟩

FILE is a GGUF file (a vocabulary without weights is enough), a tokenizer.json, part of a name that "llamafuse models"
lists, ollama:NAME, or an hf: or https: URI.
The overlap counts distinct byte strings of ordinary tokens, without control, end, unknown and unused tokens.
"Shared in text" is the share of the tokens that a model cuts the text into, counted as often as they occur, whose
byte string is a token of the other model too.`;

export function registerInspect(program: Command): void {
  const command = program
    .command("inspect")
    .summary("show facts about models, and how far their vocabularies overlap")
    .description("Print facts about model files and, for several, how far their vocabularies overlap.")
    .argument("[FILE...]", "GGUF files, tokenizer.json files, models by name, or URIs")
    .option("--ensemble <file>", "inspect the members of this ensemble file")
    .option("--text <file>", "count shared tokens in this text (default: a short built-in text)")
    .option("--context-size <tokens>", "the cache's size in memory for so many tokens", number("--context-size"))
    .option("--gpu <backend>", "devices of this backend: auto, cuda, vulkan, metal or false (default: auto)")
    .option("--json", "print one JSON document: models, devices and pairs; with --prompt also ids")
    .optionsGroup("What a member reads:")
    .option("--prompt <text>", "show how each model reads this question, in its own chat template")
    .option("--system <text>", "with this system message");
  addPromptOptions(command);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (files: string[]) => {
      const flags = command.optsWithGlobals<InspectFlags>();
      const report = await inspect(files, flags);
      tell(report.warnings ?? []);
      if (flags.json) await writeJson(report);
      else await write(process.stdout, renderReport(report));
    });
}

async function inspect(words: readonly string[], flags: InspectFlags): Promise<InspectReport> {
  const files = [...words.map(modelOf), ...(flags.file?.members ?? []).map(({ model }) => model)];
  if (files.length === 0) {
    throw new LlamafuseError("invalid-option", "No file to inspect. Name a FILE: llamafuse inspect a.gguf b.gguf.", {
      option: "FILE",
    });
  }
  if (flags.prompt === undefined) {
    const idle = (["system", "thinking", "templateVar", "now"] as const).find((name) => flags[name] !== undefined);
    if (idle !== undefined) {
      const flag = idle === "templateVar" ? "--template-var" : `--${idle}`;
      throw new LlamafuseError(
        "invalid-option",
        `${flag} does nothing without --prompt. Give a question with --prompt, or leave it out.`,
        { option: flag, found: flags[idle] },
      );
    }
  }
  const { contextSize } = flags;
  if (contextSize !== undefined && !(Number.isSafeInteger(contextSize) && contextSize >= 1)) {
    refuse("--context-size", contextSize, "a whole number of tokens >= 1");
  }
  const text = flags.text === undefined ? SAMPLE_TEXT : await readTextFile(flags.text);
  const names = uniqueNames(files);
  const opened: Inspected[] = [];
  const devices = listDevices({ gpu: gpuOption(flags), logs: flags.verbose ? "stderr" : "silent" });
  const options = [...words.map(() => ({})), ...(flags.file?.members ?? [])];
  for (const [index, file] of files.entries()) {
    opened.push(
      await openForInspection(await download(file, names[index]), flags.verbose ? "stderr" : "silent", {
        ...options[index],
        ...(flags.contextSize !== undefined && { contextSize: flags.contextSize }),
      }),
    );
  }
  const named = opened.map(({ vocabulary }, index) => ({ name: names[index], strings: byteStrings(vocabulary) }));
  const models = opened.map(({ facts, vocabulary, encode }, index) => {
    const ids = Array.from(encode(text));
    const others = named.filter((_, other) => other !== index);
    const shared = others.map(({ name, strings }) => [name, sharedOccurrences(ids, vocabulary, strings)]);
    return {
      name: names[index],
      ...facts,
      byteStrings: named[index].strings.size,
      textTokens: ids.length,
      sharedInText: Object.fromEntries(shared) as Record<string, number>,
    };
  });
  return { models, pairs: overlaps(named), devices, ...promptsOf(opened, names, words.length, flags) };
}

/** What each model reads. `named`: how many files were named before those of the ensemble file. */
function promptsOf(
  opened: readonly Inspected[],
  names: readonly string[],
  named: number,
  flags: InspectFlags,
): Pick<InspectReport, "prompts" | "warnings"> {
  const { prompt, system = flags.file?.request?.system } = flags;
  if (prompt === undefined) return {};
  const readers = opened.flatMap(({ reader, vocabulary }, index) => {
    const templateVariables = flags.file?.members[index - named]?.templateVariables;
    return reader === undefined ? [] : { ...reader, vocabulary, templateVariables, name: names[index] };
  });
  checkPrompt(prompt);
  return readPrompts(readers, prompt, system, checkPromptOptions(promptOptions(flags)));
}

async function download(file: string, member: string): Promise<string> {
  const bars = new LoadBars(1);
  try {
    return await resolveModel(file, (fraction) => bars.update({ member, phase: "download", fraction }));
  } finally {
    bars.stop();
  }
}
