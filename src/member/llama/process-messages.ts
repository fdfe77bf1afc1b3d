/**
 * What the coordinator and a member's own process say to each other. The pipe between them carries one call at a time,
 * with the numbers of an output copied: nothing is shared.
 */
import type { SharedMemory } from "../../kernels/shared-memory.js";
import type { Command, OutputNumbers } from "./channel.js";
import type { LlamaMemberOptions } from "./load-options.js";
import type { OutputRegions } from "./output-room.js";
import type { ErrorData, Request } from "./protocol.js";

/** What the process loads; the rest of a member's options stays with the coordinator. */
export type ProcessStart = Omit<
  LlamaMemberOptions,
  "onProgress" | "signal" | "templateVariables" | "slots" | "group"
> & { name: string };

export type ToProcess =
  | { start: ProcessStart }
  /** A hot-path command with its payload. */
  | { command: Command; payload: Uint8Array }
  | Request
  | { stop: boolean }
  | { close: true };

export type FromProcess =
  | { reply: unknown; output?: OutputArrays }
  | { error: ErrorData }
  /** The answer to a command. */
  | { payload: Uint8Array; output?: OutputArrays }
  /** A sign of life while something takes long. */
  | { progress: number };

/** An output as it stands in the other process's memory. */
export interface OutputArrays {
  numbers: OutputNumbers;
  logits: Float32Array;
  topIds: Int32Array;
  topLogits: Float32Array;
  projection: Float64Array;
  hidden: Float32Array;
  branchLogits: Float32Array;
  branchNormalisers: Float64Array;
}

/** Each array with where it lies among the regions of a member's results, `logits` being where its logits lie. */
export function arraysAt(
  shared: SharedMemory,
  logits: number,
  tokens: number,
  regions: OutputRegions,
): Omit<OutputArrays, "numbers"> {
  const { top, projectionSize, hiddenSize, branches } = regions;
  return {
    logits: shared.float32(logits, tokens),
    topIds: shared.int32(regions.topIds, top),
    topLogits: shared.float32(regions.topLogits, top),
    projection: shared.float64(regions.projection, projectionSize),
    hidden: shared.float32(regions.hidden, hiddenSize),
    branchLogits: shared.float32(regions.branchLogits, tokens * branches),
    branchNormalisers: shared.float64(regions.branchNormalisers, branches),
  };
}
