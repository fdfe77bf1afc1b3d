/**
 * LLM-PeerReview (Ji et al., arXiv 2512.23213): every member scores every answer, its own too, and the answer with the best
 * score is given. `average`: the mean over the judges; `em`: judges weighed by how they agree (learning/rater-agreement.ts).
 *
 * The paper has judges write scores for three answers at a time in six orders and reads them from the text. Here a judge sees one
 * answer, and the expected score is read from its probabilities of `1` … `best`, so there is no place to prefer and nothing
 * to parse. EM takes the judges' rounded scores of this question's answers; the paper's runs over a whole test set.
 */
import { z } from "zod";
import { agreedScores } from "../../../learning/rater-agreement.js";
import { fill, HOW_GOOD } from "../../prompts/prompts.js";
import type { Candidate } from "../candidate.js";
import { defineSelection, firstBest, type SelectionContext, sampling } from "../define-selection.js";
import { judgeOption, judgesOf, promptOption } from "../judges.js";

/** One digit each, so that no label begins another. */
const MOST = 9;
const SMOOTHING = 0.01;

const options = z.strictObject({
  ...sampling(1, 0.7),
  aggregate: z.enum(["average", "em"]).default("average").meta({
    description: 'How the judges\' scores are summed up: their "average", or "em", which weighs judges by agreement.',
  }),
  best: z.int().min(2).max(MOST).default(5).meta({ description: "The best score; the worst is 1." }),
  judge: judgeOption,
  prompt: promptOption(HOW_GOOD, "{question}, {answer} and {best}"),
});

export const peerReview = defineSelection({
  name: "peer-review",
  summary: "Every member scores every answer; gives the one with the best score.",
  source: "arXiv 2512.23213",
  requires: "Two or more answers; members that follow instructions judge.",
  options,
  create: ({ aggregate, best, judge, prompt }) => ({
    select: async (candidates, context) => {
      const ratings = await ratingsOf(candidates, context, { judge, prompt, best });
      const scores =
        aggregate === "average"
          ? ratings.map((row) => row.reduce((sum, each) => sum + each, 0) / row.length)
          : agreedScores(
              ratings.map((row) => row.map(Math.round)),
              { scores: best, smoothing: SMOOTHING },
            );
      const chosen = firstBest(scores);
      return { chosen, scores, reason: `The judges' score of it is best: ${scores[chosen].toFixed(2)} of ${best}.` };
    },
  }),
  laws: [{}, { options: { aggregate: "em" } }],
});

/** Candidates × judges: Σ_s s · P(s). A judge that can say no score says the middle. */
async function ratingsOf(
  candidates: readonly Candidate[],
  context: SelectionContext,
  { judge, prompt, best }: { judge: string | undefined; prompt: string; best: number },
): Promise<number[][]> {
  const labels = Array.from({ length: best }, (_, score) => String(score + 1));
  const known = new Map<string, number[]>(candidates.map(({ text }) => [text, []]));
  for (const member of judgesOf(judge, context)) {
    for (const [answer, row] of known) {
      const asked = fill(prompt, { question: context.question, answer, best: String(best) });
      const shares = await context.labelShares(member, asked, labels);
      const total = shares.reduce((sum, share) => sum + share, 0);
      row.push(total === 0 ? (1 + best) / 2 : shares.reduce((sum, share, score) => sum + share * (score + 1), 0));
    }
  }
  return candidates.map(({ text }) => known.get(text)!);
}
