/** The options by which commands say how prompts are read. */
import type { Command } from "commander";
import type { PromptOptions } from "../decoding/prompt.js";
import type { Thinking } from "../decoding/thinking/options.js";
import { LlamafuseError } from "../errors.js";
import type { EnsembleFlags } from "./options.js";

/** How prompts are read. */
export interface PromptFlags {
  templateVar?: Record<string, unknown>;
  now?: string;
  thinking?: Thinking;
}

/** `off`, `private` or a number of tokens. */
export function parseThinking(text: string): Thinking {
  if (text === "off" || text === "private") return text;
  const budget = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isSafeInteger(budget) && budget >= 0) return { budget };
  throw new LlamafuseError(
    "invalid-option",
    `--thinking needs off, private or a number of tokens; found ${JSON.stringify(text)}.`,
    { found: text, allowed: "off, private or a number >= 0", option: "--thinking" },
  );
}

/** `NAME=VALUE`: JSON where it is JSON, else text. */
function collectVariable(text: string, previous: Record<string, unknown> = {}): Record<string, unknown> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new LlamafuseError(
      "invalid-option",
      `--template-var needs NAME=VALUE, such as enable_thinking=false; found ${JSON.stringify(text)}.`,
      { found: text, allowed: "NAME=VALUE", option: "--template-var" },
    );
  }
  try {
    return { ...previous, [name]: JSON.parse(value) as unknown };
  } catch {
    return { ...previous, [name]: value };
  }
}

/** How the members read a conversation. */
export function addPromptOptions(command: Command): Command {
  return command
    .option(
      "--thinking <how>",
      "off; private: members that think do so by themselves first; or private with so many tokens (default: off where a chat template can, else private)",
      parseThinking,
    )
    .option(
      "--template-var <name=value>",
      "a variable of the members' chat templates, such as enable_thinking=false; repeatable",
      collectVariable,
    )
    .option("--now <date>", "the date for chat templates, such as 2026-03-07 (default: today)");
}

/** How prompts are read, by the flags and the file. */
export function promptOptions(flags: PromptFlags & Pick<EnsembleFlags, "file">): PromptOptions {
  const { templateVar, now, thinking } = flags;
  const defaults = flags.file?.request ?? {};
  const templateVariables =
    templateVar === undefined ? defaults.templateVariables : { ...defaults.templateVariables, ...templateVar };
  return withoutAbsent({
    templateVariables,
    now: now ?? defaults.now,
    thinking: thinking ?? defaults.thinking,
    parseSpecial: defaults.parseSpecial,
  });
}

/** The options that are given. */
export function withoutAbsent<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
