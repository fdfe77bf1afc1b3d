import { z } from "zod";
import { defineAlignment } from "../define-alignment.js";
import { BytesAlignment } from "./alignment.js";

/** Each needs as much memory as the member's context. */
const MOST_HYPOTHESES = 64;

/** Why a member's text does not go where the chosen bytes do. */
export const OWN_TOKENS = "every member spells the text in tokens of its own choice, and may not hold all of it yet";

export const bytes = defineAlignment({
  name: "bytes",
  summary: "The next byte: what each member's tokenisations of the text so far go on with.",
  options: z.strictObject({
    beam: z
      .int()
      .min(1)
      .max(MOST_HYPOTHESES)
      .default(4)
      .describe(`Tokenisations of the text that each member keeps, 1 … ${MOST_HYPOTHESES}.`),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(5e-3)
      .describe("Share of all weight from which the model is asked about a tokenisation; 0: about all."),
    canonical: z.boolean().default(false).describe("Keep only tokens that the member's own tokenizer would write."),
    heal: z
      .int()
      .min(0)
      .max(16)
      .default(1)
      .describe("Tokens at the prompt's end that may be spelt anew together with the answer; 0: none."),
  }),
  needs: ({ beam }) => ({ logits: true, branches: beam }),
  isPositive: "never",
  create: (context, options) => new BytesAlignment(context, options),
  laws: { covers: "some", exempt: { "one-text": OWN_TOKENS } },
});
