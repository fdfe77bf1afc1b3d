/** Answers of /v1/completions, whole and piece by piece: every prompt n times, one after another. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { GenerateResult } from "../../decoding/result.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { invalidUtf8At } from "../../vocabulary/utf8.js";
import type { App } from "../app.js";
import type { LoadedModel } from "../models/loaded-model.js";
import { type CompletionAsk, type CompletionBody, completionAsk, completionRequest } from "./completion-request.js";
import { type AppContext, type Backend, checkWhole, eventsOf, underSignal } from "./context.js";
import { answererOf, type Extension, toldOf, tracing } from "./extension.js";
import { addToken, type CompletionLogProbs, noCompletionLogProbs, pieceOf } from "./log-probs.js";
import { postJson } from "./post-json.js";
import { type ReadPrompt, readPrompt, scorePrompt } from "./prompt-scores.js";
import { seedOf } from "./seeds.js";
import { sumOf, type Usage, usageOf } from "./usage.js";

interface Choice {
  text: string;
  index: number;
  logprobs: CompletionLogProbs | null;
  finish_reason: string | null;
  /** Where the request has the field. */
  llamafuse?: object;
}

type Tell = (choice: Choice) => void;

const answer = z
  .looseObject({ id: z.string(), object: z.literal("text_completion"), choices: z.array(z.looseObject({})) })
  .openapi("Completion");

/** POST /v1/completions. */
export function completionRoute(app: App, backend: Backend): void {
  const route = { path: "/v1/completions", summary: "Continue texts", body: completionRequest, answer, streams: true };
  postJson<CompletionBody>(app, backend, route, (c, body) => answerCompletion(c, backend, body));
}

async function answerCompletion(c: AppContext, backend: Backend, body: CompletionBody): Promise<Response> {
  const ask = completionAsk(body);
  const head = {
    id: `cmpl-${randomUUID()}`,
    object: "text_completion",
    created: Math.floor(Date.now() / 1000),
    model: body.model,
  };
  if (body.stream !== true) {
    const choices: Choice[] = [];
    const usage = await underSignal(c, backend, (signal) =>
      backend.models.use(body.model, signal, (model) =>
        eachChoice(
          model,
          ask,
          body,
          signal,
          wholeOf((choice) => choices.push(choice)),
        ),
      ),
    );
    backend.onUsage(body.model, usage);
    return c.json({ ...head, choices, usage });
  }
  const withUsage = body.stream_options?.include_usage === true;
  const chunk = (choices: readonly Choice[], usage: Usage | null = null) => ({
    ...head,
    choices,
    ...(withUsage && { usage }),
  });
  return await eventsOf(c, backend, async (send, signal) => {
    const usage = await backend.models.use(body.model, signal, (model) =>
      eachChoice(
        model,
        ask,
        body,
        signal,
        pieceByPiece((choice) => send(chunk([choice]))),
      ),
    );
    backend.onUsage(body.model, usage);
    if (withUsage) send(chunk([], usage));
  });
}

/** Who answers, and over which members. */
interface Asked {
  extra: Extension;
  model: LoadedModel;
  answerer: Answerer;
}

type Answering = (
  asked: Asked,
  prompt: ReadPrompt,
  ask: CompletionAsk,
  index: number,
  signal: AbortSignal,
) => Promise<GenerateResult>;

/** What every prompt takes, all answers together. */
async function eachChoice(
  model: LoadedModel,
  ask: CompletionAsk,
  { n, llamafuse: extra }: CompletionBody,
  signal: AbortSignal,
  answer: Answering,
): Promise<Usage> {
  const count = n ?? 1;
  const usages: Usage[] = [];
  const asked = { extra, model, answerer: await answererOf(model, extra) };
  for (const [place, each] of ask.prompts.entries()) {
    const prompt = readPrompt(each, model);
    const results: GenerateResult[] = [];
    for (let copy = 0; copy < count; copy++) {
      const options = { ...ask.options, ...seedOf(ask.options, copy) };
      results.push(await answer(asked, prompt, { ...ask, options }, place * count + copy, signal));
    }
    usages.push(usageOf(results));
  }
  return sumOf(usages);
}

function wholeOf(tell: Tell): Answering {
  return async ({ extra, model, answerer }, prompt, { options, echo, top }, index, signal) => {
    const given = echo ? new TextDecoder().decode(prompt.bytes) : "";
    const logprobs = top === undefined ? null : noCompletionLogProbs();
    let at = 0;
    if (logprobs !== null && echo) {
      for (const { bytes, logProb, fused } of await scorePrompt(prompt, model, answerer, top!, signal)) {
        addToken(logprobs, asPiece(bytes), logProb, fused.slice(0, top), at);
        at += new TextDecoder().decode(bytes).length;
      }
    }
    const trace = tracing(top, extra);
    const result = await answerer.generate(prompt.bytes, { ...options, ...trace, signal });
    checkWhole(result, signal);
    for (const step of logprobs === null ? [] : (result.trace ?? [])) {
      const piece = pieceOf(step);
      addToken(logprobs!, piece, piece.logProb, step.fused.slice(0, top), at);
      at += piece.text.length;
    }
    tell({ text: given + result.text, index, logprobs, finish_reason: result.finishReason, ...toldIn(result, extra) });
    return result;
  };
}

function pieceByPiece(tell: Tell): Answering {
  return async ({ extra, answerer }, prompt, { options, echo, top }, index, signal) => {
    const trace = tracing(top, extra);
    const stream = answerer.stream(prompt.bytes, { ...options, ...trace, signal });
    let isFirst = true;
    let at = 0;
    for (;;) {
      const next = await stream.next();
      if (next.done) checkWhole(next.value, signal);
      const given = isFirst && echo ? new TextDecoder().decode(prompt.bytes) : "";
      if (given !== "") tell({ text: given, index, logprobs: null, finish_reason: null });
      if (isFirst) at = given.length;
      isFirst = false;
      if (next.done) {
        const { trace: _, ...rest } = next.value;
        tell({ text: "", index, logprobs: null, finish_reason: rest.finishReason, ...toldIn(rest, extra) });
        return next.value;
      }
      const { text, step } = next.value;
      const logprobs = step === undefined || top === undefined ? null : noCompletionLogProbs();
      if (step !== undefined && logprobs !== null) {
        const piece = pieceOf(step);
        addToken(logprobs, piece, piece.logProb, step.fused.slice(0, top), at);
        at += piece.text.length;
      }
      const llamafuse = step === undefined || extra?.trace == null ? {} : { llamafuse: { step } };
      if (text !== "" || logprobs !== null || "llamafuse" in llamafuse)
        tell({ text, index, logprobs, finish_reason: null, ...llamafuse });
    }
  };
}

function toldIn(result: GenerateResult, extra: Extension): Pick<Choice, "llamafuse"> {
  return extra == null ? {} : { llamafuse: toldOf(result, extra) };
}

/** Bytes as a piece of the trace. */
function asPiece(bytes: Uint8Array) {
  const text = new TextDecoder().decode(bytes);
  return invalidUtf8At(bytes) < 0 ? { text } : { text, bytes: Buffer.from(bytes).toString("hex") };
}
