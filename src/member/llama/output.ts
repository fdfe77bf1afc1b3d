import type { SharedMemory } from "../../kernels/shared-memory.js";
import type { MemberOutput } from "../member.js";
import type { OutputRegions } from "./output-room.js";

/** What a member shows before it is prepared for anything; the logits may be a view that is filled later. */
export function emptyOutput(logits: Float32Array): MemberOutput {
  return {
    logNormaliser: 0,
    endLogProb: Number.NEGATIVE_INFINITY,
    topCount: 0,
    topIds: new Int32Array(0),
    topLogits: new Float32Array(0),
    logits,
    projection: new Float64Array(0),
    hidden: new Float32Array(0),
    branches: [],
    decodeMs: 0,
    prepareMs: 0,
    decodedTokens: 0,
  };
}

/** Let an output show what the worker writes into these regions of the shared memory. */
export function viewOutput(output: MemberOutput, regions: OutputRegions, shared: SharedMemory, tokens: number): void {
  output.topIds = shared.int32(regions.topIds, regions.top);
  output.topLogits = shared.float32(regions.topLogits, regions.top);
  output.projection = shared.float64(regions.projection, regions.projectionSize);
  output.hidden = shared.float32(regions.hidden, regions.hiddenSize);
  const normalisers = shared.float64(regions.branchNormalisers, regions.branches);
  output.branches = Array.from({ length: regions.branches }, (_, branch) => ({
    logits: shared.float32(regions.branchLogits + 4 * tokens * branch, tokens),
    get logNormaliser() {
      return normalisers[branch];
    },
  }));
}
