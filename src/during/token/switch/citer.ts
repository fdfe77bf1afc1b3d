/**
 * CITER: a small model writes, and a router on its hidden state calls the large one for the tokens that it cannot be
 * trusted with (Zheng and others, "CITER: Collaborative Inference for Efficient Large Language Model Decoding with
 * Token-Level Routing", arXiv 2502.01976).
 *
 *     h = last-layer state of the small model behind the text so far
 *     s = router(h) = P(the small model will do)                      (learning/batch-norm-mlp.ts)
 *     next token from the large model if s < threshold, else from the small one; in both cases as the sampler wants it
 *
 * Defaults: threshold 0.9 as in the released README (its functions say 0.5, its command line 0.95); both models greedy
 * there, which is temperature 0 here. The released code lets the large model read all text anew whenever it is called;
 * here it keeps its cache and decodes what it missed. Two members; the paper's share a vocabulary and get their tokens as
 * ids, others exchange text (ours). The router is made by `llamafuse train citer` (training/train-citer.ts).
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { indexOfMember } from "../../gate.js";
import type { MethodContext, MethodInfo, MethodRun } from "../../method.js";
import type { Roles } from "../../roles.js";
import { isJudge, type Judge, loadJudge } from "./model.js";
import { SwitchRun } from "./run.js";

export const citerInfo: MethodInfo = {
  name: "citer",
  summary: "Token-level routing: a small model writes, a router on its hidden state calls the large one when needed.",
  source: "arXiv 2502.01976",
  requires: "Two members, as published with one vocabulary; a router trained on them.",
  options: {
    router: 'A file of "llamafuse train citer" for these members. Needed.',
    small: "The small member, by name or index. Default 0, the first.",
    threshold: "The large member speaks below this score. Default 0.9; 0 never asks it.",
  },
};

export const citerOptions = z.strictObject({
  router: z.union([z.string().min(1), z.custom<Judge>(isJudge, "is a file, or an object with a score")]).optional(),
  small: z.union([z.string(), z.int().min(0)]).default(0),
  threshold: z.number().min(0).max(1).default(0.9),
});

export type CiterOptions = z.output<typeof citerOptions>;

export const citerRoles: Roles = { of: "citer", names: ["small", "large"], instead: "a method such as unite" };

export function createCiter(context: MethodContext, { router, small, threshold }: CiterOptions): MethodRun {
  const leader = indexOfMember(context.voices, small, "small");
  if (router === undefined) {
    throw new LlamafuseError(
      "invalid-option",
      'citer needs a router that was trained on these members. Make one with "llamafuse train citer", and name its file as the option router.',
      { option: "router", allowed: 'a file of "llamafuse train citer"' },
    );
  }
  return new SwitchRun(context, {
    leader,
    other: 1 - leader,
    judge: typeof router === "string" ? () => loadJudge(router, "citer") : router,
    yields: (score) => callsLarge(score, threshold),
  });
}

/** The routing decision. */
export function callsLarge(score: number, threshold: number): boolean {
  return score < threshold;
}
