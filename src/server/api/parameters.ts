/**
 * The parameters that chat and text completions share: OpenAI's, and every sampler option of ours by its name in
 * snake_case (`min_p`, `repetition_penalty`, …), as other local servers take them.
 */
import { z } from "@hono/zod-openapi";
import type { GenerateOptions } from "../../decoding/request.js";
import { aboutSamplerOption, SAMPLER_OPTIONS, samplerFields } from "../../decoding/sampler-options.js";
import { shown } from "../../read-options.js";
import { badRequest, snakeCase } from "../refusals.js";
import { type Extension, extension } from "./extension.js";
import { formatOf, responseFormat } from "./response-format.js";

/** As in OpenAI's API. */
export const MOST_TOP_LOGPROBS = 20;
const MOST_CHOICES = 16;
const MOST_STOPS = 16;
const LONGEST_STOP = 1000;

/** `top_p` of 0 is allowed there and means the most probable token. */
const SMALLEST_TOP_P = 1e-9;

const samplerParameters = Object.fromEntries(
  SAMPLER_OPTIONS.map((option) => {
    const type = option === "topP" ? z.number().min(0).max(1).optional() : samplerFields[option];
    return [snakeCase(option), type.nullable().openapi({ description: aboutSamplerOption(option).description })];
  }),
) as Record<string, z.ZodType>;

const stopText = z.string().min(1).max(LONGEST_STOP);

export const sharedParameters = {
  model: z.string().min(1).max(200).openapi({ description: "A model's id, as /v1/models lists it." }),
  stream: z.boolean().nullish().openapi({ description: "Answer piece by piece, as server-sent events." }),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish()
    .openapi({ description: "include_usage: a last event tells the tokens." }),
  n: z.int().min(1).max(MOST_CHOICES).nullish().openapi({ description: "How many answers, made one after another." }),
  stop: z
    .union([stopText, z.array(stopText).max(MOST_STOPS)])
    .nullish()
    .openapi({ description: "Texts that end the answer." }),
  max_tokens: z.int().min(0).nullish().openapi({ description: "Steps of the answer at most." }),
  ...samplerParameters,
  response_format: responseFormat,
  llamafuse: extension.openapi({ description: "What OpenAI's API has no field for." }),
  repeat_penalty: z.number().gt(0).nullish().openapi({ description: "Another name of repetition_penalty." }),
};

/** Accepted and without effect: they say who asks, and how a provider bills or keeps it. */
const WITHOUT_EFFECT = [
  "user",
  "metadata",
  "store",
  "service_tier",
  "parallel_tool_calls",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "verbosity",
] as const;

/** Known parameters that would change the answer and are not supported, with the values that ask for nothing. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  tools: isEmpty,
  tool_choice: (value) => value === "none" || value === "auto",
  functions: isEmpty,
  function_call: (value) => value === "none" || value === "auto",
  logit_bias: isEmpty,
  modalities: (value) => Array.isArray(value) && value.every((each) => each === "text"),
  audio: isEmpty,
  prediction: isEmpty,
  web_search_options: isEmpty,
  best_of: (value) => value === 1,
  suffix: (value) => value === "",
};

const anything = z.unknown();

export const otherParameters = Object.fromEntries([
  ...WITHOUT_EFFECT.map((name) => [name, anything.optional().openapi({ description: "Accepted, without effect." })]),
  ...Object.keys(UNSUPPORTED).map((name) => [
    name,
    anything.optional().openapi({ description: "Not supported: refused unless it asks for nothing." }),
  ]),
]) as Record<string, z.ZodOptional<z.ZodUnknown>>;

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Error: invalid-option for a parameter that asks for what is not supported; `supported`: by this address all the same. */
export function refuseUnsupported(body: Readonly<Record<string, unknown>>, supported: readonly string[] = []): void {
  for (const [name, isOff] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (supported.includes(name) || value === undefined || value === null || isOff(value)) continue;
    throw badRequest(name, `${name} is not supported here; leave it out. Found ${shown(value)}.`, {
      found: shown(value),
      apiCode: "unsupported_parameter",
    });
  }
}

export interface SharedBody {
  model: string;
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean } | null;
  n?: number | null;
  stop?: string | string[] | null;
  max_tokens?: number | null;
  repeat_penalty?: number | null;
  response_format?: z.infer<typeof responseFormat>;
  llamafuse?: Extension;
  [parameter: string]: unknown;
}

/** The sampler's options, stop texts and form that a body says; what it leaves out is left out. */
export function samplingOf(body: SharedBody): GenerateOptions {
  const given = (name: string) => body[name] ?? undefined;
  const options: Record<string, unknown> = Object.fromEntries(
    SAMPLER_OPTIONS.map((option) => [option, given(snakeCase(option))]),
  );
  if (options.topP === 0) options.topP = SMALLEST_TOP_P;
  options.repetitionPenalty ??= given("repeat_penalty");
  options.stop = given("stop");
  const { response_format: form } = body;
  if (form != null) {
    const { type, json_schema: named } = form;
    Object.assign(options, formatOf({ type, schema: named?.schema }, "response_format.json_schema.schema"));
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
