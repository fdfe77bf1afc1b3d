/** What routers that learn online can be told, by the kind that each understands. */
import { LlamafuseError } from "../../errors.js";
import type { RouterFeedback } from "../router.js";

export type OutcomeFeedback = Extract<RouterFeedback, { model: string }>;
export type PairFeedback = Extract<RouterFeedback, { a: string }>;

/** Errors: invalid-option for a comparison, or a quality that is none. */
export function withoutPairs(feedback: RouterFeedback, router: string): OutcomeFeedback {
  if (!("model" in feedback))
    throw refused(router, "a comparison of two models", "one model's quality: { query, model, quality }");
  if (feedback.quality >= 0 && feedback.quality <= 1) return feedback;
  throw refused(router, `the quality ${feedback.quality}`, "a quality from 0 to 1");
}

/** Errors: invalid-option for one model's quality. */
export function onlyPairs(feedback: RouterFeedback, router: string): PairFeedback {
  if ("a" in feedback) return feedback;
  throw refused(router, "one model's quality", 'which of two was better: { query, a, b, outcome: "a" | "b" | "tie" }');
}

function refused(router: string, found: string, allowed: string): LlamafuseError {
  return new LlamafuseError("invalid-option", `${router} received ${found}; it learns from ${allowed}.`, {
    found,
    allowed,
    option: "feedback",
  });
}
