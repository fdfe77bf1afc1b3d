/** Answers of /v1/chat/completions, whole and piece by piece. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { type GenerateResult, mainReasoning, type StreamChunk } from "../../decoding/result.js";
import type { App } from "../app.js";
import type { LoadedModel } from "../models/loaded-model.js";
import { type ChatAsk, type ChatBody, chatAsk, chatRequest } from "./chat-request.js";
import { type AppContext, type Backend, checkWhole, eventsOf, underSignal } from "./context.js";
import { type ChatLogProb, chatLogProb, pieceOf } from "./log-probs.js";
import { postJson } from "./post-json.js";
import { seedOf } from "./seeds.js";
import { usageOf } from "./usage.js";

interface Head {
  id: string;
  created: number;
  model: string;
}

interface Choice {
  /** Of n answers, which. */
  index: number;
  options: ChatAsk["options"];
}

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
  postJson<ChatBody>(app, route, (c, body) => answerChat(c, backend, body));
}

async function answerChat(c: AppContext, backend: Backend, body: ChatBody): Promise<Response> {
  const ask = chatAsk(body);
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: body.model };
  return body.stream === true ? await streamed(c, backend, body, ask, head) : await whole(c, backend, body, ask, head);
}

async function whole(c: AppContext, backend: Backend, body: ChatBody, ask: ChatAsk, head: Head): Promise<Response> {
  const results = await underSignal(c, backend, (signal) =>
    backend.models.use(body.model, signal, async (model) => {
      const all: GenerateResult[] = [];
      for (const { options } of choicesOf(body, ask, model)) {
        const result = await model.answerer.generate(ask.messages, { ...options, signal });
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
      content: result.text,
      refusal: null,
      ...(result.reasoning !== undefined && { reasoning_content: mainReasoning(result) }),
    },
    logprobs: ask.top === undefined ? null : { content: logProbsOf(result, ask.top), refusal: null },
    finish_reason: result.finishReason,
  }));
  const usage = usageOf(results);
  backend.onUsage(body.model, usage);
  return c.json({ ...head, object: "chat.completion", choices, usage });
}

async function streamed(c: AppContext, backend: Backend, body: ChatBody, ask: ChatAsk, head: Head): Promise<Response> {
  const withUsage = body.stream_options?.include_usage === true;
  const chunk = (choices: unknown[], usage: unknown = null) => ({
    ...head,
    object: "chat.completion.chunk",
    choices,
    ...(withUsage && { usage }),
  });
  return await eventsOf(c, backend, async (send, signal) => {
    const results = await backend.models.use(body.model, signal, async (model) => {
      const all: GenerateResult[] = [];
      for (const { index, options } of choicesOf(body, ask, model)) {
        const tell = (delta: object, logprobs: ChatLogProb[] = [], finish_reason: string | null = null) =>
          send(
            chunk([
              {
                index,
                delta,
                logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
                finish_reason,
              },
            ]),
          );
        const stream = model.answerer.stream(ask.messages, { ...options, signal });
        all.push(await tellAnswer(stream, ask.top, tell, signal));
      }
      return all;
    });
    const usage = usageOf(results);
    backend.onUsage(body.model, usage);
    if (withUsage) send(chunk([], usage));
  });
}

type Tell = (delta: object, logprobs?: ChatLogProb[], finishReason?: string) => void;

async function tellAnswer(
  stream: AsyncGenerator<StreamChunk, GenerateResult, void>,
  top: number | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<GenerateResult> {
  let hasBegun = false;
  let thinker: string | undefined;
  for (;;) {
    // What is wrong with the request comes up here, before anything is told.
    const next = await stream.next();
    if (next.done) checkWhole(next.value, signal);
    if (!hasBegun) tell({ role: "assistant", content: "" });
    hasBegun = true;
    if (next.done) {
      tell({}, [], next.value.finishReason);
      return next.value;
    }
    const { text, reasoning, step } = next.value;
    if (reasoning !== undefined) {
      // Where several members think, one text of thoughts is told.
      thinker ??= reasoning.member;
      if (reasoning.member === thinker) tell({ reasoning_content: reasoning.text });
      continue;
    }
    const told =
      step === undefined || step.chosen.end === true ? [] : [chatLogProb(pieceOf(step), step.fused.slice(0, top))];
    if (text !== "" || told.length > 0) tell({ content: text }, told);
  }
}

function* choicesOf({ n }: ChatBody, { options, top }: ChatAsk, { spec, contextSize }: LoadedModel): Generator<Choice> {
  const maxTokens = options.maxTokens ?? spec.options.request?.maxTokens ?? contextSize;
  const all = {
    ...options,
    ...(maxTokens !== undefined && { maxTokens }),
    // At least one candidate: the trace is where a stream tells what was chosen.
    ...(top !== undefined && { trace: Math.max(1, top) }),
  };
  for (let index = 0; index < (n ?? 1); index++) {
    yield { index, options: { ...all, ...seedOf(options, index) } };
  }
}

function logProbsOf({ trace = [] }: GenerateResult, top: number): ChatLogProb[] {
  const told = trace.filter(({ chosen }) => chosen.end !== true);
  return told.map((step) => chatLogProb(pieceOf(step), step.fused.slice(0, top)));
}
