/** The output of a scripted member: what a real member computes from its logits, in plain float64 arithmetic. */
import { LlamafuseError } from "../../errors.js";
import { logSumExp } from "../../statistics.js";
import { TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { MemberOutput, Preparation } from "../member.js";

/** What a script gave, as float32. Errors: member-failed for another number of logits, invalid-logits. */
export function checkedLogits(member: string, vocabulary: Vocabulary, given: ArrayLike<number>): Float32Array {
  const logits = Float32Array.from(given);
  if (logits.length !== vocabulary.size) {
    throw new LlamafuseError(
      "member-failed",
      `The script of member "${member}" gave ${logits.length} logits for a vocabulary of ${vocabulary.size} tokens.`,
      { member, found: logits.length, allowed: vocabulary.size },
    );
  }
  const token = logits.findIndex((logit) => !Number.isFinite(logit));
  if (token < 0) return logits;
  throw new LlamafuseError(
    "invalid-logits",
    `Member "${member}" gave the logit ${logits[token]} for token ${token}. Its distribution cannot be used.`,
    { member, token, found: String(logits[token]) },
  );
}

/** Everything of MemberOutput but the timings, in fresh arrays. */
export function prepareOutput(
  logits: Float32Array,
  vocabulary: Vocabulary,
  { top, projection }: Preparation,
  hidden: Float32Array,
): MemberOutput {
  const logNormaliser = logSumExp(logits);
  const topIds = mostProbable(logits, vocabulary, top);
  return {
    logNormaliser,
    endLogProb: logSumExp(vocabulary.endTokens.map((id) => logits[id])) - logNormaliser,
    topCount: topIds.length,
    topIds,
    topLogits: Float32Array.from(topIds, (id) => logits[id]),
    logits,
    projection: projection === undefined ? new Float64Array() : project(logits, logNormaliser, projection),
    hidden,
    branches: [],
    decodeMs: 0,
    prepareMs: 0,
    decodedTokens: 0,
  };
}

/** Text and end tokens, best first, ties to the lowest id. */
export function mostProbable(logits: ArrayLike<number>, vocabulary: Vocabulary, top: number): Int32Array {
  const ids: number[] = [];
  if (top === 0) return new Int32Array();
  for (let id = 0; id < vocabulary.size; id++) {
    const tokenClass = vocabulary.classOf(id);
    if (tokenClass === TokenClass.text || tokenClass === TokenClass.end) ids.push(id);
  }
  return Int32Array.from(ids.sort((a, b) => logits[b] - logits[a] || a - b).slice(0, top));
}

function project(
  logits: ArrayLike<number>,
  logNormaliser: number,
  { map, size }: { map: Int32Array; size: number },
): Float64Array {
  const entries = new Float64Array(size);
  for (let id = 0; id < map.length; id++) {
    if (map[id] >= 0) entries[map[id]] += Math.exp(logits[id] - logNormaliser);
  }
  return entries;
}
