/** How a scripted member looks ahead (Member.draft, Member.verify, Member.assess): the script is asked for every text in question. */

import { logSumExp } from "../../statistics.js";
import { byteKey, TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type {
  Assessment,
  Draft,
  DraftOptions,
  Place,
  Prospect,
  ProspectScore,
  Saying,
  Verdict,
  Verification,
} from "../member.js";
import { sharedPrefix } from "./checks.js";
import type { ScriptedText } from "./text.js";

type Script = (text: ScriptedText) => Float32Array;

/** What looking ahead needs of a member. */
export interface Looking {
  vocabulary: Vocabulary;
  contextSize: number;
  /** What has to be said first is masked. */
  script: Script;
  /** Nothing is. */
  plain: Script;
}

export function draftBehind(
  start: ScriptedText,
  count: number,
  { behind: { bytes, ids } = {}, others = 0, logits: wantsLogits = false }: DraftOptions,
  { vocabulary, contextSize, script }: Looking,
): Draft {
  const sayings: Saying[] = [];
  let text = bytes === undefined || bytes.length === 0 ? start : start.withText(bytes);
  if (ids !== undefined) text = text.withTokens(ids);
  let logits: Float32Array | undefined;
  let startsFragment = text.atFragmentStart;
  while (sayings.length < count && text.tokens.length <= contextSize) {
    logits = script(text);
    startsFragment = text.atFragmentStart;
    const [saying, ...more] = likeliest(logits, vocabulary, startsFragment, 1 + others);
    sayings.push(others > 0 ? { ...saying, others: more } : saying);
    if (saying.id < 0) break;
    text = text.withTokens([saying.id]);
  }
  const decodedTokens = Math.max(0, sayings.length - 1);
  return { sayings, logits: wantsLogits ? logits : undefined, startsFragment, decodedTokens };
}

export function assessBehind(
  text: ScriptedText,
  prospects: readonly Prospect[],
  { vocabulary, contextSize, plain: script }: Looking,
): Assessment {
  let decodedTokens = 0;
  const scores = prospects.map(({ bytes, behind, ends }): ProspectScore | undefined => {
    const before = behind === undefined || behind.length === 0 ? text : text.withText(behind);
    const whole = bytes.length === 0 ? before : before.withText(bytes);
    if (whole.tokens.length > contextSize) return undefined;
    const first = Math.max(1, sharedPrefix(before.tokens, whole.tokens));
    const read = (of: ScriptedText) => {
      let at = of.upTo(first);
      return of.tokens.slice(first).map((id) => {
        const logits = script(at);
        at = at.withTokens([id]);
        return { id, logit: logits[id], logProb: logits[id] - logSumExp(logits) };
      });
    };
    const found = read(whole);
    decodedTokens += found.length;
    const logProbs = Float64Array.from(found, ({ logProb }) => logProb);
    if (logProbs.length > 0) logProbs[0] -= read(before).reduce((sum, { logProb }) => sum + logProb, 0);
    const last = ends ? script(whole) : undefined;
    return {
      ids: Int32Array.from(found, ({ id }) => id),
      logProbs,
      logits: Float32Array.from(found, ({ logit }) => logit),
      ...(last && { endLogProb: logSumExp(vocabulary.endTokens.map((id) => last[id])) - logSumExp(last) }),
    };
  });
  return { scores, decodedTokens };
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
    return { likeliest: likeliest(logits, vocabulary, atFragmentStart, 1)[0], logProb };
  }
}

/** So many of the likeliest sayings, best first: text tokens, the lowest id among equals, and the end before its equals. */
function likeliest(logits: Float32Array, vocabulary: Vocabulary, startsFragment: boolean, count: number): Saying[] {
  const all = logSumExp(logits);
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++)
    if (vocabulary.classOf(id) === TokenClass.text && vocabulary.bytesOf(id).length > 0) ids.push(id);
  ids.sort((a, b) => logits[b] - logits[a] || a - b);
  const sayings: Saying[] = ids.slice(0, count).map((id) => {
    const bytes = vocabulary.bytesOf(id);
    return { id, bytes: startsFragment ? textAtFragmentStart(bytes) : bytes, logProb: logits[id] - all };
  });
  const end = logSumExp(vocabulary.endTokens.map((id) => logits[id])) - all;
  const place = sayings.findIndex(({ logProb }) => end >= logProb);
  sayings.splice(place < 0 ? sayings.length : place, 0, { id: -1, bytes: new Uint8Array(), logProb: end });
  return sayings.slice(0, count);
}
