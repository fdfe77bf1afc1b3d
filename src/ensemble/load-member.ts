/** One member on its way into an ensemble: its file, its place, its thread. */
import type { SharedMemory } from "../kernels/shared-memory.js";
import { checkModel, type ModelFile } from "../llama/check-model.js";
import { checkParameters } from "../llama/check-parameters.js";
import { controlCharacterIn } from "../llama/checks/control-characters.js";
import type { Placement } from "../llama/fit.js";
import { muteLog } from "../llama/library.js";
import { llamaParametersOf } from "../llama/parameters.js";
import { isMember } from "../member/is-member.js";
import { LlamaMember } from "../member/llama/llama-member.js";
import type { SlotGroup } from "../member/llama/slot-queue.js";
import type { Member } from "../member/member.js";
import type { MemberOptions } from "../member/member-options.js";
import { openRemoteMember } from "../member/remote/open-remote-member.js";
import { resolveModel } from "../member/resolve-model.js";
import { printable } from "../printable.js";
import { placeMembers } from "./fit-members.js";
import type { CheckedLoadOptions, LoadProgress } from "./load-options.js";

/** What a member's load reports of itself. */
function reporter(options: CheckedLoadOptions, index: number, phase: LoadProgress["phase"]) {
  return (fraction: number) => options.onProgress?.({ member: options.names[index], phase, fraction });
}

/** A member on a server: nothing is read here but a tokenizer. */
export async function openOne(
  { url, kind, tokenizer, apiKeyFile, topDepth, servedModel, contextSize, templateVariables }: MemberOptions,
  index: number,
  { names, timeoutMs }: CheckedLoadOptions,
  signal: AbortSignal,
): Promise<Member> {
  const remote = { kind, tokenizer, apiKeyFile, topDepth, servedModel };
  return openRemoteMember({
    url: url!,
    name: names[index],
    contextSize,
    templateVariables,
    timeoutMs,
    signal,
    ...remote,
  });
}

/** The member's file, downloaded where it is an address, and fit for its parameters. */
export async function checkOne(
  member: MemberOptions,
  index: number,
  options: CheckedLoadOptions,
  signal: AbortSignal,
): Promise<ModelFile> {
  const model = await resolveModel(member.model, reporter(options, index, "download"), signal);
  const file = await checkModel(model, { signal });
  checkParameters(file, member);
  return file;
}

/** Where each member goes, by its index, once all files are known. */
export async function placeAll(
  options: CheckedLoadOptions,
  files: readonly (Promise<ModelFile> | undefined)[],
): Promise<ReadonlyMap<number, Placement | undefined>> {
  const members: { index: number; options: MemberOptions; file: ModelFile }[] = [];
  for (const [index, member] of options.members.entries()) {
    if (!isMember(member) && member.url === undefined)
      members.push({ index, options: member, file: (await files[index])! });
  }
  const placements = placeMembers(members, options);
  return new Map(members.map(({ index }, place) => [index, placements[place]]));
}

/** What members that are loaded together have in common. */
export interface CommonRoom {
  shared: SharedMemory;
  group: SlotGroup;
}

/** A thread with the model in it. */
export async function loadOne(
  file: ModelFile,
  member: MemberOptions,
  index: number,
  options: CheckedLoadOptions,
  { shared, group }: CommonRoom,
  signal: AbortSignal,
): Promise<Member> {
  const { gpu, logs, timeoutMs, slots } = options;
  if (logs === "stderr" && !member.isolate) keepOffTerminal(file, options.names[index]);
  const { threads, contextSize, isolate, templateVariables } = member;
  if (logs === "stderr" && !isolate) keepOffTerminal(file, options.names[index]);
  return await LlamaMember.load(
    {
      model: file.path,
      name: options.names[index],
      threads,
      ...llamaParametersOf(member),
      contextSize,
      isolate,
      templateVariables,
      gpu,
      logs,
      timeoutMs,
      slots,
      group,
      onProgress: reporter(options, index, "load"),
      signal,
    },
    shared,
  );
}

/** The log of a process of its own passes through this one; a thread's does not. */
function keepOffTerminal({ gguf, path }: ModelFile, name: string): void {
  const key = controlCharacterIn(gguf.metadata);
  if (key === undefined) return;
  muteLog();
  const place = printable(`${path} has control characters in ${key}`);
  process.stderr.write(`${place}, so llama.cpp's log is off. Run member ${printable(name)} with isolate to see it.\n`);
}
