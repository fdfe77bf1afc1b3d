/** Answers of /v1/chat/completions, whole and piece by piece. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { type GenerateResult, mainReasoning } from "../../decoding/result.js";
import type { App } from "../app.js";
import { choicesOf, type Head } from "./chat-choices.js";
import { type ChatAsk, type ChatBody, chatAsk, chatRequest } from "./chat-request.js";
import { streamChat } from "./chat-stream.js";
import { type AppContext, type Backend, checkWhole, underSignal } from "./context.js";
import { answererOf, toldOf } from "./extension.js";
import { type ChatLogProb, chatLogProb, pieceOf } from "./log-probs.js";
import { postJson } from "./post-json.js";
import { finishReasonOf, toldCall } from "./tools.js";
import { usageOf } from "./usage.js";

const answer = z
  .looseObject({ id: z.string(), object: z.literal("chat.completion"), choices: z.array(z.looseObject({})) })
  .openapi("ChatCompletion");

/** POST /v1/chat/completions. */
export function chatRoute(app: App, backend: Backend): void {
  const route = {
    path: "/v1/chat/completions",
    summary: "Answer a conversation",
    body: chatRequest,
    answer,
    streams: true,
  };
  postJson<ChatBody>(app, backend, route, (c, body) => answerChat(c, backend, body));
}

async function answerChat(c: AppContext, backend: Backend, body: ChatBody): Promise<Response> {
  const ask = chatAsk(body);
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: body.model };
  return body.stream === true
    ? await streamChat(c, backend, body, ask, head)
    : await whole(c, backend, body, ask, head);
}

async function whole(c: AppContext, backend: Backend, body: ChatBody, ask: ChatAsk, head: Head): Promise<Response> {
  const { llamafuse: extra } = body;
  const results = await underSignal(c, backend, (signal) =>
    backend.models.use(body.model, signal, async (model) => {
      const all: GenerateResult[] = [];
      const answerer = await answererOf(model, extra);
      for (const { options } of choicesOf(body, ask, model)) {
        const result = await answerer.generate(ask.messages, { ...options, signal });
        checkWhole(result, signal);
        all.push(result);
      }
      return all;
    }),
  );
  const choices = results.map((result, index) => ({
    index,
    message: {
      role: "assistant",
      content: result.text === "" && result.toolCalls !== undefined ? null : result.text,
      refusal: null,
      ...(result.toolCalls !== undefined && { tool_calls: result.toolCalls.map(toldCall) }),
      ...(result.reasoning !== undefined && { reasoning_content: mainReasoning(result) }),
    },
    logprobs: ask.top === undefined ? null : { content: logProbsOf(result, ask.top), refusal: null },
    finish_reason: finishReasonOf(result.finishReason),
    ...(extra != null && { llamafuse: toldOf(result, extra) }),
  }));
  const usage = usageOf(results);
  backend.onUsage(body.model, usage);
  return c.json({ ...head, object: "chat.completion", choices, usage });
}

function logProbsOf({ trace = [] }: GenerateResult, top: number): ChatLogProb[] {
  const told = trace.filter(({ chosen }) => chosen.end !== true);
  return told.map((step) => chatLogProb(pieceOf(step), step.fused.slice(0, top)));
}
