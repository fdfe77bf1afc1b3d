/** Members that fit: see `fit` of LoadOptions and llama/fit.ts. */
import type { ModelFile } from "../llama/check-model.js";
import { type Device, devicesOf, isGpu, meansCpu } from "../llama/devices.js";
import { fitMembers, type Placement } from "../llama/fit.js";
import { loadLlama } from "../llama/library.js";
import { type MemoryNeeds, memoryNeeds } from "../llama/memory-needs.js";
import type { MemberOptions } from "../member/member-options.js";
import type { LoadOptions } from "./load-options.js";

/** What a member may say itself of where it goes. */
const CHOICES = ["gpuLayers", "device", "mainGpu", "tensorSplit"] as const;

/** Where each member goes; undefined for one that says so itself, and everywhere without a GPU. */
export function placeMembers(
  members: readonly { options: MemberOptions; file: ModelFile }[],
  { gpu, logs, slots }: Pick<LoadOptions, "gpu" | "logs" | "slots">,
): (Placement | undefined)[] {
  const llama = loadLlama({ gpu, logs });
  const gpus = llama.files.gpu === false ? [] : devicesOf(llama.ggml).filter(isGpu);
  if (gpus.length === 0) return members.map(() => undefined);
  const needs = members.map(({ options, file }) => memoryNeeds(file.path, { ...options, slots }));
  const free = gpus.map(({ freeBytes }) => freeBytes);
  for (const [index, { options }] of members.entries()) {
    if (hasChosen(options)) takeRoom(free, gpus, options, needs[index]!);
  }
  const open = needs.map((need, index) => (hasChosen(members[index]!.options) ? undefined : need));
  return fitMembers(
    open,
    gpus.map(({ name }, index) => ({ name, freeBytes: free[index]! })),
  );
}

function hasChosen(options: MemberOptions): boolean {
  return CHOICES.some((name) => options[name] !== undefined);
}

/** What a member that says itself where it goes leaves to the others. */
function takeRoom(free: number[], gpus: readonly Device[], options: MemberOptions, needs: MemoryNeeds): void {
  const { device, gpuLayers = "max", mainGpu, tensorSplit } = options;
  if (meansCpu(device) || gpuLayers === 0) return;
  const names = device === undefined ? gpus.map(({ name }) => name) : typeof device === "string" ? [device] : device;
  const all = names
    .map((name) => gpus.findIndex((gpu) => gpu.name.toLowerCase() === name.toLowerCase()))
    .filter((at) => at >= 0);
  const used = mainGpu === undefined ? all : all.slice(mainGpu, mainGpu + 1);
  const units = [needs.output, ...needs.layers.toReversed()].slice(0, gpuLayers === "max" ? undefined : gpuLayers);
  const bytes = units.reduce((sum, each) => sum + each, 0);
  const shares = used.map((at, place) => tensorSplit?.[place] ?? (tensorSplit === undefined ? free[at]! : 0));
  const total = shares.reduce((sum, share) => sum + share, 0) || 1;
  for (const [place, at] of used.entries()) free[at]! -= (bytes * shares[place]!) / total + needs.compute;
}
