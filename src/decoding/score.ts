/**
 * The log-likelihood of a given text: a method is led through it step by step, and says how probable each piece was.
 *
 *     ln p(text | prompt) = Σ_i ln p_i(u_i),   u_1 u_2 … u_n = text
 *
 * p_i is the method's distribution after prompt and u_1 … u_{i−1}, complete (not cut to what a greedy run needs). The
 * pieces u_i are tokens as the members cut the prompt with the text behind it: of those that begin at this place the
 * longest that the distribution has, so for one member the sum is that of its own tokens, as usual (of several tokens
 * with the same bytes the likeliest). Where no member's token begins at this place, because it holds the prompt's end as
 * well, or the distribution has none of them, the longest entry that the rest of the text begins with is taken; where
 * there is none either, the likelihood is 0. This is one way of cutting the text, not the sum over all ways, as is usual
 * for one model; which pieces are taken for several members is ours.
 *
 * Of a conversation, the text is an answer: thinking is off unless the request says otherwise, and a member that begins a
 * thought all the same has it closed before.
 *
 * A method that fuses only the members' best candidates (unite) cannot say what lies outside of them: raise its k where
 * texts of likelihood 0 appear.
 */

import type { FusedDistribution, MethodContext, MethodReport, Voice } from "../during/method.js";
import type { ChosenMethod } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { settleAll } from "../settle-all.js";
import type { Machinery } from "./loop.js";
import { type RenderedPrompt, renderPrompts } from "./prompt.js";
import type { CheckedScoring } from "./request.js";
import { type AnswerCost, costOf } from "./result.js";
import { advanceAll, beginAll } from "./schedule.js";
import { Prologue } from "./thinking/prologue.js";
import { type ChosenPiece, chosenPiece, type TraceFused, topPieces } from "./trace.js";

/** A piece of a text that is scored. */
export interface ScoredPiece extends ChosenPiece {
  /** With `top`: the most probable entries at this place, best first. */
  fused?: TraceFused[];
}

export interface TextScore {
  /** The method or router that was asked. */
  method: string;
  cost: AnswerCost;
  /** ln p(text | prompt) in nats; -Infinity where the method cannot say it. */
  logProb: number;
  /** The pieces in order, up to the first that cannot be said. */
  pieces: ScoredPiece[];
  /** With `top`, where the rest cannot be said: the most probable entries in its place. */
  instead?: TraceFused[];
  /** ln p(text | prompt) under each member alone, where the method is one of bytes. */
  memberLogProbs?: Record<string, number>;
  /** See MethodRun.report. */
  report?: MethodReport;
  usage: {
    /** Tokens of the prompt that each member read. */
    memberPromptTokens: Record<string, number>;
    /** Tokens that each member decoded after the prompt. */
    memberTokens: Record<string, number>;
  };
}

/** A text that has been checked. Errors: context-overflow, aborted, and those of the method and the members. */
export async function scoreText(
  voices: readonly Voice[],
  method: ChosenMethod,
  { schedule, combiner }: Machinery,
  { prompt, text, options }: CheckedScoring,
  signal: AbortSignal,
): Promise<TextScore> {
  const rendered = await renderPrompts(prompt, voices, { thinking: "off", ...options }, signal);
  const prompts = rendered.map((each) => ({ ...each.prompt, reuse: options.reusePrompt }));
  const bytes = new TextEncoder().encode(text);
  return await scoreAfter(voices, method, { schedule, combiner }, prompts, bytes, signal, rendered, options.top);
}

/**
 * A text after each member's own form of a prompt; `rendered` says how it may think first, `top` how many entries of each
 * distribution are reported. Errors: as `scoreText`.
 */
