import type { MemberOutput } from "../member.js";

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
