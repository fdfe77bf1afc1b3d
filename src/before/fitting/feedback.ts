/** What routers that learn online can be told, by the kind that each understands. */
import { LlamafuseError } from "../../errors.js";
import { checkText, readPlain, shown } from "../../read-options.js";
import type { RouterFeedback } from "../router.js";
import { checkQuery } from "./trained-router.js";

export type OutcomeFeedback = Extract<RouterFeedback, { model: string }>;
export type PairFeedback = Extract<RouterFeedback, { a: string }>;

/** Errors: invalid-option for a comparison, or a quality that is none. */
export function withoutPairs(given: RouterFeedback, router: string): OutcomeFeedback {
  const feedback = readFeedback(given);
  if (!("model" in feedback))
    throw refused(router, "a comparison of two models", "one model's quality: { query, model, quality }");
  if (typeof feedback.quality === "number" && feedback.quality >= 0 && feedback.quality <= 1) return feedback;
  throw refused(router, `the quality ${shown(feedback.quality)}`, "a quality from 0 to 1");
}

/** Errors: invalid-option for one model's quality. */
export function onlyPairs(given: RouterFeedback, router: string): PairFeedback {
  const feedback = readFeedback(given);
  if ("a" in feedback && ["a", "b", "tie"].includes(feedback.outcome)) return feedback;
  throw refused(router, "one model's quality", 'which of two was better: { query, a, b, outcome: "a" | "b" | "tie" }');
}

function readFeedback(given: RouterFeedback): RouterFeedback {
  const feedback = readPlain("The feedback", given, "an object: { query, model, quality }");
  checkQuery(feedback.query);
  for (const name of ["model", "a", "b"] as const)
    if (name in feedback)
      checkText(`The feedback's ${name}`, (feedback as unknown as Record<string, unknown>)[name], "a model's name");
  return feedback;
}

function refused(router: string, found: string, allowed: string): LlamafuseError {
  return new LlamafuseError("invalid-option", `${router} received ${found}; it learns from ${allowed}.`, {
    found,
    allowed,
    option: "feedback",
  });
}
