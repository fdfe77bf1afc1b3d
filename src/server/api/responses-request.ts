/** What /v1/responses takes: texts in, texts out. Nothing is stored, so each request holds its whole conversation. */
import { z } from "@hono/zod-openapi";
import type { ChatMessage } from "../../decoding/messages.js";
import type { GenerateOptions } from "../../decoding/request.js";
import { SAMPLER_OPTIONS } from "../../decoding/sampler-options.js";
import { shown } from "../../read-options.js";
import { badRequest, snakeCase } from "../refusals.js";
import { EFFORTS, messagesOf, thinkingOf } from "./chat-request.js";
import type { Extension } from "./extension.js";
import { type SharedBody, samplingOf, sharedParameters } from "./parameters.js";
import { type AskedFormat, formatOf, textFormat } from "./response-format.js";

const item = z.looseObject({
  type: z.string().optional(),
  role: z.enum(["system", "developer", "user", "assistant"]).optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]).optional(),
});

const sampling = Object.fromEntries(
  SAMPLER_OPTIONS.map((option) => [
    snakeCase(option),
    (sharedParameters as Record<string, z.ZodType>)[snakeCase(option)],
  ]),
) as Record<string, z.ZodType>;

/** Parameters that ask for what is not there, with the values that ask for nothing. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  tools: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none" || value === "auto",
  previous_response_id: () => false,
  conversation: () => false,
  prompt: () => false,
  background: (value) => value === false,
  include: (value) => Array.isArray(value) && value.length === 0,
};
const WITHOUT_EFFECT = [
  "store",
  "metadata",
  "user",
  "truncation",
  "parallel_tool_calls",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
];

export const responsesRequest = z
  .strictObject({
    model: sharedParameters.model,
    input: z.union([z.string().min(1), z.array(item).min(1)]).openapi({ description: "A text, or messages." }),
    instructions: z.string().nullish().openapi({ description: "What the members are told first." }),
    max_output_tokens: z.int().min(1).nullish(),
    stream: sharedParameters.stream,
    stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
    reasoning: z.strictObject({ effort: z.enum(EFFORTS).nullish(), summary: z.string().nullish() }).nullish(),
    text: z.strictObject({ format: textFormat.optional(), verbosity: z.string().nullish() }).nullish(),
    llamafuse: sharedParameters.llamafuse,
    ...sampling,
    ...Object.fromEntries(
      [...Object.keys(UNSUPPORTED), ...WITHOUT_EFFECT].map((name) => [name, z.unknown().optional()]),
    ),
  })
  .openapi("ResponsesRequest");

export interface ResponsesBody extends SharedBody {
  input: string | z.infer<typeof item>[];
  instructions?: string | null;
  max_output_tokens?: number | null;
  reasoning?: { effort?: (typeof EFFORTS)[number] | null } | null;
  text?: { format?: AskedFormat } | null;
  llamafuse?: Extension;
}

/** Errors: invalid-option, with the parameter. */
export function responsesAsk(body: ResponsesBody): { messages: ChatMessage[]; options: GenerateOptions } {
  for (const [name, isOff] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (value == null || isOff(value)) continue;
    throw badRequest(name, `${name} is not supported here; leave it out. Found ${shown(value)}.`, {
      apiCode: "unsupported_parameter",
    });
  }
  const { input, instructions, max_output_tokens: maxTokens, reasoning } = body;
  const told = instructions == null || instructions === "" ? [] : [{ role: "system" as const, content: instructions }];
  const asked = typeof input === "string" ? [{ role: "user" as const, content: input }] : input.map(messageOf);
  return {
    messages: messagesOf([...told, ...asked]),
    options: {
      ...samplingOf(body),
      ...formatOf(body.text?.format ?? { type: "text" }, "text.format.schema"),
      ...(maxTokens != null && { maxTokens }),
      ...thinkingOf(reasoning?.effort),
    },
  };
}

function messageOf({ type = "message", role, content = "" }: z.infer<typeof item>, index: number) {
  const at = `input.${index}`;
  if (type !== "message" || role === undefined) {
    throw badRequest(at, `Only messages with a role are understood here; found ${shown(type)}.`, {
      apiCode: "unsupported_parameter",
    });
  }
  if (typeof content === "string") return { role, content };
  const parts = content.map(({ type: kind, text }, place) => {
    if (/^(input|output)_text$|^text$/.test(kind) && text !== undefined) return { type: "text" as const, text };
    throw badRequest(
      `${at}.content.${place}`,
      `Only text is understood here; found a part of the type ${shown(kind)}.`,
      {
        apiCode: "unsupported_parameter",
      },
    );
  });
  return { role, content: parts };
}
