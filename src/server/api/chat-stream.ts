/** Answers of /v1/chat/completions as events. */
import type { GenerateResult, StreamChunk } from "../../decoding/result.js";
import { choicesOf, type Head } from "./chat-choices.js";
import type { ChatAsk, ChatBody } from "./chat-request.js";
import { type AppContext, type Backend, checkWhole, eventsOf } from "./context.js";
import { answererOf, toldOf } from "./extension.js";
import { type ChatLogProb, chatLogProb, pieceOf } from "./log-probs.js";
import { finishReasonOf, toldCall } from "./tools.js";
import { usageOf } from "./usage.js";

/** What a chunk says of one choice. */
interface News {
  delta?: { role?: string; content?: string; reasoning_content?: string; tool_calls?: object[] };
  logprobs?: ChatLogProb[];
  finish_reason?: string;
  /** Where the request has the field. */
  llamafuse?: object;
}

export async function streamChat(
  c: AppContext,
  backend: Backend,
  body: ChatBody,
  ask: ChatAsk,
  head: Head,
): Promise<Response> {
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
      const answerer = await answererOf(model, body.llamafuse);
      for (const { index, options } of choicesOf(body, ask, model)) {
        const stream = answerer.stream(ask.messages, { ...options, signal });
        const tell = (news: News) => send(chunk([choiceOf(index, news)]));
        all.push(await tellAnswer(stream, body, ask, tell, signal));
      }
      return all;
    });
    const usage = usageOf(results);
    backend.onUsage(body.model, usage);
    if (withUsage) send(chunk([], usage));
  });
}

function choiceOf(index: number, { delta = {}, logprobs = [], finish_reason = undefined, llamafuse }: News) {
  return {
    index,
    delta,
    logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
    finish_reason: finish_reason ?? null,
    ...(llamafuse !== undefined && { llamafuse }),
  };
}

async function tellAnswer(
  stream: AsyncGenerator<StreamChunk, GenerateResult, void>,
  { llamafuse: extra }: ChatBody,
  { top }: ChatAsk,
  tell: (news: News) => void,
  signal: AbortSignal,
): Promise<GenerateResult> {
  let hasBegun = false;
  let calls = 0;
  let thinker: string | undefined;
  for (;;) {
    // What is wrong with the request comes up here, before anything is told.
    const next = await stream.next();
    if (next.done) checkWhole(next.value, signal);
    if (!hasBegun) tell({ delta: { role: "assistant", content: "" } });
    hasBegun = true;
    if (next.done) {
      const { steps: _, ...told } = extra == null ? { steps: undefined } : toldOf(next.value, extra);
      tell({ finish_reason: finishReasonOf(next.value.finishReason), ...(extra != null && { llamafuse: told }) });
      return next.value;
    }
    const { text, reasoning, step, toolCalls = [] } = next.value;
    if (reasoning !== undefined) {
      // Where several members think, one text of thoughts is told; the others' where the request has our field.
      thinker ??= reasoning.member;
      const delta = reasoning.member === thinker ? { reasoning_content: reasoning.text } : {};
      if (reasoning.member === thinker || extra != null)
        tell({ delta, ...(extra != null && { llamafuse: { reasoning } }) });
      continue;
    }
    const told: News = {
      delta: { content: text },
      logprobs:
        step === undefined || step.chosen.end || top === undefined
          ? []
          : [chatLogProb(pieceOf(step), step.fused.slice(0, top))],
      ...(step !== undefined && extra?.trace != null && { llamafuse: { step } }),
    };
    if (text !== "" || told.logprobs!.length > 0 || told.llamafuse !== undefined) tell(told);
    for (const call of toolCalls) tell({ delta: { tool_calls: [{ index: calls++, ...toldCall(call) }] } });
  }
}
