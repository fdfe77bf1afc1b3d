/** What a line of a ledger must hold to be an answer. */
import { z } from "zod";
import type { Answer } from "./answer-cache.js";

const amount = z.number().min(0);
const piece = z.looseObject({
  text: z.string(),
  bytes: z.string().optional(),
  end: z.literal(true).optional(),
  // JSON has no infinity.
  logProb: z.number().nullable(),
});

const answer = z.looseObject({
  text: z.string(),
  finishReason: z.enum(["stop", "length", "aborted", "tool-calls"]).optional(),
  pieces: z.array(piece).optional(),
  logLikelihoods: z.array(z.number().nullable()).optional(),
  steps: z.int().min(0),
  tokens: z.array(z.int().min(0)),
  seconds: amount,
  promptSeconds: amount,
});

export function isAnswer(value: unknown): value is Answer {
  return answer.safeParse(value).success;
}
