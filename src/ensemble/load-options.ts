/** What members are loaded from, and the check that it makes sense before any file is opened. */
import path from "node:path";
import { LlamafuseError, unknownName } from "../errors.js";
import { checkGpu, type Gpu } from "../llama/find-library.js";
import { LLAMA_PARAMETER_NAMES, type LlamaParameters } from "../llama/parameters.js";
import { isMember } from "../member/is-member.js";
import type { Member } from "../member/member.js";
import { checkMemberOptions, type MemberOptions, type ServerMemberOptions, withUrl } from "../member/member-options.js";
import { isRemote } from "../member/resolve-model.js";
import { checkSignal, guarded, type OptionNames, readOptions, refuse, shown } from "../read-options.js";
import { maskSecrets } from "../secrets.js";
import { SCHEDULE_CHOICES, type ScheduleChoice } from "./plan.js";

/**
 * A model as people name it: its path or URI alone, with options, the address of a server that has it, or a member made
 * elsewhere (ScriptedMember, your own).
 */
export type MemberInput = string | MemberOptions | ServerMemberOptions | Member;

export interface LoadOptions {
  /** The models; one or any number: `["a.gguf", { model: "b.gguf", weight: 2 }]`. */
  members: readonly MemberInput[];
  /**
   * `parallel`: all members decode at once, each with its share of the cores; `in-turn`: one after another, each with
   * all cores; `auto` (default): whichever a short measurement at load finds faster.
   */
  schedule?: ScheduleChoice;
  /**
   * Divide the members' layers over them and over the GPUs before loading, by the files' sizes and the GPUs' free memory,
   * so that all fit. What a member says itself (gpuLayers, device, mainGpu, tensorSplit) stays. Default false.
   */
  fit?: boolean;
  /**
   * Requests that are answered side by side, each in a context of its own: their tokens are decoded together. Default 1: one
   * after another. Each slot takes the memory of one more context. A member that keeps a recurrent state, or runs in a process
   * of its own, answers one request at a time whatever this says (`Members.slots`).
   */
  slots?: number;
  /** Compute backend: "auto" (default) takes a GPU where its driver is installed. One choice per process. */
  gpu?: Gpu;
  /** What llama.cpp prints: nothing (default), or everything on stderr. */
  logs?: "silent" | "stderr";
  /** Milliseconds without progress before a member is reported as hung. Default 600,000. */
  timeoutMs?: number;
  /** Called while models download and load: the member, what happens, and 0 … 1. */
  onProgress?: (progress: LoadProgress) => void;
  /** Cancels the loading: an error "aborted". */
  signal?: AbortSignal;
}

export interface LoadProgress {
  /** The member's name; the method's where it builds something for all of them. */
  member: string;
  phase: "download" | "load" | "build";
  fraction: number;
}

export const LOAD_OPTIONS: OptionNames<LoadOptions> = {
  members: true,
  schedule: true,
  gpu: true,
  fit: true,
  slots: true,
  logs: true,
  timeoutMs: true,
  onProgress: true,
  signal: true,
};

const MEMBER_OPTIONS: OptionNames<MemberOptions> = {
  model: true,
  url: true,
  kind: true,
  tokenizer: true,
  apiKeyFile: true,
  topDepth: true,
  servedModel: true,
  name: true,
  weight: true,
  threads: true,
  ...(Object.fromEntries(LLAMA_PARAMETER_NAMES.map((name) => [name, true])) as OptionNames<LlamaParameters>),
  contextSize: true,
  isolate: true,
  templateVariables: true,
};

/** Each has a context of its own; more would only wait for the cores. */
export const MOST_SLOTS = 64;

const LOG_CHOICES = ["silent", "stderr"] as const;
/** Timers count milliseconds in 31 bits. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Load options with a unique name for every member. */
export interface CheckedLoadOptions extends Omit<LoadOptions, "members"> {
  members: readonly (MemberOptions | Member)[];
  names: readonly string[];
}

/** Errors: invalid-option. `what`: the function that was called. */
export function checkLoadOptions(given: unknown, what = "loadMembers"): CheckedLoadOptions {
  const options = readOptions<LoadOptions>(what, given, LOAD_OPTIONS, '{ members: ["a.gguf", "b.gguf"] }');
  const members = guarded("The members", () => readMembers(options.members, what));
  const { schedule, gpu, logs, slots, timeoutMs, onProgress } = options;
  if (schedule !== undefined && !SCHEDULE_CHOICES.includes(schedule)) {
    throw unknownName("schedule", typeof schedule === "string" ? schedule : shown(schedule), SCHEDULE_CHOICES);
  }
  checkGpu(gpu);
  if (options.fit !== undefined && typeof options.fit !== "boolean") refuse("fit", options.fit, "true or false");
  if (slots !== undefined && !(Number.isInteger(slots) && slots >= 1 && slots <= MOST_SLOTS)) {
    refuse("slots", slots, `an integer from 1 to ${MOST_SLOTS}`);
  }
  if (logs !== undefined && !LOG_CHOICES.includes(logs)) refuse("logs", logs, '"silent" or "stderr"');
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT)) {
    refuse("timeoutMs", timeoutMs, `a number in 1 … ${LONGEST_TIMEOUT}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") refuse("onProgress", onProgress, "a function");
  checkSignal(options.signal);
  return { ...options, members, names: chooseNames(members) };
}

function readMembers(given: unknown, what: string): (MemberOptions | Member)[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new LlamafuseError(
      "invalid-option",
      `${what} needs at least one member: members: ["a.gguf", "b.gguf"]; found ${shown(given)}.`,
      { found: shown(given), allowed: "a list of at least one member", option: "members" },
    );
  }
  return Array.from(given as MemberInput[], (member) => {
    if (isMember(member)) return member;
    const options = withUrl(
      typeof member === "string"
        ? { model: member }
        : readOptions<MemberOptions>("a member", member, MEMBER_OPTIONS, '{ model: "a.gguf", weight: 2 }'),
    );
    checkMemberOptions(options);
    const { name, weight } = options;
    if (weight !== undefined && typeof weight !== "number") refuse("A member's weight", weight, "a number >= 0");
    if (name !== undefined && (typeof name !== "string" || name === "")) refuse("A member's name", name, "a text");
    return options;
  });
}

/** Of an address without its query, which may hold a token. */
function fileNameIn(model: string): string {
  return path.basename(isRemote(model) ? maskSecrets(model.replace(/[?#].*$/s, "")) : model);
}

/** host:port, which an error can name without a password. */
function hostOf(url: string): string {
  return new URL(url).host;
}

/** Given names must differ; the others are file names, with a number added where one file is loaded twice. */
export function chooseNames(members: readonly MemberInput[]): string[] {
  const taken = new Set<string>();
  const given = members.map((member) => (typeof member === "string" ? { model: member } : member));
  for (const { name } of given as MemberOptions[]) {
    if (name === undefined) continue;
    if (taken.has(name))
      throw new LlamafuseError("invalid-option", `Two members are named "${name}". Give each its own name.`, {
        found: name,
        option: "name",
      });
    taken.add(name);
  }
  return given.map((member) => {
    if (member.name !== undefined) return member.name;
    const { model, url } = member as MemberOptions;
    const base = (url === undefined ? fileNameIn(model) : hostOf(url)).replace(/\.gguf$/i, "") || "member";
    let name = base;
    for (let copy = 2; taken.has(name); copy++) name = `${base}-${copy}`;
    taken.add(name);
    return name;
  });
}
