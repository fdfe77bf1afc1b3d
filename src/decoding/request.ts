/** What one request may say, and the check that it makes sense: all of it, before anything runs or waits. */
import { LlamafuseError } from "../errors.js";
import { MAX_TOP } from "../member/offers.js";
import { checkSignal, checkSwitch, guarded, type OptionNames, readOptions, refuse, shown } from "../read-options.js";
import { loneSurrogateAt } from "../vocabulary/utf8.js";
import { type CheckedFormat, checkFormat, type Format } from "./format/format.js";
import { checkPrompt, checkPromptOptions, type PromptInput, type PromptOptions } from "./prompt.js";
import { checkSamplerOptions, SAMPLER_OPTIONS, type SamplerOptions } from "./sampler-options.js";
import type { Speculation } from "./speculation.js";
import { checkStopStrings } from "./stop-rules.js";
import { callsOf, checkTools, type ToolOptions } from "./tools/tools.js";

export interface GenerateOptions extends SamplerOptions, PromptOptions, ToolOptions {
  /** Ask a prompt that is a text as the user's message, in each member's chat template. Default false: continue it. */
  chat?: boolean;
  /** What the members are told first; implies `chat`. A conversation with a system message of its own keeps that. */
  system?: string;
  /** Steps of the answer at most, thoughts not counted. Default 256. 0 gives an empty answer, and nobody thinks. */
  maxTokens?: number;
  /** Texts that end the answer; they are not part of it. */
  stop?: string | readonly string[];
  /** Ends the answer between two steps; what there is by then is returned, with `finishReason: "aborted"`. */
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
  /**
   * Token healing: a prompt that ends inside a token goes on as if it had been written at once ("https:/" by "/"). Nothing is
   * changed where no token reaches across the prompt's end. Default false.
   */
  healing?: boolean;
  /**
   * Read text that is likely to come in one decode instead of one a step: `"auto"`, where that measures faster, or false
   * (default). It changes no choice but where two are equal within the rounding of llama.cpp's batches (see
   * decoding/speculation.ts).
   */
  speculation?: Speculation;
  /**
   * Repeat to the last bit what the seed gave: the request is answered alone where others would share its decodes, and with
   * neither `speculation` nor `reusePrompt`. Default false: choices may differ where two are equal within the rounding of
   * llama.cpp's batches. Members with one slot answer everybody alone.
   */
  exact?: boolean;
  /**
   * The form that the answer has to have: `{ schema }`, `{ regex }` or `{ grammar }`. It ends where nothing can follow; one that
   * `maxTokens` cuts is `incomplete`. Thoughts are free. Default: any text.
   */
  format?: Format;
}

export interface ScoreOptions extends PromptOptions {
  /** Cancels the scoring: an error "aborted". */
  signal?: AbortSignal;
  /**
   * Keep the members' caches where this prompt begins like the last one: for several texts after one prompt. Default
   * false; the last bits of the logits may differ (see GenerateOptions).
   */
  reusePrompt?: boolean;
  /** Report so many of the most probable entries at every piece, as its `fused`. Default 0. */
  top?: number;
}

const PROMPT_OPTIONS: OptionNames<PromptOptions> = {
  templateVariables: true,
  now: true,
  parseSpecial: true,
  thinking: true,
};

const GENERATE_OPTIONS: OptionNames<GenerateOptions> = {
  chat: true,
  system: true,
  maxTokens: true,
  ...(Object.fromEntries(SAMPLER_OPTIONS.map((option) => [option, true])) as OptionNames<SamplerOptions>),
  stop: true,
  signal: true,
  trace: true,
  logProbs: true,
  reusePrompt: true,
  healing: true,
  speculation: true,
  exact: true,
  format: true,
  tools: true,
  toolChoice: true,
  parallelToolCalls: true,
  ...PROMPT_OPTIONS,
};

const SCORE_OPTIONS: OptionNames<ScoreOptions> = { signal: true, reusePrompt: true, top: true, ...PROMPT_OPTIONS };

/** Steps of an answer at most, where nobody says another number. */
export const DEFAULT_MAX_TOKENS = 256;
const DEFAULT_TRACE_TOP = 5;

/** A prompt and the options of a request, copied and checked. */
export interface CheckedRequest {
  prompt: PromptInput;
  options: SamplerOptions &
    PromptOptions &
    ToolOptions & {
      maxTokens: number;
      stop: readonly string[];
      signal?: AbortSignal;
      /** How many of each member's candidates the trace shows; 0 without a trace. */
      traceTop: number;
      logProbs: boolean;
      reusePrompt: boolean;
      healing: boolean;
      speculation: Speculation;
      exact: boolean;
      format?: CheckedFormat;
    };
}

