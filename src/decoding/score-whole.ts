/**
 * The log-likelihood of a text from its very beginning, of any length. A text that exceeds the members' contexts is scored in
 * windows: each window follows the last half of what the members held before it, so that every piece is predicted from half
 * a context at least (strided perplexity, as is usual for one model).
 *
 * The beginning is the members' beginning-of-text token or, for a vocabulary without one, an end token, which separates texts
 * where such models are trained. The end of the text is not counted.
 */

import type { Voice } from "../during/method.js";
import type { ChosenMethod } from "../during/methods.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { settleAll } from "../settle-all.js";
import { isUtf8Continuation } from "../vocabulary/utf8.js";
import { TokenClass } from "../vocabulary/vocabulary.js";
import type { Machinery } from "./loop.js";
import { scoreAfter, type TextScore } from "./score.js";

/** Room for the tokens by which a cut text can be longer than the same text in one piece. */
const SPARE_TOKENS = 4;
/** What stands before a text, or the tokens that are given with it. */
const NOTHING: MemberPrompt = { text: new Uint8Array(), parseSpecial: false, addBos: true };

export interface WholeScore extends Pick<TextScore, "memberLogProbs" | "report"> {
  /** ln p(text) in nats. */
  logProb: number;
}

/** Errors: as scoreText. */
export async function scoreWhole(
  voices: readonly Voice[],
  method: ChosenMethod,
  machinery: Machinery,
  text: Uint8Array,
  signal: AbortSignal,
): Promise<WholeScore> {
  const beginnings = await settleAll(voices.map(({ member }) => beginningOf(member)));
  if (method.saysBytes) return await scoreAfter(voices, method, machinery, beginnings, text, signal);
  let sum = 0;
  for (let from = 0, context = 0; from < text.length && sum > Number.NEGATIVE_INFINITY; ) {
    const held = text.subarray(context);
    const ends = await settleAll(voices.map(({ member }) => fitting(member, held)));
    const end = context + Math.min(...ends);
    const prompt: MemberPrompt = { text: text.subarray(context, from), parseSpecial: false, addBos: true };
    const prompts = from === context ? beginnings : voices.map(() => prompt);
    sum += (await scoreAfter(voices, method, machinery, prompts, text.subarray(from, end), signal)).logProb;
    context = end - ((end - context) >> 1);
    while (isUtf8Continuation(text[context])) context++;
    from = end;
  }
  return { logProb: sum };
}

/** ln p(text) under one member in the tokens that it cuts the text into. Errors: aborted, those of the member. */
export async function scoreTokens(member: Member, text: Uint8Array, signal: AbortSignal): Promise<number> {
  const ids = Array.from(await member.tokenize(text, { addBos: true }));
  const first = ids.findIndex((id) => member.vocabulary.classOf(id) === TokenClass.text);
  const own = first < 0 ? [] : ids.slice(first);
  const beginning = first > 0 ? ids.slice(0, first) : ((await beginningOf(member)).tokens ?? []);
  await member.prepare({ top: 0 });
  const room = member.contextSize - beginning.length;
  let logProb = 0;
  for (let from = 0, context = 0; from < own.length; ) {
    const end = Math.min(context + room, own.length);
    const tokens = [...beginning, ...own.slice(context, end)];
    const scored = await member.scorePrompt({ ...NOTHING, tokens }, signal);
    for (let at = from; at < end; at++) logProb += scored.logProbs[beginning.length + at - context] || 0;
    context = end - (room >> 1);
    from = end;
  }
  return logProb;
}

/** The prompt behind which a text begins. */
async function beginningOf(member: Member): Promise<MemberPrompt> {
  const found = await member.tokenize(NOTHING.text, NOTHING);
  if (found.length > 0) return NOTHING;
  return { ...NOTHING, tokens: member.vocabulary.endTokens.slice(0, 1) };
}

/** How many bytes of a text fit the member's context, in whole characters. */
async function fitting(member: Member, text: Uint8Array): Promise<number> {
  const { vocabulary, contextSize } = member;
  const ids = await member.tokenize(text, { addBos: true });
  if (ids.length <= contextSize - SPARE_TOKENS) return text.length;
  // From behind, so that a space that the tokenizer put before the text is not counted.
  let end = text.length;
  for (const id of ids.slice(contextSize - SPARE_TOKENS)) end -= vocabulary.bytesOf(id).length;
  while (end > 0 && isUtf8Continuation(text[end])) end--;
  return Math.max(end, 1);
}
