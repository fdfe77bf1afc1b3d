/** What others see of a scripted member that offers less than all: its likeliest tokens, or not even their strings' logits. */
import { logSumExp } from "../../statistics.js";
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Lookup, MemberOutput } from "../member.js";
import type { MemberOffers } from "../offers.js";
import { pooledLogit } from "../readings.js";
import { mostProbable } from "./output.js";
import type { ScriptedTokenizer } from "./tokenizer.js";

/**
 * The logits as `lookup` tells them: as they are, or log-probabilities where there are no `logits`, and -Infinity for what
 * is not among the `topDepth` likeliest where `lookup` is "top".
 */
export function seenLogits(
  logits: Float32Array,
  vocabulary: Vocabulary,
  { logits: all, lookup, topDepth }: MemberOffers,
): Float32Array {
  const normaliser = all ? 0 : logSumExp(logits);
  if (lookup === "all") return all ? logits : logits.map((logit) => logit - normaliser);
  const seen = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  for (const id of mostProbable(logits, vocabulary, topDepth)) seen[id] = logits[id] - normaliser;
  return seen;
}

/** An output without the logits, its top tokens with log-probabilities, the end as far as it is among the likeliest. */
export function withoutLogits(
  output: MemberOutput,
  logits: Float32Array,
  vocabulary: Vocabulary,
  { topDepth }: MemberOffers,
): MemberOutput {
  const { logNormaliser, topIds } = output;
  const listed = new Set(mostProbable(logits, vocabulary, topDepth));
  const ends = vocabulary.endTokens.filter((id) => listed.has(id)).map((id) => logits[id]);
  return {
    ...output,
    logits: new Float32Array(),
    logNormaliser: 0,
    topLogits: Float32Array.from(topIds, (id) => logits[id] - logNormaliser),
    endLogProb: logSumExp(ends) - logNormaliser,
  };
}

export function lookUpId(id: number, vocabulary: Vocabulary, seen: ArrayLike<number>): Lookup {
  vocabulary.checkId(id);
  return { id, own: true, logit: seen[id] };
}

export function lookUpBytes(
  bytes: Uint8Array,
  vocabulary: Vocabulary,
  seen: Float32Array,
  { tokenizer, atFragmentStart }: { tokenizer: ScriptedTokenizer; atFragmentStart: boolean },
): Lookup {
  const ids = vocabulary.idsOf(byteKey(bytes), atFragmentStart);
  if (ids.length > 0) {
    const id = ids.reduce((best, other) => (seen[other] > seen[best] ? other : best));
    return { id, own: true, logit: pooledLogit(seen, ids) };
  }
  const id = tokenizer.encode(bytes, atFragmentStart)[0] ?? -1;
  return { id, own: false, logit: id < 0 ? Number.NEGATIVE_INFINITY : seen[id] };
}
