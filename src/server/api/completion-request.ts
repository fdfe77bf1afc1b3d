/** What /v1/completions takes, and what the library is asked for it. */
import { z } from "@hono/zod-openapi";
import { checkText } from "../../decoding/messages.js";
import type { GenerateOptions } from "../../decoding/request.js";
import { badRequest, reading } from "../refusals.js";
import {
  MOST_TOP_LOGPROBS,
  otherParameters,
  refuseUnsupported,
  type SharedBody,
  samplingOf,
  sharedParameters,
} from "./parameters.js";

/** OpenAI's default. */
const DEFAULT_MAX_TOKENS = 16;
const MOST_PROMPTS = 256;

const tokenIds = z.array(z.int().min(0)).min(1);

export const completionRequest = z
  .strictObject({
    ...sharedParameters,
    prompt: z
      .union([
        z.string(),
        tokenIds,
        z.array(z.string()).min(1).max(MOST_PROMPTS),
        z.array(tokenIds).min(1).max(MOST_PROMPTS),
      ])
      .openapi({ description: "A text, several texts, or token ids of the model's first member (see /tokenize)." }),
    echo: z.boolean().nullish().openapi({ description: "Put the prompt before the answer, with logprobs too." }),
    logprobs: z
      .int()
      .min(0)
      .max(MOST_TOP_LOGPROBS)
      .nullish()
      .openapi({ description: "Tell what every step chose and so many candidates." }),
    ...otherParameters,
  })
  .openapi("CompletionRequest");

export type Prompt = string | number[];

export interface CompletionBody extends SharedBody {
  prompt: Prompt | string[] | number[][];
  echo?: boolean | null;
  logprobs?: number | null;
}

export interface CompletionAsk {
  prompts: Prompt[];
  options: GenerateOptions & { maxTokens: number };
  echo: boolean;
  /** How many candidates of each step are told; undefined: nothing is told of the steps. */
  top: number | undefined;
}

/** Errors: invalid-option, with the parameter. */
export function completionAsk(body: CompletionBody): CompletionAsk {
  refuseUnsupported(body);
  const prompts = promptsOf(body.prompt);
  for (const [index, prompt] of prompts.entries()) {
    if (typeof prompt === "string") reading("prompt", () => checkText(prompt, `Prompt ${index + 1}`));
  }
  const { logprobs, echo, stream } = body;
  if (stream === true && echo === true && logprobs != null) {
    throw badRequest("echo", "echo with logprobs is not streamed. Leave out stream.", { found: true });
  }
  return {
    prompts,
    options: { ...samplingOf(body), maxTokens: body.max_tokens ?? DEFAULT_MAX_TOKENS },
    echo: echo === true,
    top: logprobs ?? undefined,
  };
}

function promptsOf(prompt: CompletionBody["prompt"]): Prompt[] {
  if (typeof prompt === "string") return [prompt];
  return typeof prompt[0] === "number" ? [prompt as number[]] : (prompt as Prompt[]);
}
