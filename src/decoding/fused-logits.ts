/** The logits of a fused distribution, which has none of its own, and the pieces that stand before it. */
import type { FusedDistribution, Voice } from "../during/method.js";
import type { Member } from "../member/member.js";
import { TokenClass } from "../vocabulary/vocabulary.js";

/**
 * ln Z of z(u) = ln p(u) + ln Z: the distribution's own, or else Σ w_i ln Z_i of the members that have an output, their
 * weights made to sum to 1. So one member's z are its own logits, and a product of distributions has Σ w_i z_i up to a
 * constant. `before`: of the last step, where no member has an output.
 */
export function logNormaliserOf(distribution: FusedDistribution, voices: readonly Voice[], before: number): number {
  if (distribution.logNormaliser !== undefined) return distribution.logNormaliser;
  let sum = 0;
  let weights = 0;
  for (const { member, weight } of voices) {
    if (!member.hasOutput) continue;
    sum += weight * member.output.logNormaliser;
    weights += weight;
  }
  return weights > 0 ? sum / weights : before;
}

/** The last tokens that a member holds: their bytes, or the ids of those that are no text. */
export async function lastPieces(member: Member, count: number): Promise<(Uint8Array | number)[]> {
  const { vocabulary } = member;
  const ids = await member.cachedTokens();
  return Array.from(ids.subarray(Math.max(0, ids.length - count)), (id) =>
    vocabulary.classOf(id) === TokenClass.text ? vocabulary.bytesOf(id) : id,
  );
}