export async function scoreAfter(
  voices: readonly Voice[],
  method: ChosenMethod,
  { schedule, combiner, memory }: Machinery,
  prompts: readonly MemberPrompt[],
  bytes: Uint8Array,
  signal: AbortSignal,
  rendered: readonly RenderedPrompt[] = [],
  top = 0,
): Promise<TextScore> {
  const members = voices.map(({ member }) => member);
  const memberTokens = Object.fromEntries(voices.map(({ member }) => [member.name, 0]));
  const context: MethodContext = {
    voices,
    greedy: false,
    traceTop: 0,
    combiner,
    memory,
    async advance(advancing) {
      const members = advancing.map(({ member }) => member);
      await advanceAll(members, schedule);
      for (const member of members) memberTokens[member.name] += member.output.decodedTokens;
    },
  };
  const checkpoint = () => {
    if (signal.aborted) throw new LlamafuseError("aborted", "Scoring was cancelled.", {}, signal.reason);
  };
  checkpoint();
  const cutters = method.saysBytes ? [] : voices;
  const cuts = await settleAll(cutters.map(({ member }, index) => tokenEnds(member, prompts[index], bytes)));
  const start = async (begun: readonly MemberPrompt[], thoughts: Prologue["ranges"] = []) => {
    const behind = voices.map((voice, index) => ({ ...voice, thought: thoughts[index] }));
    const run = method.create(thoughts.length === 0 ? context : { ...context, voices: behind });
    await run.prepare();
    return { run, promptTokens: await beginAll(members, begun, schedule, signal) };
  };
  let { run, promptTokens } = await start(prompts);
  const { length: maxTokens } = bytes;
  const prologue = new Prologue({ voices, rendered, schedule, maxTokens, sampling: {}, seed: 0, signal });
  if (prologue.findThinkers()) {
    for await (const _ of prologue.pieces()) checkpoint();
    ({ run } = await start(prologue.prompts, prologue.ranges));
    for (const { member } of voices) memberTokens[member.name] += prologue.tokens[member.name];
  }
  const pieces: ScoredPiece[] = [];
  let logProb = 0;
  let instead: TraceFused[] | undefined;
  let alone: number[] | undefined;
  for (let at = 0; at < bytes.length; ) {
    checkpoint();
    const distribution = await run.step();
    const { said } = distribution;
    const ends = cuts.map((cut) => cut.get(at));
    const entry = entryToForce(distribution, bytes, at, ends);
    if (entry < 0) {
      logProb = Number.NEGATIVE_INFINITY;
      if (top > 0) instead = topPieces(distribution, top);
      break;
    }
    if (said !== undefined) {
      alone ??= voices.map(() => 0);
      for (const [voice, own] of said.entries())
        alone[voice] += Math.log(own ? own.probabilities[entry] / own.mass : 0);
    }
    const piece = chosenPiece(distribution, entry);
    pieces.push(top > 0 ? { ...piece, fused: topPieces(distribution, top) } : piece);
    logProb += piece.logProb;
    at += distribution.bytesOf(entry).length;
    if (at < bytes.length) await run.accept(entry);
  }
  const memberPromptTokens = Object.fromEntries(voices.map(({ member }, index) => [member.name, promptTokens[index]]));
  const usage = { memberPromptTokens, memberTokens };
  const report = run.report?.();
  return {
    method: method.info.name,
    cost: costOf(members, usage),
    logProb,
    pieces,
    ...(instead && { instead }),
    ...(alone && { memberLogProbs: Object.fromEntries(members.map(({ name }, index) => [name, alone[index]])) }),
    ...(report && { report }),
    usage,
  };
}

/** Where the member's tokens of the text begin → where they end, in bytes of the text. Errors: context-overflow. */
async function tokenEnds(member: Member, prompt: MemberPrompt, text: Uint8Array): Promise<Map<number, number>> {
  // What is scored is text, also where it spells a special token.
  const letters = [...(prompt.letters ?? []), prompt.text.length, prompt.text.length + text.length];
  const { parseSpecial, addBos } = prompt;
  const ids = await member.tokenize(Buffer.concat([prompt.text, text]), { parseSpecial, addBos, letters });
  if (ids.length > member.contextSize) {
    throw new LlamafuseError(
      "context-overflow",
      `Prompt and text are ${ids.length} tokens for member "${member.name}"; its context holds ${member.contextSize}. Shorten them or raise contextSize.`,
      { member: member.name, found: ids.length, allowed: member.contextSize, option: "contextSize" },
    );
  }
  const ends = new Map<number, number>();
  // From behind, so that a space that the tokenizer put before the prompt is not counted.
  for (let token = ids.length - 1, end = text.length; token >= 0 && end > 0; token--) {
    const start = end - member.vocabulary.bytesOf(ids[token]).length;
    if (start >= 0 && start < end) ends.set(start, end);
    end = start;
  }
  return ends;
}

/** The entry that continues the text at this place, or -1. */
function entryToForce(
  distribution: FusedDistribution,
  text: Uint8Array,
  at: number,
  ends: readonly (number | undefined)[],
): number {
  let longest = -1;
  let longestEnd = at;
  let preferred = -1;
  let preferredEnd = at;
  const { size, probabilities, endEntry } = distribution;
  for (let entry = 0; entry < size; entry++) {
    const probability = probabilities[entry];
    if (!(probability > 0) || entry === endEntry) continue;
    const bytes = distribution.bytesOf(entry);
    const end = at + bytes.length;
    if (end <= at || end > text.length || end < Math.min(longestEnd, preferredEnd)) continue;
    if (bytes[0] !== text[at] || !matches(text, at, bytes)) continue;
    if (end > longestEnd || (end === longestEnd && probability > probabilities[longest])) {
      longest = entry;
      longestEnd = end;
    }
    if (!ends.includes(end)) continue;
    if (end > preferredEnd || (end === preferredEnd && probability > probabilities[preferred])) {
      preferred = entry;
      preferredEnd = end;
    }
  }
  return preferred >= 0 ? preferred : longest;
}

function matches(text: Uint8Array, at: number, bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => text[at + index] === byte);
}
