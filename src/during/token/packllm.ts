/**
 * PackLLM: members weighted by how well they predict the prompt (Mavromatis, Karypis and Karypis, "Pack of LLMs: Model
 * Fusion at Test-Time via Perplexity Optimization", arXiv 2404.11531): alignment "mined", rule "product", weights
 * "perplexity" (sim) or "perplexity-search" (opt).
 *
 *     p(x) = softmax(Σ_i λ_i z_i(map_i(x)))        x: tokens of the reference, λ from the prompt, Σ λ_i = 1
 *
 * A softmax of weighted logits is the normalised product of the distributions to these powers, so the rule is the geometric
 * mixture. See alignments/mined for the map, weightings/perplexity.ts and perplexity-search.ts for λ. Defaults: sim, τ = 1, the member with
 * the lowest perplexity as reference, the prompt's λ kept through the answer (as the paper has it); `refresh` computes
 * them anew from prompt and answer.
 *
 * λ is measured as the released code does it: all members read the reference's tokens, mapped one by one, and say how likely
 * each was among the reference's tokens. Each place is one decode of one token; sim reads the last 512 places of the prompt,
 * opt the last ones that fit 512 MiB. With `per: "byte"` sim reads each member's own tokens at once, and counts nats a byte.
 * With `compat` the answer is read as mapped tokens too. The released code only scores given
 * answers, with weights from prompt and answer together; generating with the prompt's weights is ours after the paper.
 */
import { z } from "zod";
import { MinedAlignment } from "../alignments/mined/alignment.js";
import { buildMined, mined } from "../alignments/mined/definition.js";
import { defineMethod, PUBLISHED_STRINGS } from "../define-method.js";
import { FusionRun } from "../fusion-run.js";
import { schemaOptions } from "../method-options.js";
import { LogLinearRule } from "../rules/log-linear.js";
import { perOption, perplexity } from "../weightings/perplexity.js";
import { perplexitySearch } from "../weightings/perplexity-search.js";
import { refreshOption } from "../weightings/prompt-weights.js";

const DEFAULT_TAU = 1;

const options = z
  .strictObject({
    variant: z
      .enum(["sim", "opt"])
      .default("sim")
      .describe('"sim": weights from the perplexities; "opt": search for the mixture with the lowest perplexity.'),
    tau: z
      .number()
      .positive()
      .optional()
      .meta({ description: "With sim: τ, below 1 for sharper weights.", usual: DEFAULT_TAU }),
    per: perOption
      .unwrap()
      .optional()
      .meta({ description: `With sim: ${perOption.description}`, usual: '"token"' }),
    refresh: refreshOption,
    reference: mined.options.shape.reference,
    compat: z
      .boolean()
      .default(false)
      .describe("As released: map the reference's tokens one by one for the other members."),
  })
  .refine(({ variant, tau }) => variant === "sim" || tau === undefined, {
    path: ["tau"],
    error: 'is used only with variant "sim"',
  })
  .refine(({ variant, per }) => variant === "sim" || per === undefined, {
    path: ["per"],
    error: 'is used only with variant "sim"',
  });

export const packllm = defineMethod({
  name: "packllm",
  summary: "Perplexity: a product of the members, weighted by how well each predicts the prompt.",
  source: "arXiv 2404.11531",
  requires: "Any vocabularies.",
  options: schemaOptions(options),
  needs: () => ({ logits: true, promptScores: true, goingBack: true }),
  create: (context, { variant, tau = DEFAULT_TAU, per = "token", refresh, reference, compat }) => {
    const { voices } = context;
    const alignment = new MinedAlignment(context, { reference, compat });
    const weighting =
      variant === "sim"
        ? perplexity.create(voices, { tau, refresh, per }, alignment)
        : perplexitySearch.create(voices, { refresh }, alignment);
    return new FusionRun(context, { alignment, rule: new LogLinearRule(), weighting });
  },
  build: (voices, given, run) => buildMined(voices, given, run),
  laws: [
    { covers: "some", rounding: 2 },
    { options: { variant: "opt", refresh: 5 }, covers: "some", rounding: 2 },
    {
      options: { compat: true },
      covers: "some",
      exempt: { order: "the reference's tokens are what is said", ...PUBLISHED_STRINGS },
    },
  ],
});
