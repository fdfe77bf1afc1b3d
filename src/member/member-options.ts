/** What a user may say about a member, and the check that it makes sense. */
import { LlamafuseError, unknownName } from "../errors.js";
import {
  cacheTypesOf,
  isQuantised,
  type LlamaParameters,
  llamaParameters,
  llamaParametersOf,
} from "../llama/parameters.js";
import { refuse, shown } from "../read-options.js";
import { problemOf, sentenceOf } from "../zod-problem.js";
import { MAX_TOP } from "./offers.js";
import { SERVER_KINDS, type ServerKind } from "./remote/server.js";

/** How a model on a server is reached (docs/distributed.md). */
export interface RemoteParameters {
  /** The server's interface. Default: found by asking it. */
  kind?: ServerKind;
  /** The model's tokenizer.json on this machine: for vLLM and OpenAI's interface, which do not tell their vocabulary. */
  tokenizer?: string;
  /** A file with the key that the server asks for. */
  apiKeyFile?: string;
  /**
   * Most probable tokens that the server reports at every step. Default: 100 on llama-server, on others what they allow (20 or
   * 5). "all", on llama-server only: every token, for methods that need all logits; about 80 bytes each at every step.
   */
  topDepth?: number | "all";
  /** What the server calls the model, where it serves several. Default: the first. */
  servedModel?: string;
}

/** A model on a server. */
export interface ServerMemberOptions
  extends RemoteParameters,
    Pick<MemberOptions, "name" | "weight" | "contextSize" | "templateVariables"> {
  /** The server's address, as `http://gpu-box:8080`, with or without `/v1`. */
  url: string;
}

export interface MemberOptions extends LlamaParameters, RemoteParameters {
  /**
   * Path of a GGUF file, the name of a native model such as `raven`, a model in Ollama's store such as
   * `ollama:llama3.2:1b`, a URI that node-llama-cpp can download: `hf:user/repo:Q4_K_M`, `https://…/model.gguf`; or the
   * address of a server: `http://host:port`.
   */
  model: string;
  /** The server's address, where the model is on one; `model` is then the same. */
  url?: string;
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
  checkRemote(whose, options);
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

const REMOTE_NAMES = ["kind", "tokenizer", "apiKeyFile", "topDepth", "servedModel"] as const;
/** What may be said of a member on a server. */
const OF_SERVERS: ReadonlySet<string> = new Set([
  ...["model", "url", "name", "weight", "contextSize", "templateVariables"],
  ...REMOTE_NAMES,
]);

function checkRemote(whose: string, options: MemberOptions): void {
  const { url, kind, topDepth } = options;
  const given = Object.keys(options).filter((key) => options[key as keyof MemberOptions] !== undefined);
  if (url === undefined) {
    const option = REMOTE_NAMES.find((each) => given.includes(each));
    if (option === undefined) return;
    const words = `${whose}: ${option} is an option of members on a server. Give its address: { url: "http://host:port" }.`;
    throw new LlamafuseError("invalid-option", words, { option, found: options[option] });
  }
  if (!isHttp(url)) refuse(`${whose}: url`, url, 'the address of a server, such as "http://host:8080"');
  const other = given.find((each) => !OF_SERVERS.has(each));
  if (other !== undefined) {
    const words = `${whose} is on a server, and ${other} is the server's own affair. Leave it out, and start the server with it.`;
    throw new LlamafuseError("invalid-option", words, { option: other });
  }
  if (kind !== undefined && !SERVER_KINDS.includes(kind))
    throw unknownName("kind of server", String(kind), SERVER_KINDS);
  for (const option of ["tokenizer", "apiKeyFile", "servedModel"] as const) {
    const value: unknown = options[option];
    if (value !== undefined && (typeof value !== "string" || value === ""))
      refuse(`${whose}: ${option}`, value, "a text");
  }
  if (
    topDepth !== undefined &&
    topDepth !== "all" &&
    !(Number.isInteger(topDepth) && topDepth >= 1 && topDepth <= MAX_TOP)
  ) {
    refuse(`${whose}: topDepth`, topDepth, `an integer from 1 to ${MAX_TOP}, or "all"`);
  }
}

function isHttp(url: unknown): boolean {
  return typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url);
}

/** Whether a model's name is the address of a server, and not of a file: it has no path, or that of an API. */
export function isServerAddress(model: string): boolean {
  return isHttp(model) && /^(\/v1)?\/?$/.test(new URL(model).pathname);
}

/** A server's address stands in both fields, whichever it was given in. Error: invalid-option for two models. */
export function withUrl(options: MemberOptions | ServerMemberOptions): MemberOptions {
  const { model, url } = options as Partial<MemberOptions>;
  if (url === undefined)
    return typeof model === "string" && isServerAddress(model)
      ? { ...options, model, url: model }
      : (options as MemberOptions);
  if (model === undefined || model === url) return { ...options, model: url };
  const words = `A member has the url ${shown(url)} and the model ${shown(model)}. Give one of them; servedModel says which model of a server.`;
  throw new LlamafuseError("invalid-option", words, { option: "url", found: shown(model) });
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
