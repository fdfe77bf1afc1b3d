import { z } from "zod";
import { MAX_TOP } from "../../../member/offers.js";
import { FEEDBACK_TEXT, feedbackChoice } from "../../feedback-option.js";
import { defineAlignment } from "../define-alignment.js";
import { TopUnionAlignment } from "./alignment.js";
import { ByteKeys } from "./keys.js";

export const topUnion = defineAlignment({
  name: "top-union",
  summary: "The strings that any member has among its k most probable ones (UniTE).",
  options: z.strictObject({
    k: z.int().min(1).max(MAX_TOP).default(10).describe("How many tokens each member proposes."),
    feedback: feedbackChoice.default("text").describe(FEEDBACK_TEXT),
  }),
  needs: ({ k, feedback }) => ({ topDepth: k, lookup: "top", goingBack: feedback === "text" }),
  isPositive: "always",
  create: (context, { k, feedback }) => {
    const members = context.voices.map(({ member }) => member);
    return new TopUnionAlignment(context, new ByteKeys(members, feedback), k);
  },
  laws: { covers: "some" },
});
