/**
 * URG (Findings of ACL 2024, 261): one process ranks the answers and writes one of them, so that they are read once.
 *
 * The published model is an encoder and decoder trained for both, without code; this form is ours. A member reads the question
 * and the answers, each behind a letter. Its own reply begins:
 *
 *     Best answers:              the probabilities of the letters are read: the ranking
 *     Best answers: B, A         the best are named, the best first; the others are dropped
 *
 *     Final answer:              from here on the member writes
 *
 * All of it stands in one cache: what writing reads besides is the ranking. A dropped answer stays in the cache, but the
 * member was asked to use only those that are named. Letters are read in one order, so that a member's liking for a place counts;
 * `llm-blender` compares in both. Where a member gives no letter any probability, all are kept as they came.
 */
import { z } from "zod";
import { FINAL, RANK_AND_WRITE, RANKING } from "../../prompts/prompts.js";
import type { Candidate } from "../../select/candidate.js";
import { isOverflow } from "../../select/candidates.js";
import { sampling } from "../../select/define-selection.js";
import { defineRegeneration, type RegenerationContext } from "../define-regeneration.js";
import { asked, byScore, different, evershorter, writerOf, writerOption, writingPrompt } from "../writing.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

interface Ranked {
  answers: Candidate[];
  shares: Float64Array;
}

export const urg = defineRegeneration({
  name: "urg",
  summary: "One member ranks the answers by the probabilities of their letters and writes on in the same cache.",
  source: "Findings of ACL 2024, 261",
  requires: "Two or more answers; a member that follows instructions writes.",
  options: z.strictObject({
    ...sampling(1, 0.7),
    keep: z.int().min(1).default(3).meta({ description: "So many of the best answers are named; others are dropped." }),
    writer: writerOption,
    prompt: writingPrompt(RANK_AND_WRITE),
  }),
  create: ({ keep, writer, prompt }) => {
    const promptFor = (context: RegenerationContext, answers: readonly Candidate[], reply: string) =>
      asked(prompt, context, lettered(answers), reply);
    return {
      async *regenerate(candidates, context) {
        const given = different(candidates).slice(0, LETTERS.length);
        const ranked = await rank(given, context, writer, (answers) => promptFor(context, answers, RANKING));
        const { answers, shares } = ranked ?? { answers: given, shares: new Float64Array(given.length) };
        const isRanked = shares.some((share) => share > 0);
        const best = isRanked ? byScore(answers, shares).slice(0, keep) : answers;
        const letters = best.map((each) => LETTERS[answers.indexOf(each)]).join(", ");
        const reply = `${RANKING} ${letters}\n\n${FINAL}`;
        const written =
          ranked &&
          (yield* context.write({
            writer: writerOf(writer, context),
            prompts: [promptFor(context, answers, reply)],
            goesOn: true,
          }));
        const share = `${(100 * Math.max(...shares)).toFixed(0)} %`;
        return {
          best: best[0],
          written,
          read: best,
          scores: new Map(answers.map((each, index) => [each, shares[index]])),
          reason: isRanked
            ? `Written from the best ${best.length} of ${given.length}; the writer gives the first ${share}.`
            : "The writer ranks none of them above others.",
        };
      },
    };
  },
  laws: [{}, { options: { keep: 1 } }],
});

/** The writer's shares of the letters; of fewer answers where its context does not hold all, undefined where it holds none. */
async function rank(
  answers: Candidate[],
  context: RegenerationContext,
  writer: string | undefined,
  promptOf: (answers: readonly Candidate[]) => ReturnType<typeof asked>,
): Promise<Ranked | undefined> {
  for (const held of evershorter(answers, (some) => [...some])) {
    try {
      const shares = await context.judging((judging) =>
        judging.labelShares(writerOf(writer, context), promptOf(held), LETTERS.slice(0, held.length).split("")),
      );
      return { answers: held, shares };
    } catch (error) {
      if (!isOverflow(error)) throw error;
    }
  }
  return undefined;
}

function lettered(answers: readonly Candidate[]): string {
  return answers.map(({ text }, index) => `Answer ${LETTERS[index]}:\n${text.trim()}`).join("\n\n");
}
