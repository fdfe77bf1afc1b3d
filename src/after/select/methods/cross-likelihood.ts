/**
 * Ours: choose by how likely all members find each other's answers. A member that knows finds one of the answers far likelier
 * than the others; one that guesses finds them much alike. No label, prompt or judge is needed, and likelihoods are exact.
 *
 *     p_m(a) ∝ p_m(a | prompt)^(1/τ) over the different answers a;   c_m = 1 − H(p_m) / ln K   (K answers)
 *     product: score(a) = Σ_m w_m c_m ln p_m(a);   mixture: score(a) = Σ_m w_m c_m p_m(a)
 *
 * Probabilities are of the whole answer, without its end. Equal answers are scored once; p_m is added up over
 * answers that come down to the same (see answers.ts).
 */
import { z } from "zod";
import { softmax } from "../../../learning/softmax-regression.js";
import { answersOf, readingOption } from "../answers.js";
import { defineSelection, firstBest, sampling } from "../define-selection.js";
import { likelihoodTable } from "../likelihoods.js";

/** A probability of 0 has no logarithm. */
const LEAST = 1e-12;

const options = z.strictObject({
  ...sampling(1, 0.7),
  combine: z.enum(["product", "mixture"]).default("product").meta({
    description:
      'How members\' beliefs are put together: "product", the sum of their logarithms, or "mixture", their sum.',
  }),
  tau: z.number().positive().default(1).meta({ description: "Above 1, differences in likelihood count less." }),
  answer: readingOption,
});

export const crossLikelihood = defineSelection({
  name: "cross-likelihood",
  summary: "Gives the answer that the members, weighed by how sure they are, find likeliest among all answers.",
  source: "-",
  requires: "Two or more answers: members, samples or both.",
  options,
  create: ({ combine, tau, answer }) => ({
    select: async (candidates, context) => {
      const { question, judges, members } = context;
      const table = await likelihoodTable(candidates, context, "text");
      // An answer that cannot be read stands for itself.
      const keys = answersOf(candidates, answer, question).map((key, index) => key ?? `\n${candidates[index].text}`);
      const texts = [...new Set(candidates.map(({ text }) => text))];
      const answers = [...new Set(keys)];
      const scores = new Map(answers.map((each) => [each, 0]));
      for (const [place, judge] of judges.entries()) {
        const logs = texts.map((text) => table[candidates.findIndex((each) => each.text === text)][place] / tau);
        const beliefs = beliefsIn(
          answers,
          texts.map((text) => keys[candidates.findIndex((each) => each.text === text)]),
          logs,
        );
        const sureness = sureOf(beliefs) * members[judge].weight;
        for (const [index, belief] of beliefs.entries()) {
          const share = combine === "mixture" ? belief : Math.log(belief + LEAST);
          scores.set(answers[index], scores.get(answers[index])! + sureness * share);
        }
      }
      const all = keys.map((key) => scores.get(key)!);
      const chosen = firstBest(all);
      return {
        chosen,
        scores: all,
        reason: `Members find it likeliest, weighed by how sure they are: ${all[chosen].toPrecision(3)}.`,
      };
    },
  }),
  laws: [{}, { options: { combine: "mixture", tau: 2 } }],
});

/** A member's belief in each answer: the softmax over texts, summed over those that come down to the answer. */
function beliefsIn(answers: readonly string[], keys: readonly string[], logs: readonly number[]): number[] {
  // Where a member can say none of them, it has no opinion.
  const possible = logs.some((log) => log > Number.NEGATIVE_INFINITY);
  const shares = possible ? softmax(logs) : logs.map(() => 1 / logs.length);
  return answers.map((answer) => keys.reduce((sum, key, index) => (key === answer ? sum + shares[index] : sum), 0));
}

/** 1 for one answer alone, 0 where all are alike. */
function sureOf(beliefs: readonly number[]): number {
  if (beliefs.length < 2) return 1;
  const entropy = beliefs.reduce((sum, belief) => (belief > 0 ? sum - belief * Math.log(belief) : sum), 0);
  return 1 - entropy / Math.log(beliefs.length);
}
