/**
 * Agent-Forest (Li et al., "More Agents Is All You Need", TMLR 2024, arXiv 2402.05120), Algorithm 1: sample N answers and give
 * the one that is most like all others,
 *
 *     V(i) = Σ_{j ≠ i} sim(i, j),   sim(i, j) = sentence BLEU of i against j in lower case, as the published code has it
 *
 * or, where answers can be compared as a whole, the one given most often. Several members: their samples are one forest.
 */
import { z } from "zod";
import { sentenceBleu } from "../../../text/bleu.js";
import { answersOf, readingOption } from "../answers.js";
import { defineSelection, firstBest, sampling } from "../define-selection.js";
import { majority } from "../majority.js";

const options = z.strictObject({
  ...sampling(10, 1),
  similarity: z.enum(["bleu", "answer"]).default("bleu").meta({
    description: 'Compare whole answers by their "bleu", or count which "answer" occurs most.',
  }),
  answer: readingOption,
  compat: z.boolean().default(false).meta({
    description: "Read answers as the published code does for GSM8K: the last number, without its sign.",
  }),
});

/** The published parser of GSM8K answers; undefined where it finds no digit, "" of an empty box. */
export function publishedNumber(text: string): string | undefined {
  const boxed = Array.from(text.matchAll(/\{([0-9.,$]*)\}/g), ([, digits]) => digits.replace(/[^0-9.]/g, ""));
  if (boxed.length > 0) return boxed.findLast((digits) => digits !== "") ?? "";
  return text.match(/\d+\.?\d*/g)?.at(-1);
}

/** sim and V of the definition above. */
export function forest(texts: readonly string[]): { similarities: number[][]; totals: number[] } {
  const similarities = texts.map((text) =>
    texts.map((other) => sentenceBleu(text, [other], { lowercase: true }).score),
  );
  const totals = similarities.map((row, i) => row.reduce((sum, each, j) => (i === j ? sum : sum + each), 0));
  return { similarities, totals };
}

export const agentForest = defineSelection({
  name: "agent-forest",
  summary: "Samples answers and gives the one most similar to all others.",
  source: "arXiv 2402.05120",
  requires: "One or more, sampled.",
  options,
  create: ({ similarity, answer, compat }) =>
    similarity === "answer"
      ? majority((candidates, question) =>
          compat ? candidates.map(({ text }) => publishedNumber(text)) : answersOf(candidates, answer, question),
        )
      : {
          select: (candidates) => {
            const { totals } = forest(candidates.map(({ text }) => text));
            const chosen = firstBest(totals);
            const mean = totals[chosen] / (candidates.length - 1);
            return { chosen, scores: totals, reason: `It is most like the others: mean BLEU ${mean.toFixed(1)}.` };
          },
        },
  laws: [{}, { options: { similarity: "answer" } }],
});
