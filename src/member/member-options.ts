/** What a user may say about a member, and the check that it makes sense. */
import { LlamafuseError } from "../errors.js";
import {
  cacheTypesOf,
  isQuantised,
  type LlamaParameters,
  llamaParameters,
  llamaParametersOf,
} from "../llama/parameters.js";
import { refuse } from "../read-options.js";
import { problemOf, sentenceOf } from "../zod-problem.js";

export interface MemberOptions extends LlamaParameters {
  /**
   * Path of a GGUF file, the name of a native model such as `raven`, a model in Ollama's store such as
   * `ollama:llama3.2:1b`, or a URI that node-llama-cpp can download: `hf:user/repo:Q4_K_M`, `https://…/model.gguf`.
   */
  model: string;
  /** How results, traces and errors call it. Default: the file's name without `.gguf`. */
  name?: string;
  /** Share of the vote, relative to the others. Default 1. */
  weight?: number;
  /** CPU threads. Default: measured at load (see `schedule`). */
  threads?: number;
  /** Tokens of prompt and answer that fit. Default 4096, or what the model was trained for if that is less. */
  contextSize?: number;
  /**
   * Run it in a process of its own: whatever ends that process, llama.cpp's own aborts on a damaged file included, is the
   * member's error and not your program's end. Each step then costs a copy of its output. Default false.
   */
  isolate?: boolean;
  /** Variables of its chat template for every request: `{ enable_thinking: false }`. A request's own go before them. */
  templateVariables?: Readonly<Record<string, unknown>>;
}

/** Enough for the measurement at load and the shortest of prompts. */
const SMALLEST_CONTEXT = 16;
/** llama.cpp counts positions in 32-bit integers. */
const LARGEST_CONTEXT = 2 ** 31 - 1;
/** llama.cpp's own limit on a thread pool. */
const MOST_THREADS = 512;

/** LlamafuseError "invalid-option" for a value out of range. */
export function checkMemberOptions(options: MemberOptions): void {
  const { model, name, threads, gpuLayers, contextSize, isolate } = options;
  if (typeof model !== "string" || model === "") {
    throw new LlamafuseError(
      "invalid-option",
      "A member needs a model: the path of a GGUF file, or an hf: or https: URI.",
      { option: "model", found: model },
    );
  }
  const whose = `Member "${name ?? model}"`;
  const check = (option: string, value: unknown, smallest: number, largest: number, also = "") => {
    if (
      value === undefined ||
      (Number.isInteger(value) && (value as number) >= smallest && (value as number) <= largest)
    )
      return;
    const allowed = `an integer from ${smallest} to ${largest}${also}`;
    throw new LlamafuseError("invalid-option", `${whose}: ${option} is ${String(value)}; allowed is ${allowed}.`, {
      option,
      found: value,
      allowed,
    });
  };
  check("threads", threads, 1, MOST_THREADS);
  check("contextSize", contextSize, SMALLEST_CONTEXT, LARGEST_CONTEXT);
  if (isolate !== undefined && typeof isolate !== "boolean") refuse(`${whose}: isolate`, isolate, "true or false");
  if (gpuLayers !== "max") check("gpuLayers", gpuLayers, 0, LARGEST_CONTEXT, ', or "max"');
  checkLlamaParameters(whose, options);
}

/** Types and ranges, and options that go against each other. */
function checkLlamaParameters(whose: string, options: LlamaParameters): void {
  const given = llamaParametersOf(options);
  const parsed = llamaParameters.safeParse(given);
  const refuse = (option: string, problem: string, found: unknown) => {
    throw new LlamafuseError("invalid-option", `${whose}: ${problem}`, { option, found });
  };
  if (!parsed.success) {
    const problem = problemOf(parsed.error, given, { schema: llamaParameters });
    refuse(String(problem.path[0] ?? problem.unknownKey), `${sentenceOf(problem)}.`, problem.found);
  }
  const { mainGpu, tensorSplit, flashAttention, ropeScaling = {} } = options;
  if (mainGpu !== undefined && tensorSplit !== undefined) {
    refuse("mainGpu", "mainGpu puts the whole model on one GPU and tensorSplit divides it. Give one of them.", mainGpu);
  }
  if (tensorSplit?.every((share) => share === 0)) {
    refuse("tensorSplit", "tensorSplit is all zeros. Give at least one GPU a share.", tensorSplit);
  }
  const { v } = cacheTypesOf(options);
  if (flashAttention === false && isQuantised(v)) {
    refuse(
      "cacheType",
      `a cache of ${v} for V needs flash attention. Leave flashAttention out, or use "f16" for V.`,
      v,
    );
  }
  const { type, factor, originalContext } = ropeScaling;
  if (type === "none" && factor !== undefined) {
    refuse(
      "ropeScaling",
      `ropeScaling "none" ignores a factor. Use "linear" or "yarn", or leave the factor out.`,
      factor,
    );
  }
  if (originalContext !== undefined && type !== undefined && type !== "yarn") {
    refuse("ropeScaling", `ropeScaling "${type}" ignores originalContext; "yarn" uses it.`, originalContext);
  }
}
