/**
 * LLM-Blender's PairRanker (Jiang et al., ACL 2023, arXiv 2306.02561): every pair of answers is compared in both orders, and
 * the comparisons are summed up (pairwise.ts). `llm-blender` goes on from there and writes an answer from the best.
 *
 * The published ranker is a DeBERTa model trained on preferences, which llama.cpp does not run. Here a member judges, asked
 * which of two answers is better:
 *
 *     M_ij = ln P("A") − ln P("B"),   answer i shown as A and j as B
 *
 * Both orders count, so a judge that prefers the first place does not decide. The published bubble pass goes through a random
 * order and gives an equal neighbour the place; here it goes through the candidates as they come, and ties go to the first.
 */
import { z } from "zod";
import { fill, WHICH_IS_BETTER } from "../../prompts/prompts.js";
import type { Candidate } from "../candidate.js";
import { defineSelection, firstBest, type Selection, type SelectionContext, sampling } from "../define-selection.js";
import { judgeOption, judgesOf, promptOption } from "../judges.js";
import { allPairs, bubble, type Compare, maxLogits, maxWins } from "../pairwise.js";

const AGGREGATES = ["max-logits", "max-wins", "bubble"] as const;
/** A label that is certain; its logarithm would be infinite. */
const LEAST = 1e-12;

export const aggregateOption = z.enum(AGGREGATES).default("max-logits").meta({
  description:
    'How comparisons are summed up: "max-logits", "max-wins", or "bubble", a single pass that compares neighbours.',
});

export const comparePrompt = promptOption(WHICH_IS_BETTER, "{question}, {a} and {b}");

const options = z.strictObject({
  ...sampling(1, 0.7),
  aggregate: aggregateOption,
  judge: judgeOption,
  prompt: comparePrompt,
});

export type Ranking = Pick<z.output<typeof options>, "aggregate" | "judge" | "prompt">;

/** The best, and a score for each: higher is better. */
export async function rankPairs(
  candidates: readonly Candidate[],
  context: SelectionContext,
  { aggregate, judge, prompt }: Ranking,
): Promise<Selection> {
  const compare = comparing(candidates, context, judge, prompt);
  if (aggregate === "bubble") {
    const { chosen, scores } = await bubble(candidates.length, compare);
    return { chosen, scores, reason: "It stays ahead in a pass over all answers." };
  }
  const table = await allPairs(candidates.length, compare);
  const scores = aggregate === "max-wins" ? maxWins(table) : maxLogits(table);
  const chosen = firstBest(scores);
  const how = aggregate === "max-wins" ? "comparisons it wins" : "mean logit of being better";
  return { chosen, scores, reason: `Its ${how}: ${scores[chosen].toPrecision(3)}, the most.` };
}

export const pairRanker = defineSelection({
  name: "pair-ranker",
  summary: "LLM-Blender's ranker: judges answers pair by pair, in both orders, and gives the one that wins most.",
  source: "arXiv 2306.02561",
  requires: "Two or more answers; a member that follows instructions judges.",
  options,
  create: (ranking) => ({ select: (candidates, context) => rankPairs(candidates, context, ranking) }),
  laws: [
    {},
    { options: { aggregate: "max-wins" } },
    {
      options: { aggregate: "bubble" },
      exempt: { order: "comparisons need not be transitive, and it goes through them in order" },
    },
  ],
});

function comparing(
  candidates: readonly Candidate[],
  context: SelectionContext,
  judge: string | undefined,
  prompt: string,
): Compare {
  const judges = judgesOf(judge, context);
  return async (i, j) => {
    if (candidates[i].text === candidates[j].text) return 0;
    const asked = fill(prompt, { question: context.question, a: candidates[i].text, b: candidates[j].text });
    let sum = 0;
    for (const member of judges) {
      const [a, b] = await context.labelShares(member, asked, ["A", "B"]);
      sum += Math.log(a + LEAST) - Math.log(b + LEAST);
    }
    return sum / judges.length;
  };
}
