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
 * - "entropy": entropy of its distribution in nats (heuristics.ts); threshold 1
 * - "entity": 1 where its likeliest token is part of a name or a number; threshold 0.5
 * - a file of `llamafuse train cds`: a logistic regression on its last hidden state; threshold 0.5
 * - any object with the interface SwitchingModel; threshold 0.5
 *
 * A critical token said greedily has probability 1, which is of no use where a given text is scored (Ensemble.score): there,
 * and in comparisons of choices, take critical: "sampled".
 *
 * The paper's classifier is a language model with a head for each token, trained on annotated text; neither is published.
 * The heuristics, the logistic regression, its data (training/train-cds.ts) and all thresholds are ours [unverified].
 */
import { z } from "zod";
import { defineMethod } from "../../define-method.js";
import { indexOfMember, memberOption } from "../../member-option.js";
import { schemaOptions } from "../../method-options.js";
import { allNeeds } from "../../needs.js";
import { EntityModel, EntropyModel } from "./heuristics.js";
import { SwitchRun } from "./run.js";
import { buildSwitch, needsOfSwitch, SWITCHED } from "./switch.js";
import { isSwitchingModel, loadSwitchingModel, type SwitchingModel } from "./switching-model.js";

const DEFAULT_ENTROPY = 1;
const DEFAULT_SCORE = 0.5;

const options = z
  .strictObject({
    knowledge: memberOption
      .default(1)
      .describe("The member that chooses critical tokens, by name or index; 1 is the second."),
    classifier: z
      .union([
        z.string().min(1),
        z.custom<SwitchingModel>(isSwitchingModel, 'is "entropy", "entity", a file, or an object with a score'),
      ])
      .default("entropy")
      .describe('"entropy" or "entity" of the aligned member\'s distribution, or a file of "llamafuse train cds".'),
    threshold: z
      .number()
      .min(0)
      .optional()
      .meta({
        description: "A token is critical above this score; not used with entity.",
        usual: `${DEFAULT_ENTROPY} nat with entropy, else ${DEFAULT_SCORE}`,
      }),
    critical: z
      .enum(["greedy", "sampled"])
      .default("greedy")
      .describe('"greedy" (published): take the most probable critical token; "sampled": draw it like the others.'),
  })
  .refine(({ classifier, threshold }) => classifier !== "entity" || threshold === undefined, {
    path: ["threshold"],
    error: 'is not used with classifier "entity", whose score is 0 or 1',
  });

type Classifier = z.output<typeof options>["classifier"];

export const cds = defineMethod({
  name: "cds",
  summary:
    "Critical-token decoding: an aligned model writes; when the next token carries a fact, the other model chooses it.",
  source: "arXiv 2402.17982; the classifiers and thresholds are ours, the published ones were never released",
  requires: "Two members (published: of one family); any vocabularies.",
  options: schemaOptions(options),
  needs: ({ knowledge, classifier }, { voices, index }) => {
    const leads = indexOfMember(voices, knowledge, "knowledge") !== index;
    return allNeeds(needsOfSwitch(voices), leads ? needsOf(classifier) : {});
  },
  roles: () => ({ of: "cds", names: ["aligned", "knowledge"], instead: "a method such as unite" }),
  create: (context, given) => {
    const other = indexOfMember(context.voices, given.knowledge, "knowledge");
    const { classifier } = given;
    const threshold = given.threshold ?? (classifier === "entropy" ? DEFAULT_ENTROPY : DEFAULT_SCORE);
    return new SwitchRun(context, {
      leader: 1 - other,
      other,
      model: modelOf(classifier),
      yields: (score) => isCritical(score, threshold),
      otherIsGreedy: given.critical === "greedy",
    });
  },
  build: async (voices, { knowledge, classifier }) => {
    const other = indexOfMember(voices, knowledge, "knowledge");
    await buildSwitch(voices, { leader: 1 - other, other, model: modelOf(classifier) });
  },
  laws: [
    { options: { threshold: 4, critical: "sampled" }, covers: "all", exempt: SWITCHED },
    { options: { classifier: "entity", critical: "sampled" }, covers: "all", exempt: SWITCHED },
  ],
});

/** The switch. */
export function isCritical(score: number, threshold: number): boolean {
  return score > threshold;
}

/** Its own needs where it can tell them; a file's models read hidden states. */
function needsOf(classifier: Classifier) {
  const known = modelOf(classifier);
  if (typeof known === "function") return { hiddenStates: true };
  return { topDepth: known.needs.top, hiddenStates: known.needs.hidden };
}

function modelOf(classifier: Classifier): SwitchingModel | (() => Promise<SwitchingModel>) {
  if (classifier === "entropy") return new EntropyModel();
  if (classifier === "entity") return new EntityModel();
  return typeof classifier === "string" ? () => loadSwitchingModel(classifier, "cds") : classifier;
}
