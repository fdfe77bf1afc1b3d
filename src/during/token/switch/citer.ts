/**
 * CITER: a small model writes, and a router on its hidden state calls the large one for the tokens that it cannot be
 * trusted with (Zheng and others, "CITER: Collaborative Inference for Efficient Large Language Model Decoding with
 * Token-Level Routing", arXiv 2502.01976).
 *
 *     h = last-layer state of the small model behind the text so far
 *     s = router(h) = P(the small model will do)                      (learning/batch-norm-mlp.ts)
 *     next token from the large model if s < threshold, else from the small one; in both cases as the sampler chooses
 *
 * Defaults: threshold 0.9 as in the released README (its functions say 0.5, its command line 0.95); both models greedy
 * there, which is temperature 0 here. The released code lets the large model read all text anew whenever it is called;
 * here it keeps its cache and decodes what it missed. Two members; the paper's share a vocabulary and get their tokens as
 * ids, others exchange text (ours). The router is made by `llamafuse train citer` (training/train-citer.ts).
 */
import { z } from "zod";
import { defineMethod } from "../../define-method.js";
import { indexOfMember, memberOption } from "../../member-option.js";
import { schemaOptions } from "../../method-options.js";
import { allNeeds } from "../../needs.js";
import { SwitchRun } from "./run.js";
import { buildSwitch, needsOfSwitch, SWITCHED } from "./switch.js";
import { isSwitchingModel, loadSwitchingModel, type SwitchingModel } from "./switching-model.js";

type Router = string | SwitchingModel;

const options = z.strictObject({
  small: memberOption.default(0).describe("The small member, by name or index; 0 is the first."),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe("The large member chooses the token below this score; 0 never asks it."),
  router: z
    .union([z.string().min(1), z.custom<SwitchingModel>(isSwitchingModel, "is a file, or an object with a score")])
    .describe('A file that "llamafuse train citer" made for these members. Required.'),
});

/** As a law needs one: the small model will do where its likeliest token is even. */
const EVEN: SwitchingModel = { needs: { top: 1 }, score: ({ output }) => output.topIds[0] % 2 };

export const citer = defineMethod({
  name: "citer",
  summary:
    "Token-level routing: a small model writes; a router reads its hidden state and calls the large model when needed.",
  source: "arXiv 2502.01976",
  requires: "Two members (published: with one vocabulary); a router trained for them.",
  options: schemaOptions(options),
  needs: ({ small, router }, { voices, index }) => {
    const leads = indexOfMember(voices, small, "small") === index;
    return allNeeds(needsOfSwitch(voices), leads ? needsOf(router) : {});
  },
  roles: () => ({ of: "citer", names: ["small", "large"], instead: "a method such as unite" }),
  create: (context, { router, small, threshold }) => {
    const leader = indexOfMember(context.voices, small, "small");
    return new SwitchRun(context, {
      leader,
      other: 1 - leader,
      model: modelOf(router),
      yields: (score) => callsLarge(score, threshold),
    });
  },
  build: async (voices, { router, small }) => {
    const leader = indexOfMember(voices, small, "small");
    await buildSwitch(voices, { leader, other: 1 - leader, model: modelOf(router) });
  },
  laws: [{ options: { router: EVEN, threshold: 0.5 }, covers: "all", exempt: SWITCHED }],
});

/** The routing decision. */
export function callsLarge(score: number, threshold: number): boolean {
  return score < threshold;
}

/** A file's models read hidden states. */
function needsOf(router: Router) {
  if (typeof router === "string") return { hiddenStates: true };
  return { topDepth: router.needs.top, hiddenStates: router.needs.hidden };
}

function modelOf(router: Router): SwitchingModel | (() => Promise<SwitchingModel>) {
  return typeof router === "string" ? () => loadSwitchingModel(router, "citer") : router;
}
