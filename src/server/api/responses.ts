/** POST /v1/responses: one message as answer, whole or by the events that clients need to show a text. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { type GenerateResult, mainReasoning } from "../../decoding/result.js";
import type { App } from "../app.js";
import type { LoadedModel } from "../models/loaded-model.js";
import { type AppContext, type Backend, checkWhole, eventsOf, underSignal } from "./context.js";
import { answererOf, toldOf } from "./extension.js";
import { postJson } from "./post-json.js";
import { type ResponsesBody, responsesAsk, responsesRequest } from "./responses-request.js";
import { usageOf } from "./usage.js";

const answer = z
  .looseObject({
    id: z.string(),
    object: z.literal("response"),
    status: z.string(),
    output: z.array(z.looseObject({})),
  })
  .openapi("Response");

export function responsesRoute(app: App, backend: Backend): void {
  const route = {
    path: "/v1/responses",
    summary: "Answer, by the Responses API",
    body: responsesRequest,
    answer,
    streams: true,
  };
  postJson<ResponsesBody>(app, backend, route, (c, body) =>
    body.stream === true ? streamed(c, backend, body) : whole(c, backend, body),
  );
}

async function whole(c: AppContext, backend: Backend, body: ResponsesBody): Promise<Response> {
  const { messages, options } = responsesAsk(body);
  const result = await underSignal(c, backend, (signal) =>
    backend.models.use(body.model, signal, async (model) => {
      const answerer = await answererOf(model, body.llamafuse);
      const made = await answerer.generate(messages, { ...options, ...lengthOf(options, model), signal });
      checkWhole(made, signal);
      return made;
    }),
  );
  backend.onUsage(body.model, usageOf([result]));
  return c.json(responseOf(body, headOf(), result));
}

async function streamed(c: AppContext, backend: Backend, body: ResponsesBody): Promise<Response> {
  const { messages, options } = responsesAsk(body);
  const head = headOf();
  const work = async (send: (event: unknown) => void, signal: AbortSignal) => {
    let number = 0;
    const tell = (type: string, fields: object) => send({ type, sequence_number: number++, ...fields });
    const place = { item_id: head.message, output_index: 0, content_index: 0 };
    const result = await backend.models.use(body.model, signal, async (model) => {
      const answerer = await answererOf(model, body.llamafuse);
      const stream = answerer.stream(messages, { ...options, ...lengthOf(options, model), signal });
      for (let hasBegun = false; ; hasBegun = true) {
        const next = await stream.next();
        if (next.done) checkWhole(next.value, signal);
        if (!hasBegun) {
          const response = responseOf(body, head);
          tell("response.created", { response });
          tell("response.in_progress", { response });
          tell("response.output_item.added", { output_index: 0, item: messageOf(head, "in_progress") });
          tell("response.content_part.added", { ...place, part: textPart("") });
        }
        if (next.done) return next.value;
        const { text } = next.value;
        if (text !== "") tell("response.output_text.delta", { ...place, delta: text, logprobs: [] });
      }
    });
    backend.onUsage(body.model, usageOf([result]));
    tell("response.output_text.done", { ...place, text: result.text, logprobs: [] });
    tell("response.content_part.done", { ...place, part: textPart(result.text) });
    const response = responseOf(body, head, result);
    tell("response.output_item.done", { output_index: 0, item: response.output.at(-1) });
    tell(response.status === "completed" ? "response.completed" : "response.incomplete", { response });
  };
  return await eventsOf(c, backend, work, {
    write: (event) => `event: ${(event as { type?: string }).type ?? "error"}\ndata: ${JSON.stringify(event)}\n\n`,
    end: "",
  });
}

/** As in chat: to the end of the contexts, where nobody says another number. */
function lengthOf({ maxTokens }: { maxTokens?: number }, { spec, contextSize }: LoadedModel): { maxTokens?: number } {
  const length = maxTokens ?? spec.options.request?.maxTokens ?? contextSize;
  return length === undefined ? {} : { maxTokens: length };
}

interface Head {
  response: string;
  message: string;
  created: number;
}

function headOf(): Head {
  const id = () => randomUUID().replaceAll("-", "");
  return { response: `resp_${id()}`, message: `msg_${id()}`, created: Math.floor(Date.now() / 1000) };
}

/** Without a result, as it begins. */
function responseOf(body: ResponsesBody, head: Head, result?: GenerateResult) {
  const isCut = result?.finishReason === "length";
  const { model, instructions = null, temperature = null, top_p = null, max_output_tokens = null, metadata } = body;
  return {
    id: head.response,
    object: "response",
    created_at: head.created,
    status: result === undefined ? "in_progress" : isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    instructions,
    max_output_tokens,
    model,
    output:
      result === undefined
        ? []
        : [...thoughtsOf(head, result), messageOf(head, isCut ? "incomplete" : "completed", result)],
    parallel_tool_calls: false,
    previous_response_id: null,
    store: false,
    temperature,
    text: { format: body.text?.format ?? { type: "text" } },
    tool_choice: "none",
    tools: [],
    top_p,
    truncation: "disabled",
    usage: result === undefined ? null : usageIn(result),
    metadata: metadata ?? {},
    ...(result !== undefined && body.llamafuse != null && { llamafuse: toldOf(result, body.llamafuse) }),
  };
}

function messageOf({ message }: Head, status: string, result?: GenerateResult) {
  return {
    id: message,
    type: "message",
    role: "assistant",
    status,
    content: result === undefined ? [] : [textPart(result.text)],
  };
}

function thoughtsOf({ message }: Head, result: GenerateResult) {
  const text = mainReasoning(result);
  if (text === undefined) return [];
  return [
    { id: message.replace("msg", "rs"), type: "reasoning", summary: [], content: [{ type: "reasoning_text", text }] },
  ];
}

function textPart(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function usageIn(result: GenerateResult) {
  const { prompt_tokens, completion_tokens, total_tokens, completion_tokens_details } = usageOf([result]);
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: completion_tokens,
    output_tokens_details: { reasoning_tokens: completion_tokens_details?.reasoning_tokens ?? 0 },
    total_tokens,
  };
}
