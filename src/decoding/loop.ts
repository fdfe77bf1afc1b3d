/**
 * The fused loop: members advance, the method fuses, the sampler chooses, the chosen bytes go back to all.
 *
 * Everything that a user sees (text without cut characters, stop strings, the trace) happens beside the hot path, on the
 * chosen bytes alone.
 */
import type { MethodContext, MethodRun, Voice } from "../during/method.js";
import type { ChosenMethod } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import { advanceAll, type Schedule, settleAll } from "../member/plan.js";
import { type PromptInput, renderPrompt } from "./prompt.js";
import { Sampler } from "./sampler.js";
import type { SamplerOptions } from "./sampler-options.js";
import { StopRules } from "./stop-rules.js";
import { TextStream } from "./text-stream.js";
import { describeStep, type TraceStep } from "./trace.js";

export interface GenerateOptions extends SamplerOptions {
  /** Steps at most. Default 256. 0 gives an empty answer. */
  maxTokens?: number;
  /** Texts that end the answer; they are not part of it. */
  stop?: string | readonly string[];
  /** Ends the answer between two steps; what there is by then is returned. */
  signal?: AbortSignal;
  /** Record what every member said at every step: `true` for the 5 best candidates each, or how many. */
  trace?: boolean | number;
  /** Keep the members' caches where this prompt begins like the last one (the next turn of a chat). Default false. */
  reusePrompt?: boolean;
}

export type FinishReason = "stop" | "length" | "aborted";

export interface GenerateResult {
  text: string;
  /** `stop`: the members or a stop string ended it; `length`: maxTokens or a member's context did; or `aborted`. */
  finishReason: FinishReason;
  method: string;
  /** The sampler's seed, given or drawn. */
  seed: number;
  usage: {
    /** Tokens of the prompt, over all members. */
    promptTokens: number;
    /** Fused decisions. */
    steps: number;
    /** Tokens that each member decoded after the prompt. */
    memberTokens: Record<string, number>;
  };
  timings: {
    /** From the request to the first distribution: rendering, tokenising, prefill. */
    promptMs: number;
    stepsPerSecond: number;
    /** Answer tokens per second, counted in the first member's tokens. */
    tokensPerSecond: number;
    /**
     * `decode`: inside llama.cpp (the slowest member in parallel, the sum in turn); `fuse`: preparing and fusing the
     * distributions, sampling; `sync`: threads waiting for one another.
     */
    msPerStep: { decode: number; fuse: number; sync: number };
  };
  trace?: TraceStep[];
}

export interface StreamChunk {
  /** New text; may be empty where a step completes no character, or may yet become a stop string. */
  text: string;
  /** With `trace`: what was said at this step. */
  step?: TraceStep;
}

const DEFAULT_MAX_TOKENS = 256;
const DEFAULT_TRACE_TOP = 5;
/** Let timers, signals and streams run at least this often: fast members never leave the microtask queue by themselves. */
const YIELD_MS = 10;

/** Answer a prompt. See Ensemble.stream. */
export async function* streamAnswer(
  voices: readonly Voice[],
  method: ChosenMethod,
  schedule: Schedule,
  prompt: PromptInput,
  options: GenerateOptions & { signal: AbortSignal },
): AsyncGenerator<StreamChunk, GenerateResult, void> {
  const clock = new StepClock(schedule);
  const sampler = new Sampler(options);
  const maxTokens = checkCount("maxTokens", options.maxTokens ?? DEFAULT_MAX_TOKENS);
  const traceTop = checkCount("trace", options.trace === true ? DEFAULT_TRACE_TOP : Number(options.trace ?? 0));
  const rendered = voices.map(({ member }) => renderPrompt(prompt, member));
  const stop = new StopRules([...[options.stop ?? []].flat(), ...rendered.flatMap(({ stop }) => stop)]);
  const stream = new TextStream();
  const trace: TraceStep[] = [];
  const memberTokens = Object.fromEntries(voices.map(({ member }) => [member.name, 0]));
  let text = "";
  let steps = 0;
  let promptTokens = 0;
  let finishReason: FinishReason = "length";

  const context: MethodContext = {
    voices,
    greedy: sampler.greedy,
    traceTop,
    advance: async (advancing) => {
      await clock.decode(advancing, () =>
        advanceAll(
          advancing.map(({ member }) => member),
          schedule,
        ),
      );
      for (const { member } of advancing) memberTokens[member.name] += member.output.decodedTokens;
    },
  };

  const takeText = (more: string): string => {
    const kept = stop.push(more);
    text += kept;
    return kept;
  };

  try {
    if (maxTokens > 0 && !options.signal.aborted) {
      const run = method.create(context);
      await run.prepare();
      const begun = await begin(
        voices,
        rendered.map(({ prompt }) => ({ ...prompt, reuse: options.reusePrompt })),
        schedule,
        options.signal,
      );
      promptTokens = begun.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
      clock.startSteps();
      while (steps < maxTokens) {
        if (options.signal.aborted) {
          finishReason = "aborted";
          break;
        }
        const chosen = await decide(run, sampler, clock);
        steps++;
        const { distribution, entry } = chosen;
        const ends = entry === distribution.endEntry;
        const bytes = ends ? new Uint8Array(0) : distribution.bytesOf(entry);
        const piece = takeText(stream.push(bytes));
        let step: TraceStep | undefined;
        if (traceTop > 0) {
          step = describeStep({ index: steps - 1, voices, distribution, entry, top: traceTop, ms: clock.last });
          trace.push(step);
        }
        if (ends || stop.stopped) finishReason = "stop";
        if (piece !== "" || step !== undefined) yield { text: piece, step };
        if (finishReason === "stop") break;
        if (steps < maxTokens) run.accept(entry);
        await clock.breathe();
      }
    }
  } catch (error) {
    const code = error instanceof LlamafuseError ? error.code : undefined;
    // A context that fills up while answering ends the answer; a prompt that does not fit is the caller's error.
    if (code === "context-overflow" && steps > 0) finishReason = "length";
    else if (code === "aborted" || (options.signal.aborted && (error as Error).name === "AbortError"))
      finishReason = "aborted";
    else throw error;
  }
  if (options.signal.aborted && finishReason === "length" && steps < maxTokens) finishReason = "aborted";
  const rest = takeText(stream.flush()) + stop.flush();
  text += rest.slice(rest.length - (rest.length - 0));
  if (rest !== "") yield { text: rest };
  return {
    text,
    finishReason,
    method: method.info.name,
    seed: sampler.seed,
    usage: { promptTokens, steps, memberTokens },
    timings: clock.timings(steps, memberTokens[voices[0].member.name]),
    ...(traceTop > 0 ? { trace } : {}),
  };
}

async function decide(run: MethodRun, sampler: Sampler, clock: StepClock) {
  clock.startStep();
  const distribution = await run.step();
  const entry = sampler.choose(distribution);
  clock.endStep();
  return { distribution, entry };
}
