/** How a scripted member looks ahead (Member.draft, Member.verify): the script is asked for every text in question. */

import { logSumExp } from "../../statistics.js";
import { byteKey, TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Draft, Place, Saying, Verdict, Verification } from "../member.js";
import type { ScriptedText } from "./text.js";

type Script = (text: ScriptedText) => Float32Array;

/** What looking ahead needs of a member. */
export interface Looking {
  vocabulary: Vocabulary;
  contextSize: number;
  script: Script;
}

export function draftBehind(start: ScriptedText, count: number, { vocabulary, contextSize, script }: Looking): Draft {
  const sayings: Saying[] = [];
  for (let text = start; sayings.length < count && text.tokens.length <= contextSize; ) {
    const saying = likeliest(script(text), vocabulary, text.atFragmentStart);
    sayings.push(saying);
    if (saying.id < 0) break;
    text = text.withTokens([saying.id]);
  }
  return { sayings, decodedTokens: Math.max(0, sayings.length - 1) };
}

export function verifyWithin(
  text: ScriptedText,
  bytes: Uint8Array,
  places: readonly Place[],
  { vocabulary, contextSize, script }: Looking,
): Verification {
  const whole = text.withText(bytes);
  const verdicts: Verification["verdicts"] = [];
  for (const { at, bytes: asked } of places) {
    const before = whole.before(bytes.length - at);
    if (before !== undefined && before.tokens.length > contextSize) break;
    verdicts.push(before === undefined || before.tokens.length === 0 ? undefined : verdictAt(before, asked));
  }
  return { verdicts, decodedTokens: verdicts.filter((verdict) => verdict !== undefined).length };

  function verdictAt(before: ScriptedText, asked: Uint8Array | undefined): Verdict {
    const logits = script(before);
    const { atFragmentStart } = before;
    const ids = asked === undefined ? vocabulary.endTokens : vocabulary.idsOf(byteKey(asked), atFragmentStart);
    const logProb = logSumExp(ids.map((id) => logits[id])) - logSumExp(logits);
    return { likeliest: likeliest(logits, vocabulary, atFragmentStart), logProb };
  }
}

function likeliest(logits: Float32Array, vocabulary: Vocabulary, startsFragment: boolean): Saying {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (vocabulary.classOf(id) !== TokenClass.text || vocabulary.bytesOf(id).length === 0) continue;
    if (best < 0 || logits[id] > logits[best]) best = id;
  }
  const all = logSumExp(logits);
  const end = logSumExp(vocabulary.endTokens.map((id) => logits[id])) - all;
  if (best < 0 || end >= logits[best] - all) return { id: -1, bytes: new Uint8Array(), logProb: end };
  const bytes = vocabulary.bytesOf(best);
  return { id: best, bytes: startsFragment ? textAtFragmentStart(bytes) : bytes, logProb: logits[best] - all };
}
