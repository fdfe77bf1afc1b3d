/**
 * LLM-Blender (Jiang et al., ACL 2023, arXiv 2306.02561): rank the answers pair by pair (PairRanker, select/methods/pair-ranker.ts),
 * then have one answer written from the best of them (GenFuser), the best first; the top 3, as published.
 *
 * The published fuser is a Flan-T5 trained on such pairs; here a member is prompted, with words of ours. `llamafuse eval
 * --fusion-pairs FILE` writes pairs to train one of your own by. The published fuser reads 128 tokens of each candidate; here
 * candidates are read whole, and the lowest are left out where the writer's context does not hold them.
 */
import { z } from "zod";
import { WRITE_FROM_ANSWERS } from "../../prompts/prompts.js";
import { sampling } from "../../select/define-selection.js";
import { judgeOption } from "../../select/judges.js";
import { aggregateOption, comparePrompt, rankPairs } from "../../select/methods/pair-ranker.js";
import { defineRegeneration } from "../define-regeneration.js";
import { byScore, different, writeFrom, writerOption, writingPrompt } from "../writing.js";

export const llmBlender = defineRegeneration({
  name: "llm-blender",
  summary: "Ranks answers pair by pair; a member writes the answer from the best.",
  source: "arXiv 2306.02561",
  requires: "Two or more answers; members that follow instructions judge and write.",
  options: z.strictObject({
    ...sampling(1, 0.7),
    aggregate: aggregateOption,
    judge: judgeOption,
    top: z.int().min(1).default(3).meta({ description: "So many of the best answers are read by the writer." }),
    writer: writerOption,
    comparePrompt,
    prompt: writingPrompt(WRITE_FROM_ANSWERS),
  }),
  create: ({ aggregate, judge, comparePrompt, top, writer, prompt }) => ({
    async *regenerate(candidates, context) {
      const answers = different(candidates);
      const { scores, reason } = await context.judging((judging) =>
        rankPairs(answers, judging, { aggregate, judge, prompt: comparePrompt }),
      );
      const best = byScore(answers, scores).slice(0, top);
      const written = yield* writeFrom(context, { writer, prompt, answers: best });
      return {
        best: best[0],
        written,
        read: best,
        scores: new Map(candidates.map((each) => [each, scores[answers.findIndex(({ text }) => text === each.text)]])),
        reason: `Written from the best ${best.length} of ${answers.length}. The first: ${reason[0].toLowerCase()}${reason.slice(1)}`,
      };
    },
  }),
  laws: [{}, { options: { aggregate: "max-wins", top: 1 } }, { options: { aggregate: "bubble" } }],
});
