/**
 * Best-of-∞ (Komiyama et al., arXiv 2509.21091): the most frequent answer of ever more samples, stopped as soon as a Bayes
 * factor says that it would stay the most frequent (bayes-stop.ts). `samples` bounds what the paper lets grow. Where a first
 * sample has no answer, the published code stops at once; here it goes on.
 */
import { z } from "zod";
import { answersOf, readingOption } from "../answers.js";
import { bayesCheck, isChecked } from "../bayes-stop.js";
import { defineSelection, sampling } from "../define-selection.js";
import { majority } from "../majority.js";

export const bestOfInfinity = defineSelection({
  name: "best-of-infinity",
  summary: "Samples until a Bayes factor says that the most frequent answer would stay so.",
  source: "arXiv 2509.21091",
  requires: "One or more, sampled.",
  options: z.strictObject({
    ...sampling(40, 0.7),
    answer: readingOption,
    threshold: z.number().positive().default(10).meta({ description: "Bayes factor at which it stops." }),
    unknown: z
      .number()
      .positive()
      .default(0.3)
      .meta({ description: "Count of the answers that nobody has given yet." }),
  }),
  create: ({ answer, threshold, unknown }) => {
    const { select, isSettled } = majority((candidates, question) => answersOf(candidates, answer, question));
    return {
      select,
      isSettled: (candidates, left, question) => {
        if (isSettled!(candidates, left, question)) return true;
        const answers = answersOf(candidates, answer, question);
        if (answers.every((each) => each === undefined)) return false;
        if (!isChecked(answers.length, answers.length + left)) return false;
        return bayesCheck(answers, unknown).bayesFactor >= threshold;
      },
    };
  },
  laws: [{}],
});
