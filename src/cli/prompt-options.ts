/** The options by which commands say how prompts are read. */
import type { Command } from "commander";
import type { PromptOptions } from "../decoding/prompt.js";
import type { Thinking } from "../decoding/thinking/options.js";
import { LlamafuseError } from "../errors.js";
import type { MemberFacts } from "../member/member.js";
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

const OF_CONVERSATIONS: Readonly<Record<string, keyof PromptFlags>> = {
  "--thinking": "thinking",
  "--template-var": "templateVar",
  "--now": "now",
};

/** Error: invalid-option for a flag that does nothing for this kind of prompt. */
export function checkPromptFlags(flags: PromptFlags & { healing?: boolean }, isChat: boolean): void {
  const refuse = (flag: string, why: string) => {
    throw new LlamafuseError("invalid-option", `${flag} ${why}`, { option: flag });
  };
  if (isChat && flags.healing)
    refuse("--healing", "continues a prompt that is a text; a question in a chat template has none. Leave it out.");
  if (isChat) return;
  for (const [flag, name] of Object.entries(OF_CONVERSATIONS)) {
    if (flags[name] !== undefined)
      refuse(flag, "does nothing for a prompt that is a text. Add --chat, or leave it out.");
  }
}

/** A line for each variable that no member's chat template reads. */
export function unreadVariables(
  { templateVar }: PromptFlags,
  members: readonly { name: string; facts?: Pick<MemberFacts, "chatTemplate"> }[],
): string[] {
  const templates = members.flatMap(({ facts }) => (facts === undefined ? [] : [facts.chatTemplate ?? ""]));
  // A router loads its members later.
  if (templates.length === 0) return [];
  const isRead = (name: string) => templates.some((template) => new RegExp(`(?<![\\w.])${name}(?!\\w)`).test(template));
  return Object.keys(templateVar ?? {})
    .filter((name) => !isRead(name))
    .map((name) => `--template-var ${name} does nothing: no member's chat template reads it.`);
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
