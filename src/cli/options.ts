/** The options that commands share: what they are called, and what they become for the library. */

import { type Command, Option } from "commander";
import type { OnMemberFailure } from "../decoding/member-failure.js";
import type { GenerateOptions } from "../decoding/request.js";
import { SAMPLER_OPTIONS, type SamplerOptions, samplerFields } from "../decoding/sampler-options.js";
import type { ScheduleChoice } from "../ensemble/plan.js";
import { LlamafuseError } from "../errors.js";
import { parseGpu } from "../llama/find-library.js";
import type { MemberOptions } from "../member/member-options.js";
import { nativeModels } from "../native-models.js";
import type { EnsembleOptions, RoutedEnsembleOptions, SystemOptions } from "../systems.js";
import { addFormatOptions, type FormatFlags, formatOption } from "./format-options.js";
import { addMemberFlags, isOnServer, type MemberFlags, withMemberFlags } from "./member-flags.js";
import { collectOption, type MethodOption, methodOptions, nestedOptions, onlyMethod } from "./method-words.js";
import { modelOf } from "./model-words.js";
import { addPromptOptions, type PromptFlags, promptOptions, withoutAbsent } from "./prompt-options.js";
import { samplerFlag, samplerFlags } from "./sampler-flags.js";
import { say } from "./terminal.js";

/** What `--ensemble` names, read; see `readEnsembleFlag`. */
export type FileOptions = Omit<EnsembleOptions | RoutedEnsembleOptions, "method" | "members"> & {
  onMemberFailure?: OnMemberFailure;
  members: readonly MemberOptions[];
  method?: SystemOptions;
};

export interface EnsembleFlags extends MemberFlags {
  ensemble?: string;
  /** Put here before a command's action runs. */
  file?: FileOptions;
  member?: string[];
  weight?: number[];
  method?: string;
  option?: MethodOption[];
  gpu?: string;
  fit?: boolean;
  slots?: number;
  contextSize?: number;
  threads?: number;
  isolate?: boolean;
  schedule?: string;
  onMemberFailure?: string;
  timeoutMs?: number;
  verbose?: boolean;
}

export interface SamplingFlags extends PromptFlags, FormatFlags, SamplerOptions {
  maxTokens?: number;
  stop?: string[];
  healing?: boolean;
  speculation?: "auto" | "off";
}

/** Which models answer. */
export function addMemberOptions(command: Command, group: string): Command {
  return command
    .optionsGroup(group)
    .option(
      "-m, --member <file>",
      'a GGUF file, part of a name that "llamafuse models" lists, ollama:NAME, a URI to download (hf:user/repo:Q4_K_M, https://…), or a server that has the model (http://host:port); repeat for each member (default: the native experts robin, wren and finch)',
      collect,
    )
    .option(
      "--ensemble <file>",
      'JSON file with members, method and defaults, as "llamafuse init" writes it; options given here take precedence',
    );
}

/** What their votes count. */
export function addWeightOption(command: Command): Command {
  return command.option(
    "-w, --weight <share>",
    "a member's share of the vote: repeat once per member, in the order of --member, or leave out",
    collectNumber("--weight"),
  );
}

/** Which models answer, and how they are fused and run. */
export function addEnsembleOptions(command: Command, standard = "unite"): Command {
  addWeightOption(addMemberOptions(command, "Members and method:"))
    .option(
      "-M, --method <name>",
      `fusion method: NAME or NAME:OPTION=VALUE,…; see "llamafuse methods" (default: ${standard})`,
      onlyMethod,
    )
    .option(
      "-o, --option <name=value>",
      'an option of the method, see "llamafuse methods NAME"; repeatable',
      collectOption,
    );
  return addMachineOptions(command)
    .option("--schedule <name>", "members decode parallel or in-turn (default: auto, measured)")
    .option(
      "--on-member-failure <what>",
      "fail, or continue the answer with the other members when one fails (default: fail)",
    );
}

/** Where they run. */
export function addMachineOptions(command: Command): Command {
  return addMemberFlags(
    command
      .optionsGroup("Machine:")
      .option("--gpu <backend>", "auto, cuda, vulkan, metal or false (default: auto)")
      .option(
        "--context-size <tokens>",
        "tokens that each member's context holds, prompt and answer",
        number("--context-size"),
      )
      .option("--threads <count>", "CPU threads of each member (default: measured)", number("--threads"))
      .option(
        "--isolate",
        "run each member in a process of its own, so that a crash in llama.cpp ends that process only",
      )
      .option(
        "--timeout-ms <count>",
        "milliseconds without progress before a member is reported as hung (default: 600000)",
        number("--timeout-ms"),
      )
      .option("--fit", "divide the layers over members and GPUs so that all fit, by files' sizes and free memory")
      .option("--slots <count>", "requests that are answered side by side (default: 1)", number("--slots")),
  );
}

/** How the answer is chosen from the fused distributions. */
export function addSamplingOptions(command: Command, mostTokens = "fused steps at most (default: 256)"): Command {
  command
    .optionsGroup("Answer:")
    .option("-n, --max-tokens <count>", mostTokens, number("--max-tokens"))
    .option("--healing", "continue a prompt that ends inside a token as if it had been written at once")
    .addOption(
      new Option(
        "--speculation <when>",
        "read text that is likely to come at once: auto, where that is faster, or off",
      ).choices(["auto", "off"]),
    )
    .option("--stop <text>", "end the answer before this text; repeatable", collect);
  addFormatOptions(command);
  addPromptOptions(command);
  command.optionsGroup("Sampling, in llama.cpp's order on what is fused:");
  for (const option of SAMPLER_OPTIONS) {
    const [flag, about] = samplerFlag(option);
    const isList = samplerFields[option].safeParse([]).success;
    if (isList) command.option(`${flag} <text>`, `${about}; repeatable`, collect);
    else command.option(`${flag} <number>`, about, number(samplerFlags[option]));
  }
  return command;
}

