/**
 * Sequential Monte Carlo over strings: an ensemble of whole texts, not of steps.
 *
 *     p(x) = f(p_1(x), …, p_n(x)) / Z        p_i(x): the probability that member i says x and ends
 *
 * Fusing step by step and normalising each time draws from another distribution: it gives away too much to beginnings that
 * cannot go on well. Particles with weights draw from p in the limit (population.ts); members meet at bytes, of which each has
 * an exact distribution (alignments/bytes). Bytes that all particles agree on are given out at once; at the end, one of the
 * texts is drawn by its weight. Temperatures other than 1, cuts and penalties are refused: all that is drawn comes from the
 * request's seed.
 *
 * f: "product" Π p_i, "minimum" min p_i, "mean" Σ w_i p_i, "geometric" Π p_i^(w_i), "power" (Σ w_i p_i^r)^(1/r). Source: arXiv
 * 2603.05432. Texts of the greatest length asked for count as complete, at W instead of p: that, the default of 8 particles
 * and a beam of 2 tokenisations for each text are ours.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { OWN_TOKENS } from "../../alignments/bytes/definition.js";
import { defineMethod } from "../../define-method.js";
import type { Voice } from "../../method.js";
import { schemaOptions } from "../../method-options.js";
import { SmcRun } from "./smc-run.js";
import type { StringFunction } from "./string-function.js";

/** Branches of a member: llama.cpp's limit on sequences. */
const MOST_BRANCHES = 256;
const DEFAULT_EXPONENT = -1;
const RULES = ["product", "minimum", "mean", "geometric", "power"] as const;

const options = z
  .strictObject({
    particles: z.int().min(1).max(MOST_BRANCHES).default(8).describe("Texts that grow side by side."),
    rule: z
      .enum(RULES)
      .default("product")
      .describe(
        "What becomes of the members' probabilities of a text: product, minimum, mean, geometric or power (mean).",
      ),
    exponent: z
      .number()
      .min(-100)
      .max(100)
      .optional()
      .meta({ description: 'r of the rule "power".', usual: DEFAULT_EXPONENT }),
    beam: z.int().min(1).max(64).default(2).describe("Tokenisations of each text that a member keeps."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(5e-3)
      .describe("The share of a text's weight from which a tokenisation is read; 0: all are."),
    heal: z.int().min(0).max(16).default(1).describe("Tokens at the prompt's end that may be spelt anew; 0: none."),
  })
  .refine(({ rule, exponent }) => rule === "power" || exponent === undefined, {
    path: ["exponent"],
    error: 'is used only with rule "power"',
  });

export const smc = defineMethod({
  name: "smc",
  summary: "Sequential Monte Carlo over whole texts: samples the product, minimum or mean of the members' texts.",
  source: "arXiv 2603.05432",
  requires: "Any vocabularies; a context for each tokenisation of each particle.",
  options: schemaOptions(options),
  needs: ({ particles, beam }) => ({ logits: true, branches: particles * beam }),
  ignoresWeights: ({ rule }) => (rule === "product" || rule === "minimum" ? `The rule "${rule}"` : undefined),
  saysAhead: true,
  create: (context, { particles, rule, exponent, beam, threshold, heal }) => {
    // A text is scored as one that is drawn, and nothing draws.
    if (context.draw === undefined && !context.greedy) {
      throw new LlamafuseError(
        "invalid-option",
        'The method smc draws texts and cannot score a given one. Score with the method "bytes".',
        { method: "smc" },
      );
    }
    const { shaping = [] } = context;
    if (shaping.length > 0) throw drawsTexts(shaping[0]);
    if (particles * beam > MOST_BRANCHES) {
      throw new LlamafuseError(
        "invalid-option",
        `smc needs particles × beam branches of each member: ${particles} × ${beam} = ${particles * beam}; allowed: ${MOST_BRANCHES}. Lower one of the two.`,
        { method: "smc", option: "particles", found: particles * beam, allowed: `1 … ${MOST_BRANCHES}` },
      );
    }
    return new SmcRun(context, functionOf(rule, exponent, context.voices), particles, { beam, threshold, heal });
  },
  laws: [
    {
      options: { particles: 4, rule: "mean" },
      covers: "some",
      exempt: { "one-text": OWN_TOKENS, bytes: "texts are grown before they are said", order: "each order draws anew" },
    },
    {
      options: { particles: 3, rule: "geometric", beam: 1 },
      covers: "some",
      exempt: { "one-text": OWN_TOKENS, bytes: "texts are grown before they are said", order: "each order draws anew" },
    },
  ],
});

/** The sampler chooses among bytes that are decided. */
function drawsTexts(option: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `smc draws whole texts by their probability, where ${option} does not apply. Leave it out, or use the method "bytes".`,
    { method: "smc", option, found: option, allowed: "no cuts, penalties or mirostat; temperature 1, or none" },
  );
}

function functionOf(
  rule: (typeof RULES)[number],
  exponent: number | undefined,
  voices: readonly Voice[],
): StringFunction {
  const weights = voices.map(({ weight }) => weight);
  switch (rule) {
    case "product":
    case "minimum":
      return { kind: rule };
    case "mean":
      return { kind: "power", r: 1, weights };
    case "geometric":
      return { kind: "power", r: 0, weights };
    case "power":
      return { kind: "power", r: exponent ?? DEFAULT_EXPONENT, weights };
  }
}
