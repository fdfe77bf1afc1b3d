import { z } from "zod";
import { memberOption } from "../../member-option.js";
import { GivenWeights } from "../../weightings/weighting.js";
import { defineAlignment } from "../define-alignment.js";
import { buildRelative, RelativeRun, type RelativeRunOptions } from "./run.js";

const options = z.strictObject({
  main: memberOption.default(0).describe("The member that provides the tokens to choose from, by name or index."),
  learningRate: z.number().min(0).default(0.15).describe("η of the search for tokens; 0 leaves the main member alone."),
  steps: z.int().min(1).default(5).describe("Steps of the search."),
  weightDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("λ of the search's AdamW; with 0, distributions that already agree stay unchanged."),
  anchors: z
    .int()
    .min(2)
    .optional()
    .meta({ description: "Anchors at most, drawn from the common tokens.", usual: "all" }),
  seed: z.int().min(0).default(0).describe("Draws the anchors."),
});

export const relative = defineAlignment({
  name: "relative",
  summary: "Similarity to the tokens that all members share, then a search for a main-member token (DeePEn).",
  options,
  needs: () => ({ logits: true, embeddings: "input", goingBack: true }),
  isPositive: "always",
  createRun: (context, given, { rule, weighting = new GivenWeights(context.voices) }) =>
    new RelativeRun(context, runOptions(given), { rule, weighting }),
  build: (voices, given, run) => buildRelative(voices, runOptions(given), run),
  laws: {
    covers: "all",
    exempt: {
      order: "the main member's tokens are searched for",
      end: "the end is searched for as all tokens are, and is no mean",
      weights: "the published decay flattens the main member's own distribution",
      agreement: "the published decay flattens distributions that agree, by less than a hundredth of their logits",
    },
    rounding: 4,
  },
});

/** As DeePEn is published, but for the options given. */
function runOptions(given: z.output<typeof options>): RelativeRunOptions {
  return { ...given, feedback: "token", compat: false };
}