/** `defaults`: what holds where the request says nothing. Errors: invalid-text, invalid-option. */
export function checkRequest(
  prompt: PromptInput,
  given: GenerateOptions = {},
  defaults: GenerateOptions = {},
): CheckedRequest {
  const own = readOptions<GenerateOptions>("a request", given, GENERATE_OPTIONS, "{ maxTokens: 100 }");
  const options = { ...defaults, ...own };
  const { maxTokens = DEFAULT_MAX_TOKENS, trace = 0, signal, logProbs = false, reusePrompt = false } = options;
  checkSignal(signal);
  checkSwitch("logProbs", logProbs);
  checkSwitch("reusePrompt", reusePrompt);
  checkSwitch("healing", options.healing);
  const { speculation = false, exact = false } = options;
  checkSwitch("exact", exact);
  if (speculation !== false && speculation !== "auto") refuse("speculation", speculation, '"auto" or false');
  const format = guarded("format", () => checkFormat(options.format));
  if (format !== undefined && options.healing === true)
    refuse("healing", true, "false with a format, which begins where the prompt ends");
  const { seed, ...sampling } = checkSamplerOptions(options);
  const asked = readPrompt(inChat(readPrompt(prompt), options));
  const tools = checkTools(options, asked);
  if (format !== undefined && callsOf(tools) !== undefined)
    refuse("tools", "a list beside a format", 'one of both, or toolChoice: "none"');
  return {
    prompt: asked,
    options: {
      ...sampling,
      ...checkPromptOptions(options),
      ...(seed === undefined ? {} : { seed }),
      maxTokens: checkCount("maxTokens", maxTokens),
      stop: guarded("stop", () => checkStopStrings(options.stop)),
      ...(signal === undefined ? {} : { signal }),
      traceTop: typeof trace === "boolean" ? (trace ? DEFAULT_TRACE_TOP : 0) : checkCount("trace", trace, MAX_TOP),
      logProbs,
      reusePrompt: reusePrompt && !exact,
      healing: options.healing ?? false,
      speculation: exact ? false : speculation,
      exact,
      ...(format && { format }),
      ...tools,
    },
  };
}

/** What holds for every request where it says nothing else. Errors: invalid-option. */
export function checkDefaults(given: GenerateOptions = {}): GenerateOptions {
  const { signal, ...defaults } = readOptions<GenerateOptions>(
    "request",
    given,
    GENERATE_OPTIONS,
    "{ maxTokens: 100 }",
  );
  if (signal !== undefined) refuse("signal", signal, "one of each request's own, given to generate or stream");
  checkRequest("A prompt.", defaults);
  return defaults;
}

/** The prompt as messages, for requests in chat templates. */
function inChat(prompt: PromptInput, { chat, system }: GenerateOptions): PromptInput {
  checkSwitch("chat", chat);
  if (system !== undefined && typeof system !== "string") refuse("system", system, "a text");
  const told = system === undefined ? [] : [{ role: "system" as const, content: system }];
  if (Array.isArray(prompt)) {
    const has = prompt.some((message) => (message as { role?: unknown } | null)?.role === "system");
    return has ? prompt : [...told, ...prompt];
  }
  if (typeof prompt !== "string" || !(chat || system !== undefined)) return prompt;
  return [...told, { role: "user" as const, content: prompt }];
}

/** A text to score after a prompt, copied and checked. */
export interface CheckedScoring {
  prompt: PromptInput;
  text: string;
  options: ScoreOptions;
}

/** Errors: invalid-text, invalid-option. */
export function checkScoring(prompt: PromptInput, text: string, given: ScoreOptions = {}): CheckedScoring {
  const options = readOptions<ScoreOptions>("score", given, SCORE_OPTIONS, "{ reusePrompt: true }");
  checkSignal(options.signal);
  checkSwitch("reusePrompt", options.reusePrompt);
  if (options.top !== undefined) checkCount("top", options.top, MAX_TOP);
  if (typeof text !== "string" || text === "") {
    const message =
      text === ""
        ? "The text to score is empty. Give some text."
        : `The text to score is ${shown(text)}; give a string.`;
    throw new LlamafuseError("invalid-text", message, { found: shown(text), allowed: "a text" });
  }
  if (loneSurrogateAt(text) >= 0) {
    throw new LlamafuseError(
      "invalid-text",
      "The text to score holds half a surrogate pair, which is not valid text.",
      {
        at: loneSurrogateAt(text),
        allowed: "well-formed Unicode",
      },
    );
  }
  return { prompt: readPrompt(prompt), text, options: { ...options, ...checkPromptOptions(options) } };
}

/** The prompt as a copy of the caller's. Errors: those of `checkPrompt`. */
export function readPrompt(given: PromptInput): PromptInput {
  return guarded("The prompt", () => {
    const prompt = copyOf(given);
    checkPrompt(prompt);
    return prompt;
  });
}

function copyOf(prompt: PromptInput): PromptInput {
  if (prompt instanceof Uint8Array) return Uint8Array.from(prompt);
  if (!Array.isArray(prompt)) return prompt;
  return Array.from(prompt, (message) => (typeof message === "object" && message !== null ? { ...message } : message));
}

function checkCount(option: string, value: unknown, largest = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= largest) return value as number;
  return refuse(option, value, `an integer from 0 to ${largest}`);
}
