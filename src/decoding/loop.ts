/**
 * The fused loop: members advance, the method fuses, the sampler chooses, the chosen bytes go back to all.
 *
 * Everything that a user sees (text without cut characters, stop strings, the trace) happens beside the hot path, on the
 * chosen bytes alone.
 */
import type { Combiner } from "../during/combine.js";
import type { MethodContext, Voice } from "../during/method.js";
import type { ChosenMethod } from "../during/methods.js";
import { advanceAll, eachMember, type Schedule } from "../ensemble/plan.js";
import { LlamafuseError } from "../errors.js";
import type { MemberPrompt } from "../member/member.js";
import { MAX_TOP } from "../member/offers.js";
import { AnswerText } from "./answer-text.js";
import { type PromptInput, renderPrompt } from "./prompt.js";
import { Sampler } from "./sampler.js";
import type { SamplerOptions } from "./sampler-options.js";
import { StepClock, type StepTimes } from "./step-clock.js";
import { checkStopStrings } from "./stop-rules.js";
import { type ChosenPiece, chosenPiece, describeStep, type TraceStep } from "./trace.js";

export interface GenerateOptions extends SamplerOptions {
  /** Steps at most. Default 256. 0 gives an empty answer. */
  maxTokens?: number;
  /** Texts that end the answer; they are not part of it. */
  stop?: string | readonly string[];
  /** Ends the answer between two steps; what there is by then is returned. */
  signal?: AbortSignal;
  /** Record what every member said at every step: `true` for the 5 best candidates each, or how many. */
  trace?: boolean | number;
  /** Report what was chosen at every step, with its log-probability, as `pieces` of the result. Default false. */
  logProbs?: boolean;
  /**
   * Keep the members' caches where this prompt begins like the last one: the next turn of a chat starts sooner. Default
   * false, because decoding in other batches changes the last bits of the logits, and a seed is to repeat a run exactly.
   */
  reusePrompt?: boolean;
}

/** `stop`: the members or a stop string ended the answer; `length`: maxTokens or a full context did. */
export type FinishReason = "stop" | "length" | "aborted";

export interface GenerateResult {
  text: string;
  finishReason: FinishReason;
  method: string;
  /** The sampler's seed, given or drawn. */
  seed: number;
  usage: {
    /** Tokens of the prompt, summed over the members. */
    promptTokens: number;
    /** Tokens of the prompt that each member read. */
    memberPromptTokens: Record<string, number>;
    /** Fused decisions. */
    steps: number;
    /** Tokens that each member decoded after the prompt, those decoded again after a roll-back included. */
    memberTokens: Record<string, number>;
  };
  timings: {
    /** From the request to the first distribution: rendering, tokenising, prefill. */
    promptMs: number;
    stepsPerSecond: number;
    /** Tokens of the first member per second. */
    tokensPerSecond: number;
    msPerStep: StepTimes;
  };
  trace?: TraceStep[];
  /** With `logProbs`: what was chosen, in order; the end too, where the members ended the answer. */
  pieces?: ChosenPiece[];
}

export interface StreamChunk {
  /** New text; may be empty where a step completes no character or may yet become a stop string. */
  text: string;
  /** With `trace`: what was said at this step. */
  step?: TraceStep;
}

const DEFAULT_MAX_TOKENS = 256;
const DEFAULT_TRACE_TOP = 5;

