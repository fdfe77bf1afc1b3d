/**
 * Collaborative decoding of critical tokens (Jin and others, "Collaborative decoding of critical tokens for boosting
 * factuality of large language models", arXiv 2402.17982): an aligned (chat) model writes, and where the next token
 * decides whether a fact comes out right, its pretrained model, which was not taught to please, says it.
 *
 *     p = one-hot(argmax p_knowledge)   if c(text so far) > threshold     (c: score of the critical-token classifier)
 *       = p_aligned                     otherwise
 *
 * A weighted mix of both distributions (as the survey puts it) with the decision, 0 or 1, as its weight. Two members; the
 * paper's are of one family and get their tokens as ids. Members with different vocabularies exchange text (ours). The
 * knowledge member decodes what it missed only when it is asked.
 *
 * Classifiers c of the next token, from the aligned member's output:
 * - "entropy": entropy of its distribution in nats (judges/heuristics.ts); threshold 1
 * - "entity": 1 where its likeliest token is part of a name or a number; threshold 0.5
 * - a file of `llamafuse train cds`: a logistic regression on its last hidden state; threshold 0.5
 * - any object with the Judge interface; threshold 0.5
 *
 * A critical token said greedily has probability 1, which is of no use where a given text is scored (Ensemble.score): there,
 * and in comparisons of choices, take critical: "sampled".
 *
 * The paper's classifier is a language model with a head for each token, trained on annotated text; neither is published.
 * The heuristics, the logistic regression, its data (training/train-cds.ts) and all thresholds are ours [unverified].
 */
import { z } from "zod";
import { indexOfMember } from "../../gate.js";
import type { MethodContext, MethodInfo, MethodRun } from "../../method.js";
import type { Roles } from "../../roles.js";
import { EntityJudge, EntropyJudge } from "./heuristics.js";
import { isJudge, type Judge, loadJudge } from "./model.js";
import { type SwitchParts, SwitchRun } from "./run.js";

export const cdsInfo: MethodInfo = {
  name: "cds",
  summary: "Critical-token decoding: an aligned model writes; where a fact hangs on the next token, the other says it.",
  source: "arXiv 2402.17982",
  requires: "Two members, as published of one family; any vocabularies.",
  options: {
    knowledge: "The member that says critical tokens, by name or index. Default 1, the second.",
    classifier:
      '"entropy" (default) or "entity" of the aligned member\'s distribution, or a file of "llamafuse train cds".',
    threshold: "A token is critical above this score; none with entity. Default 1 nat with entropy, else 0.5.",
    critical: '"greedy" (default, published): critical tokens are the likeliest; "sampled": drawn like the others.',
  },
};

export const cdsOptions = z
  .strictObject({
    knowledge: z.union([z.string(), z.int().min(0)]).default(1),
    classifier: z
      .union([z.string().min(1), z.custom<Judge>(isJudge, 'is "entropy", "entity", a file, or an object with a score')])
      .default("entropy"),
    threshold: z.number().min(0).optional(),
    critical: z.enum(["greedy", "sampled"]).default("greedy"),
  })
  .refine(({ classifier, threshold }) => classifier !== "entity" || threshold === undefined, {
    path: ["threshold"],
    error: 'is not used with classifier "entity", whose score is 0 or 1',
  });

export type CdsOptions = z.output<typeof cdsOptions>;

const DEFAULT_ENTROPY = 1;
const DEFAULT_SCORE = 0.5;

export const cdsRoles: Roles = { of: "cds", names: ["aligned", "knowledge"], instead: "a method such as unite" };

export function createCds(context: MethodContext, options: CdsOptions): MethodRun {
  const { voices } = context;
  const other = indexOfMember(voices, options.knowledge, "knowledge");
  const { classifier } = options;
  const threshold = options.threshold ?? (classifier === "entropy" ? DEFAULT_ENTROPY : DEFAULT_SCORE);
  return new SwitchRun(context, {
    leader: 1 - other,
    other,
    judge: judgeOf(classifier),
    yields: (score) => isCritical(score, threshold),
    otherIsGreedy: options.critical === "greedy",
  });
}

/** The switch. */
export function isCritical(score: number, threshold: number): boolean {
  return score > threshold;
}

function judgeOf(classifier: CdsOptions["classifier"]): SwitchParts["judge"] {
  if (classifier === "entropy") return new EntropyJudge();
  if (classifier === "entity") return new EntityJudge();
  return typeof classifier === "string" ? () => loadJudge(classifier, "cds") : classifier;
}
