import { z } from "zod";
import { FEEDBACK_TEXT, feedbackChoice } from "../../feedback-option.js";
import { defineAlignment } from "../define-alignment.js";
import { UnionAlignment } from "./alignment.js";
import { ByteSpace } from "./spaces.js";

export const union = defineAlignment({
  name: "union",
  summary: "All strings that any member has as a token (GaC).",
  options: z.strictObject({ feedback: feedbackChoice.default("text").describe(FEEDBACK_TEXT) }),
  needs: ({ feedback }) => ({ logits: true, goingBack: feedback === "text" }),
  isPositive: "one-vocabulary",
  create: (context, { feedback }, { onlyLikeliest }) =>
    new UnionAlignment(context, new ByteSpace(context.voices, feedback), onlyLikeliest),
  laws: { covers: "all" },
});
