/**
 * Self-consistency (Wang et al., ICLR 2023, arXiv 2203.11171): sample several answers with their reasoning and give the one
 * that occurs most. It stops where the leader cannot be caught, which changes nothing but the cost.
 */
import { z } from "zod";
import { answersOf, readingOption } from "../answers.js";
import { defineSelection, sampling } from "../define-selection.js";
import { majority } from "../majority.js";

export const selfConsistency = defineSelection({
  name: "self-consistency",
  summary: "Samples answers and gives the most frequent; stops when it cannot be caught.",
  source: "arXiv 2203.11171",
  requires: "One or more, sampled.",
  options: z.strictObject({ ...sampling(10, 0.7), answer: readingOption }),
  create: ({ answer }) => majority((candidates, question) => answersOf(candidates, answer, question)),
  laws: [{}],
});
