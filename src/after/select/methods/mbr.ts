/**
 * Minimum Bayes risk (Kumar and Byrne, NAACL 2004; with samples as the hypotheses and references, Eikema and Aziz, arXiv
 * 2108.04718): give the answer of the highest expected utility, the answers themselves standing for what is true.
 *
 *     y* = argmax_i Σ_j w_j u(y_i, y_j),   w_j: the member's weight
 */
import { z } from "zod";
import { dot, rowOf } from "../../../learning/matrix.js";
import { sentenceBleu } from "../../../text/bleu.js";
import { sentenceChrf } from "../../../text/chrf.js";
import { rouge } from "../../../text/rouge.js";
import { defineSelection, sampling } from "../define-selection.js";
import { embeddingOption, TextVectors } from "../text-vectors.js";

export const UTILITIES = ["chrf", "bleu", "rouge-l", "embedding"] as const;
type Utility = Exclude<(typeof UTILITIES)[number], "embedding">;

/** u(hypothesis, reference): 0 to 100 for BLEU and chrF, 0 to 1 for ROUGE-L. */
export const utilities: Record<Utility, (hypothesis: string, reference: string) => number> = {
  chrf: (hypothesis, reference) => sentenceChrf(hypothesis, [reference]),
  bleu: (hypothesis, reference) => sentenceBleu(hypothesis, [reference]).score,
  "rouge-l": (hypothesis, reference) => rouge("rouge-l", hypothesis, reference, { stem: false }).f1,
};

/** Scores this close are equal. */
const EQUAL = 1e-9;

/** Σ_j w_j u_ij, weights divided by their sum. */
export function expectedUtilities(
  table: readonly (readonly number[])[],
  weights: readonly number[],
  includeSelf: boolean,
): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return table.map((row, i) =>
    row.reduce((sum, utility, j) => (!includeSelf && i === j ? sum : sum + (weights[j] / total) * utility), 0),
  );
}

/** The first of the highest. */
export function bestExpected(scores: readonly number[]): number {
  return scores.reduce((best, score, index) => (score > scores[best] + EQUAL ? index : best), 0);
}

const options = z.strictObject({
  ...sampling(1, 0.7),
  utility: z.enum(UTILITIES).default("chrf").meta({
    description: 'How near an answer is to another: "chrf", "bleu", "rouge-l", or the cosine of their "embedding".',
  }),
  includeSelf: z.boolean().default(true).meta({ description: "Whether an answer counts as its own reference." }),
  embedder: embeddingOption,
});

export const mbr = defineSelection({
  name: "mbr",
  summary: "Minimum Bayes risk: gives the answer nearest to all answers, by chrF, BLEU, ROUGE-L or embedding.",
  source: "arXiv 2108.04718",
  requires: "Three or more answers: members, samples or both.",
  options,
  create: ({ utility, includeSelf, embedder }) => {
    const vectors = new TextVectors(embedder);
    return {
      select: async (candidates, { members, signal }) => {
        const texts = candidates.map(({ text }) => text);
        const table =
          utility === "embedding"
            ? await cosines(vectors, texts, signal)
            : texts.map((text) => texts.map((other) => utilities[utility](text, other)));
        const weights = candidates.map(({ member }) => members[member].weight);
        const scores = expectedUtilities(table, weights, includeSelf);
        const chosen = bestExpected(scores);
        return {
          chosen,
          scores,
          reason: `Its expected ${utility} against all answers is highest: ${scores[chosen].toPrecision(3)}.`,
        };
      },
      dispose: () => vectors.dispose(),
    };
  },
  laws: [{}, { options: { utility: "bleu", includeSelf: false } }, { options: { utility: "embedding" } }],
});

async function cosines(vectors: TextVectors, texts: readonly string[], signal: AbortSignal): Promise<number[][]> {
  const rows = await vectors.unit(texts, signal);
  return texts.map((_, i) => texts.map((__, j) => dot(rowOf(rows, i), rowOf(rows, j))));
}
