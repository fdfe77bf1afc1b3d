/** The answers that one request to /v1/chat/completions asks for. */
import type { LoadedModel } from "../models/loaded-model.js";
import type { ChatAsk, ChatBody } from "./chat-request.js";
import { tracing } from "./extension.js";
import { seedOf } from "./seeds.js";

export interface Head {
  id: string;
  created: number;
  model: string;
}

export interface Choice {
  /** Of n answers, which. */
  index: number;
  options: ChatAsk["options"];
}

/** Every answer has a seed of its own, so that n answers differ and repeat. */
export function* choicesOf(
  { n, llamafuse: extra }: ChatBody,
  { options, top }: ChatAsk,
  { spec, contextSize }: LoadedModel,
): Generator<Choice> {
  const maxTokens = options.maxTokens ?? spec.options.request?.maxTokens ?? contextSize;
  const all = {
    ...options,
    ...(maxTokens !== undefined && { maxTokens }),
    ...tracing(top, extra),
  };
  for (let index = 0; index < (n ?? 1); index++) {
    yield { index, options: { ...all, ...seedOf(options, index) } };
  }
}
