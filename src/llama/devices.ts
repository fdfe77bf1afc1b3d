/** The devices that llama.cpp computes on, their memory, and choosing among them by name. */
import { totalmem } from "node:os";
import { LlamafuseError, nearestName } from "../errors.js";
import { readOptions, refuse } from "../read-options.js";
import type { Pointer } from "./bindings.js";
import { checkGpu, type Gpu } from "./find-library.js";
import type { GgmlFunctions } from "./ggml-bindings.js";
import { loadLlama } from "./library.js";

/** As ggml numbers its device types. */
export const DEVICE_KINDS = ["cpu", "gpu", "igpu", "accelerator"] as const;

export interface Device {
  /** As ggml calls it: "CUDA0", "Vulkan1", "CPU". */
  name: string;
  /** The card's own name. */
  description: string;
  kind: (typeof DEVICE_KINDS)[number];
  /** Bytes. Of a processor, the machine's memory. */
  freeBytes: number;
  totalBytes: number;
}

/** What keeps a member off all GPUs. */
const CPU_NAMES: readonly string[] = ["cpu", "none"];

type LocatedDevice = Pick<Device, "name" | "kind"> & { pointer: Pointer };

/** Every device of the loaded library, GPUs in ggml's order. */
function located(ggml: GgmlFunctions): LocatedDevice[] {
  return Array.from({ length: ggml.deviceCount() }, (_, index) => {
    const pointer = ggml.deviceAt(index);
    return { pointer, name: ggml.deviceName(pointer), kind: DEVICE_KINDS[ggml.deviceType(pointer)] ?? "accelerator" };
  });
}

/** The GPUs of the loaded library, in ggml's order. */
export function gpusOf(ggml: GgmlFunctions): LocatedDevice[] {
  return located(ggml).filter(isGpu);
}

/** Every device with its memory now. */
export function devicesOf(ggml: GgmlFunctions): Device[] {
  return located(ggml).map(({ pointer, name, kind }) => {
    const bytes = new BigUint64Array(2);
    ggml.deviceMemory(pointer, bytes.subarray(0, 1), bytes.subarray(1));
    const description = ggml.deviceDescription(pointer);
    // ggml calls all memory of a processor free.
    return kind === "cpu"
      ? { name, description, kind, freeBytes: process.availableMemory(), totalBytes: totalmem() }
      : { name, description, kind, freeBytes: Number(bytes[0]), totalBytes: Number(bytes[1]) };
  });
}

/**
 * The devices that members can be put on, with their free memory now. Loads llama.cpp.
 *
 * @example
 * for (const { name, freeBytes } of listDevices()) console.log(name, freeBytes / 2 ** 30, "GiB free");
 */
export function listDevices(options: { gpu?: Gpu; logs?: "silent" | "stderr" } = {}): Device[] {
  const { gpu, logs } = readOptions<NonNullable<typeof options>>("listDevices", options, { gpu: true, logs: true });
  checkGpu(gpu);
  if (logs !== undefined && logs !== "silent" && logs !== "stderr") refuse("logs", logs, '"silent" or "stderr"');
  return devicesOf(loadLlama({ gpu, logs }).ggml);
}

export function isGpu({ kind }: Pick<Device, "kind">): boolean {
  return kind === "gpu" || kind === "igpu";
}

/** Whether the choice means no GPU at all. */
export function meansCpu(device: string | readonly string[] | undefined): boolean {
  const names = device === undefined ? [] : typeof device === "string" ? [device] : device;
  return names.length > 0 && names.every((name) => CPU_NAMES.includes(name.toLowerCase()));
}

/** The GPUs of these names; an empty list for the CPU. Errors: invalid-option, which lists the devices. */
export function devicesNamed(ggml: GgmlFunctions, device: string | readonly string[]): LocatedDevice[] {
  if (meansCpu(device)) return [];
  const all = gpusOf(ggml);
  const names = all.map(({ name }) => name);
  return (typeof device === "string" ? [device] : device).map((wanted) => {
    const found = all.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    if (found !== undefined) return found;
    const near = nearestName(wanted, [...names, "cpu"]);
    const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
    const known =
      names.length === 0 ? 'llama.cpp finds no GPU here; "cpu" is allowed' : `Devices: ${[...names, "cpu"].join(", ")}`;
    throw new LlamafuseError("invalid-option", `Unknown device "${wanted}".${hint} ${known}.`, {
      option: "device",
      found: wanted,
      allowed: [...names, "cpu"],
    });
  });
}
