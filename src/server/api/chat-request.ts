/** What /v1/chat/completions takes, and what the library is asked for it. */
import { z } from "@hono/zod-openapi";
import type { ChatMessage, TextPart } from "../../decoding/messages.js";
import type { GenerateOptions } from "../../decoding/request.js";
import { badRequest } from "../refusals.js";
import {
  MOST_TOP_LOGPROBS,
  otherParameters,
  refuseUnsupported,
  type SharedBody,
  samplingOf,
  sharedParameters,
} from "./parameters.js";
import { type ToolBody, toolParameters, toolsOf } from "./tools.js";

const ROLES = ["system", "developer", "user", "assistant", "tool", "function"] as const;

const part = z.looseObject({ type: z.string(), text: z.string().optional() });

export const message = z.looseObject({
  role: z.enum(ROLES),
  content: z.union([z.string(), z.array(part)]).nullish(),
  name: z.string().nullish(),
  reasoning_content: z.string().nullish(),
});

export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"] as const;

export const chatRequest = z
  .strictObject({
    ...sharedParameters,
    messages: z.array(message).min(1),
    max_completion_tokens: z
      .int()
      .min(0)
      .nullish()
      .openapi({ description: "Steps of the answer at most. Default: what fits." }),
    logprobs: z.boolean().nullish().openapi({ description: "Tell what every step chose, and how probable it was." }),
    top_logprobs: z
      .int()
      .min(0)
      .max(MOST_TOP_LOGPROBS)
      .nullish()
      .openapi({ description: "With logprobs: so many candidates of every step." }),
    reasoning_effort: z
      .enum(EFFORTS)
      .nullish()
      .openapi({ description: "none or minimal: members do not think first. All others: as long as they like." }),
    chat_template_kwargs: z
      .record(z.string(), z.unknown())
      .nullish()
      .openapi({ description: "Variables of the members' chat templates." }),
    ...otherParameters,
    ...toolParameters,
  })
  .openapi("ChatCompletionRequest");

export interface ChatBody extends SharedBody, ToolBody {
  messages: z.infer<typeof message>[];
  max_completion_tokens?: number | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  reasoning_effort?: (typeof EFFORTS)[number] | null;
  chat_template_kwargs?: Record<string, unknown> | null;
}

export interface ChatAsk {
  messages: ChatMessage[];
  options: GenerateOptions;
  /** How many candidates of each step are told; undefined: nothing is told of the steps. */
  top: number | undefined;
}

/** Errors: invalid-option, with the parameter. */
export function chatAsk(body: ChatBody): ChatAsk {
  refuseUnsupported(body, Object.keys(toolParameters));
  const { logprobs, top_logprobs: top, reasoning_effort: effort, chat_template_kwargs: variables } = body;
  if (top != null && logprobs !== true) {
    throw badRequest("top_logprobs", "top_logprobs needs logprobs: true. Give that too, or leave it out.", {
      found: top,
    });
  }
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  return {
    messages: messagesOf(body.messages),
    options: {
      ...samplingOf(body),
      ...toolsOf(body),
      ...(maxTokens !== undefined && { maxTokens }),
      ...thinkingOf(effort),
      ...(variables != null && { templateVariables: variables }),
    },
    top: logprobs === true ? (top ?? 0) : undefined,
  };
}

/** Nothing where nobody says how. */
export function thinkingOf(effort: (typeof EFFORTS)[number] | null | undefined): Pick<GenerateOptions, "thinking"> {
  if (effort == null) return {};
  return { thinking: effort === "none" || effort === "minimal" ? "off" : "private" };
}

/** Errors: invalid-option, with the parameter. */
export function messagesOf(messages: readonly z.infer<typeof message>[]): ChatMessage[] {
  return messages.map(messageOf);
}

function messageOf({ role, content, name, reasoning_content, ...rest }: ChatBody["messages"][number], index: number) {
  const at = `messages.${index}`;
  if (role === "function" || isGiven(rest.function_call)) {
    const cure = 'Give its call in tool_calls, and its result with the role "tool".';
    throw badRequest(at, `Message ${index + 1} is of a function, which OpenAI's API had before tools. ${cure}`, {
      apiCode: "unsupported_parameter",
    });
  }
  return {
    role: role === "developer" ? ("system" as const) : role,
    content:
      typeof content === "string"
        ? content
        : (content ?? []).map((each, place) => textPart(each, `${at}.content.${place}`)),
    ...(name != null && { name }),
    ...(reasoning_content != null && { reasoning_content }),
    ...(isGiven(rest.tool_calls) && { tool_calls: rest.tool_calls as unknown[] }),
    ...(typeof rest.tool_call_id === "string" && { tool_call_id: rest.tool_call_id }),
  };
}

function textPart({ type, text }: z.infer<typeof part>, at: string): TextPart {
  if (type === "text" && text !== undefined) return { type, text };
  const found = type === "text" ? "a part without text" : `a part of the type "${type.slice(0, 40)}"`;
  throw badRequest(at, `Only text is understood here; found ${found}. Leave it out.`, {
    found: type,
    apiCode: "unsupported_parameter",
  });
}

function isGiven(value: unknown): boolean {
  return value != null && !(Array.isArray(value) && value.length === 0);
}
