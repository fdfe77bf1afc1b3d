/** How a scripted member looks ahead (Member.draft, Member.verify): the script is asked for every text in question. */
import { TokenClass, type Vocabulary } from "../vocabulary/vocabulary.js";
import type { Draft, Place, Saying, Verification } from "./member.js";
import { logSumExp } from "./scripted-output.js";
import type { ScriptedText } from "./scripted-text.js";

type Script = (text: ScriptedText) => Float32Array;

export function draftBehind(
  start: ScriptedText,
  count: number,
  room: number,
  vocabulary: Vocabulary,
  script: Script,
): Draft {
  const sayings: Saying[] = [];
  for (let text = start; sayings.length < Math.min(count, room - start.tokens.length + 1); ) {
    const saying = likeliest(script(text), vocabulary);
    sayings.push(saying);
    if (saying.id < 0) break;
    text = text.withTokens([saying.id]);
  }
  return { sayings, decodedTokens: Math.max(0, sayings.length - 1) };
}

/** `text`: the whole one, of which the last `length` bytes are asked about. */
export function verifyWithin(
  text: ScriptedText,
  length: number,
  places: readonly Place[],
  vocabulary: Vocabulary,
  script: Script,
): Verification {
  const verdicts = places.map(({ at, ids }) => {
    const before = text.before(length - at);
    if (before === undefined || before.tokens.length === 0) return undefined;
    const logits = script(before);
    const logProb = logSumExp(ids.map((id) => logits[id])) - logSumExp(logits);
    return { likeliest: likeliest(logits, vocabulary), logProb };
  });
  return { verdicts, decodedTokens: verdicts.filter((verdict) => verdict !== undefined).length };
}

function likeliest(logits: Float32Array, vocabulary: Vocabulary): Saying {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (vocabulary.classOf(id) !== TokenClass.text || vocabulary.bytesOf(id).length === 0) continue;
    if (best < 0 || logits[id] > logits[best]) best = id;
  }
  const text = best < 0 ? Number.NEGATIVE_INFINITY : logits[best];
  const end = logSumExp(vocabulary.endTokens.map((id) => logits[id]));
  const id = end >= text ? -1 : best;
  return { id, logProb: (id < 0 ? end : text) - logSumExp(logits) };
}
