/** What an answer is: the text, why it ended, what it took. The same for fusion, routers and whatever else answers. */

import type { MethodReport } from "../during/method.js";
import type { Member } from "../member/member.js";
import { randomSeed } from "../random.js";
import type { DroppedMember } from "./member-failure.js";
import type { SpeculationReport } from "./speculation.js";
import type { StepTimes } from "./step-clock.js";
import type { ToolCall } from "./tools/tools.js";
import type { ChosenPiece, TraceStep } from "./trace.js";

/**
 * `stop`: the members or a stop string ended the answer; `tool-calls`: they did, and it calls tools; `length`: maxTokens or a full
 * context did.
 */
export type FinishReason = "stop" | "length" | "aborted" | "tool-calls";

/** What an answer took of the models. Prices are the caller's to multiply by. */
export interface AnswerCost {
  /** Tokens that all members evaluated: prompts, answers, and what was decoded again after a roll-back. */
  tokens: number;
  /** Σ over the members of parameters · tokens: in proportion to the multiplications. */
  parameterTokens: number;
}

export interface GenerateResult {
  text: string;
  /**
   * What members thought before the answer, by their names in the ensemble's order; absent where nobody did. Where one text
   * is wanted, it is the first one's (`mainReasoning`).
   */
  reasoning?: Record<string, string>;
  finishReason: FinishReason;
  /** With `tools`: what the answer calls, in its order; absent where it calls none. The text is the rest of the answer. */
  toolCalls?: ToolCall[];
  /** With `format`, or `tools`: whether the text ends before it has its form (maxTokens, a full context, a stop string, a cancel). */
  incomplete?: true;
  /** The method or router that answered. */
  method: string;
  cost: AnswerCost;
  /** The sampler's seed, given or drawn. */
  seed: number;
  usage: {
    /** Tokens of the prompt, summed over the members. */
    promptTokens: number;
    /** Tokens of the prompt that each member read. */
    memberPromptTokens: Record<string, number>;
    /** Fused decisions. */
    steps: number;
    /** Tokens of the answer, as maxTokens counts them; where a step says several. Absent: as many as there are steps. */
    tokens?: number;
    /** Tokens that each member decoded after the prompt: thoughts, the answer, and what was decoded again after a roll-back. */
    memberTokens: Record<string, number>;
    /** Of these, the tokens decoded for thoughts; absent where nobody thought. */
    reasoningTokens?: Record<string, number>;
  };
  timings: {
    /** With `speculation: "auto"`, where the method decodes one text per member. */
    speculation?: SpeculationReport;
    /** From the request to the first distribution, without the thoughts: rendering, tokenising, prefill. */
    promptMs: number;
    /** What the thoughts took; absent where nobody thought. */
    thinkingMs?: number;
    stepsPerSecond: number;
    /** Tokens of the first member's answer per second. */
    tokensPerSecond: number;
    msPerStep: StepTimes;
  };
  /** With `onMemberFailure: "continue"`: the members that failed, and the answer was finished without. */
  dropped?: DroppedMember[];
  trace?: TraceStep[];
  /** What the method says of its own work: `bytes` reports model calls, and the share of weight that pruning dropped. */
  report?: MethodReport;
  /** With `logProbs`: what was chosen, in order; the end too, where the members ended the answer. */
  pieces?: ChosenPiece[];
}

export interface StreamChunk {
  /** New text; may be empty where a step completes no character or may yet become a stop string. */
  text: string;
  /** What a member thinks, piece by piece, before the first text of the answer; its name and the new text. */
  reasoning?: ReasoningPiece;
  /** With `trace`: what was said at this step. */
  step?: TraceStep;
  /** Calls of tools that are whole with this chunk; their text is in no chunk. */
  toolCalls?: readonly ToolCall[];
}

/** A piece of what one member thinks. */
export interface ReasoningPiece {
  member: string;
  text: string;
}

/** Of the members' thoughts the first one's, in the order of the ensemble; undefined where nobody thought. */
export function mainReasoning(result: Pick<GenerateResult, "reasoning">): string | undefined {
  return Object.values(result?.reasoning ?? {})[0];
}

/** Errors: none. Tokens by member name, of the prompt and after it. */
export function costOf(
  members: readonly Pick<Member, "name" | "identity">[],
  { memberPromptTokens, memberTokens }: Pick<GenerateResult["usage"], "memberPromptTokens" | "memberTokens">,
): AnswerCost {
  let tokens = 0;
  let parameterTokens = 0;
  for (const member of members) {
    const { name } = member;
    const own = (memberPromptTokens[name] ?? 0) + (memberTokens[name] ?? 0);
    tokens += own;
    parameterTokens += own * member.identity().costs.parameters;
  }
  return { tokens, parameterTokens };
}

/** What several answers took together. */
export function totalUsage(answers: readonly Pick<GenerateResult, "usage">[]): GenerateResult["usage"] {
  const usages = answers.map(({ usage }) => usage);
  const thoughts = usages.flatMap(({ reasoningTokens }) => (reasoningTokens === undefined ? [] : [reasoningTokens]));
  return {
    promptTokens: usages.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    memberPromptTokens: sumByName(usages.map(({ memberPromptTokens }) => memberPromptTokens)),
    steps: usages.reduce((sum, { steps }) => sum + steps, 0),
    memberTokens: sumByName(usages.map(({ memberTokens }) => memberTokens)),
    ...(thoughts.length > 0 && { reasoningTokens: sumByName(thoughts) }),
  };
}

/** What several answers cost together. */
export function totalCost(costs: readonly AnswerCost[]): AnswerCost {
  return {
    tokens: costs.reduce((sum, { tokens }) => sum + tokens, 0),
    parameterTokens: costs.reduce((sum, { parameterTokens }) => sum + parameterTokens, 0),
  };
}

function sumByName(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const count of counts)
    for (const [name, tokens] of Object.entries(count)) sums[name] = (sums[name] ?? 0) + tokens;
  return sums;
}

/** The answer to a request that was cancelled before any member was asked. */
export function abortedAnswer(method: string, seed = randomSeed()): GenerateResult {
  return {
    text: "",
    finishReason: "aborted",
    method,
    seed,
    cost: { tokens: 0, parameterTokens: 0 },
    usage: { promptTokens: 0, memberPromptTokens: {}, steps: 0, memberTokens: {} },
    timings: {
      promptMs: 0,
      stepsPerSecond: 0,
      tokensPerSecond: 0,
      msPerStep: { decode: 0, fuse: 0, sync: 0 },
    },
  };
}
