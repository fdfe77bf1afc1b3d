/**
 * Purification by ensembling (Li and others, "Purifying Large Language Models by Ensembling a Small Language Model",
 * arXiv 2402.14845): a large model that was trained on doubtful text is fused with a small clean one of the same
 * vocabulary, and what only one of them has learned by heart loses its probability.
 *
 *     kl (default):  p = softmax((α z₁ + β z₂) / T)              α = β = ½: p ∝ √(p₁ p₂)
 *     max:           p ∝ min(softmax(z₁ / T), softmax(z₂ / T))
 *
 * For N members α, β, … are the members' weights. In the order of the paper member 1 is the large model; α and β trade
 * its usefulness against purification, and need not sum to 1. T unifies the sharpness of the result; a list gives each
 * member its own (α/T₁, β/T₂). Alignment: one vocabulary, token ids back to all; rules: log-linear with the coefficients
 * α/T and β/T, and minimum; every step.
 *
 * The paper's bound (k-NAF of CP-Δ): KL(p ‖ p_i) and ln max_u p/p_i stay finite wherever the members overlap. The kl form
 * is the published one; the exact max form was reconstructed from CP-Δ and not compared with released code [unverified].
 * End tokens are one entry, whose probability is their sum: where a member has several, T and the weights act on that.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { OneVocabularyAlignment } from "../alignments/one-vocabulary/alignment.js";
import { defineMethod } from "../define-method.js";
import { FusionRun } from "../fusion-run.js";
import { schemaOptions } from "../method-options.js";
import { LogLinearRule } from "../rules/log-linear.js";
import { MinimumRule } from "../rules/minimum.js";

const exponent = z.number().min(0).optional();
const oneTemperature = z.number().positive();

const options = z
  .strictObject({
    form: z
      .enum(["kl", "max"])
      .default("kl")
      .describe('"kl": softmax of the weighted sum of logits; "max": normalised minimum of the probabilities.'),
    alpha: exponent.meta({
      description: "With kl and two members: exponent of the first member.",
      usual: "the members' weights, ½ each",
    }),
    beta: exponent.describe("With kl and two members: exponent of the second member."),
    temperature: z
      .union([oneTemperature, z.array(oneTemperature).min(2)])
      .default(1)
      .describe("Temperature T, above 0, for all members, or a list with one value for each."),
  })
  .refine(({ form, alpha }) => form === "kl" || alpha === undefined, {
    path: ["alpha"],
    error: 'is used only with form "kl"',
  })
  .refine(({ alpha, beta }) => (alpha === undefined) === (beta === undefined), {
    path: ["beta"],
    error: "goes together with alpha: give both or none of them",
  })
  .refine(({ alpha, beta }) => alpha === undefined || alpha + beta! > 0, {
    path: ["alpha"],
    error: "or beta must be above 0",
  });

type PurifyOptions = z.output<typeof options>;

const GEOMETRIC = "neither form's end is the mean of the members'";

export const purify = defineMethod({
  name: "purify",
  summary: "Purification: keeps tokens that all members rate likely, by geometric mean (CP-Δ, kl) or minimum (max).",
  source: "arXiv 2402.14845",
  requires: "One vocabulary.",
  options: schemaOptions(options),
  needs: () => ({ logits: true, oneVocabulary: true }),
  ignoresWeights: ({ form, alpha }) =>
    form === "max" ? 'The form "max" of purify' : alpha === undefined ? undefined : "purify with alpha and beta",
  create: (context, { form, temperature, alpha, beta }) => {
    const { voices } = context;
    const alignment = new OneVocabularyAlignment(context, {
      of: "purify",
      instead: "a method for any vocabularies such as product, gac or unite",
    });
    if (alpha !== undefined) requireCount("alpha and beta", 2, voices.length);
    if (typeof temperature !== "number") requireCount("temperature", temperature.length, voices.length);
    const exponents = alpha === undefined ? voices.map(({ weight }) => weight) : [alpha, beta!];
    const coefficients = exponents.map((each, voice) => each / temperatureOf(temperature, voice));
    const rule = form === "kl" ? new LogLinearRule({ coefficients }) : new MinimumRule({ temperature });
    return new FusionRun(context, { alignment, rule });
  },
  laws: [
    { covers: "all", exempt: { end: GEOMETRIC } },
    { options: { form: "max" }, covers: "all", exempt: { end: GEOMETRIC } },
  ],
});

function temperatureOf(temperature: PurifyOptions["temperature"], voice: number): number {
  return typeof temperature === "number" ? temperature : temperature[voice];
}

function requireCount(option: string, given: number, members: number): void {
  if (given === members) return;
  throw new LlamafuseError(
    "invalid-option",
    `The option ${option} of purify needs ${given} members, but the ensemble has ${members}. Use the members' weights or one temperature instead.`,
    { method: "purify", option, found: given, allowed: members },
  );
}