/** What every command understands. */
export function addCommonOptions(command: Command): Command {
  return command
    .optionsGroup("General:")
    .option("--no-color", "print without colours (same as the environment variable NO_COLOR)")
    .option("--verbose", "print error details and llama.cpp's log on stderr")
    .helpOption("-h, --help", "this help");
}

export function ensembleOptions(flags: EnsembleFlags): EnsembleOptions {
  return {
    members: memberOptions(flags),
    method: chosenMethod(flags) as EnsembleOptions["method"],
    schedule: (flags.schedule as ScheduleChoice | undefined) ?? flags.file?.schedule,
    gpu: gpuOption(flags),
    fit: flags.fit ?? flags.file?.fit,
    slots: flags.slots ?? flags.file?.slots,
    timeoutMs: flags.timeoutMs ?? flags.file?.timeoutMs,
    onMemberFailure: (flags.onMemberFailure as OnMemberFailure | undefined) ?? flags.file?.onMemberFailure,
    logs: flags.verbose ? "stderr" : "silent",
  };
}

/** The method of --method and --option; of the file, with --option in place of what it says. */
function chosenMethod({ method, option, file }: EnsembleFlags): SystemOptions | undefined {
  if (method !== undefined || file?.method === undefined) return methodOptions(method, option);
  return { ...file.method, ...nestedOptions(option ?? []) } as SystemOptions;
}

export function gpuOption({ gpu, file }: Pick<EnsembleFlags, "gpu" | "file">): EnsembleOptions["gpu"] {
  return gpu === undefined ? file?.gpu : parseGpu(gpu);
}

export function samplingOptions(flags: SamplingFlags & Pick<EnsembleFlags, "file">): GenerateOptions {
  const { maxTokens, healing, stop } = flags;
  const speculation: GenerateOptions["speculation"] = flags.speculation === "off" ? false : flags.speculation;
  const sampling = Object.fromEntries(SAMPLER_OPTIONS.map((option) => [option, flags[option]]));
  const { chat: _chat, system: _system, ...defaults } = flags.file?.request ?? {};
  const given = { maxTokens, ...sampling, healing, speculation, stop, format: formatOption(flags) };
  return { ...defaults, ...withoutAbsent(given), ...promptOptions(flags) };
}

/** Whether a prompt is asked in chat templates, and what the members are told first. */
export function chatOptions({
  chat = undefined,
  system = undefined,
  file,
}: Pick<EnsembleFlags, "file"> & { chat?: boolean; system?: string }): Pick<GenerateOptions, "chat" | "system"> {
  return withoutAbsent({ chat: chat ?? file?.request?.chat, system: system ?? file?.request?.system });
}

/** Reads the file of --ensemble, so that commands find it in `file` of their flags. */
export async function readEnsembleFlag(command: Command): Promise<void> {
  const { ensemble } = command.opts<{ ensemble?: unknown }>();
  // A server takes several, and reads them again.
  if (typeof ensemble !== "string") return;
  const { readEnsembleFile } = await import("../ensemble-file/read.js");
  command.setOptionValue("file", await readEnsembleFile(ensemble));
}

/** A line on stderr where an answer looks greedy and is drawn all the same. */
export function warnOfDraws(flags: EnsembleFlags & SamplingFlags): void {
  const { temperature = 0, seed } = samplingOptions(flags);
  if ((flags.method ?? flags.file?.method?.name) !== "me" || temperature > 0 || seed !== undefined) return;
  say(
    "llamafuse: method me draws a member at random at every step, even at temperature 0. Sample with -t 1; -s repeats an answer.",
  );
}

export function memberOptions({
  member = [],
  weight = [],
  threads,
  contextSize,
  isolate,
  file,
  ...flags
}: EnsembleFlags): MemberOptions[] {
  const models: readonly MemberOptions[] =
    member.length > 0
      ? member.map((word) => ({ model: modelOf(word) }))
      : file !== undefined
        ? file.members
        : nativeModels().map(({ name, path }) => ({ name, model: path }));
  if (weight.length > 0 && weight.length !== models.length) {
    throw new LlamafuseError(
      "invalid-option",
      `--weight was given ${times(weight.length)} for ${models.length} members. Give it once for each member, in their order, or not at all.`,
      { found: weight.length, allowed: models.length, option: "weight" },
    );
  }
  const members = models.map((model, index) => ({
    ...model,
    ...withoutAbsent({ weight: weight[index], contextSize, ...(!isOnServer(model) && { threads, isolate }) }),
  }));
  return withMemberFlags(members, flags);
}

/** A parser for commander: the text as a number, or an error that names the option. */
export function number(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(value)) return value;
    throw new LlamafuseError("invalid-option", `${flag} needs a number; found ${JSON.stringify(text)}.`, {
      found: text,
      allowed: "a number",
      option: flag,
    });
  };
}

function collectNumber(flag: string): (text: string, previous?: number[]) => number[] {
  const parse = number(flag);
  return (text, previous = []) => [...previous, parse(text)];
}

/** A parser for commander: every value of a repeated option. */
export function collect(text: string, previous: string[] = []): string[] {
  return [...previous, text];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