/** Answer a prompt. Options are checked before anything runs. */
export async function* streamAnswer(
  voices: readonly Voice[],
  method: ChosenMethod,
  { schedule, combiner }: { schedule: Schedule; combiner: Combiner },
  prompt: PromptInput,
  options: GenerateOptions & { signal: AbortSignal },
): AsyncGenerator<StreamChunk, GenerateResult, void> {
  const { signal } = options;
  const clock = new StepClock(schedule);
  const sampler = new Sampler(options);
  const maxTokens = checkCount("maxTokens", options.maxTokens ?? DEFAULT_MAX_TOKENS);
  const traceTop = checkCount(
    "trace",
    options.trace === true ? DEFAULT_TRACE_TOP : Number(options.trace ?? 0),
    MAX_TOP,
  );
  const rendered = voices.map(({ member }) => renderPrompt(prompt, member));
  const answer = new AnswerText([...checkStopStrings(options.stop), ...rendered.flatMap(({ stop }) => stop)]);
  const trace: TraceStep[] = [];
  const pieces: ChosenPiece[] = [];
  const memberTokens = Object.fromEntries(voices.map(({ member }) => [member.name, 0]));
  const memberPromptTokens = { ...memberTokens };
  let steps = 0;
  let finishReason: FinishReason | undefined;

  const context: MethodContext = {
    voices,
    greedy: sampler.greedy,
    traceTop,
    combiner,
    maxSteps: maxTokens,
    random: () => sampler.random(),
    draw: (distribution) => sampler.draw(distribution),
    async advance(advancing) {
      const members = advancing.map(({ member }) => member);
      await clock.advance(advancing, () => advanceAll(members, schedule));
      for (const member of members) memberTokens[member.name] += member.output.decodedTokens;
    },
    async lookAhead(looking, look) {
      const members = looking.map(({ member }) => member);
      const found = await clock.decode(() => eachMember(members, schedule, (member) => look(member, signal)));
      for (const [index, { name }] of members.entries()) memberTokens[name] += found[index].decodedTokens;
      return found;
    },
  };

  try {
    if (maxTokens > 0) {
      signal.throwIfAborted();
      const run = method.create(context);
      await run.prepare();
      const prompts = rendered.map((each) => ({ ...each.prompt, reuse: options.reusePrompt }));
      const tokens = await beginAll(voices, prompts, schedule, signal);
      for (const [index, { member }] of voices.entries()) memberPromptTokens[member.name] = tokens[index];
      clock.startSteps();
      while (finishReason === undefined && steps < maxTokens) {
        signal.throwIfAborted();
        clock.startStep();
        const distribution = await run.step();
        const entry = sampler.choose(distribution);
        clock.endStep();
        const ends = entry === distribution.endEntry;
        const text = ends ? "" : answer.push(distribution.bytesOf(entry));
        if (ends || answer.stopped) finishReason = "stop";
        let step: TraceStep | undefined;
        if (traceTop > 0) {
          step = describeStep({ index: steps, voices, distribution, entry, top: traceTop, ms: clock.last });
          trace.push(step);
        }
        if (options.logProbs) pieces.push(chosenPiece(distribution, entry));
        steps++;
        if (text !== "" || step !== undefined) {
          clock.pause();
          yield { text, step };
          clock.resume();
        }
        if (finishReason === undefined && steps < maxTokens) await run.accept(entry);
        await clock.breathe();
      }
    }
  } catch (error) {
    finishReason = reasonToFinish(error, signal, steps);
  }
  clock.stopSteps();
  const rest = answer.finish();
  if (rest !== "") yield { text: rest };
  return {
    text: answer.text,
    finishReason: finishReason ?? "length",
    method: method.info.name,
    seed: sampler.seed,
    usage: { promptTokens: total(memberPromptTokens), memberPromptTokens, steps, memberTokens },
    timings: clock.timings(steps, memberTokens[voices[0].member.name]),
    ...(traceTop > 0 ? { trace } : {}),
    ...(options.logProbs ? { pieces } : {}),
  };
}

/** Prefill all members; the tokens of each one's prompt. Errors are thrown when all have come to rest. */
export async function beginAll(
  voices: readonly Voice[],
  prompts: readonly MemberPrompt[],
  schedule: Schedule,
  signal: AbortSignal,
): Promise<number[]> {
  const members = voices.map(({ member }) => member);
  const begun = await eachMember(members, schedule, (member, index) => member.begin(prompts[index], signal));
  return begun.map(({ promptTokens }) => promptTokens);
}

/** A cancelled request and a context that fills up end the answer; everything else is the caller's to know. */
function reasonToFinish(error: unknown, signal: AbortSignal, steps: number): FinishReason {
  if (signal.aborted) return "aborted";
  if (error instanceof LlamafuseError && error.code === "context-overflow" && steps > 0) return "length";
  throw error;
}

function checkCount(option: string, value: number, largest = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= 0 && value <= largest) return value;
  throw new LlamafuseError("invalid-option", `${option} is ${value}; allowed is an integer from 0 to ${largest}.`, {
    option,
    found: value,
    allowed: `0 … ${largest}`,
  });
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
