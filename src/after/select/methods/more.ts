/**
 * MoRE (Si et al., Findings of EMNLP 2023, arXiv 2305.14628): a random forest says how likely each answer is right, from the
 * question, the answer and how far the answers agree; the likeliest is given. Its score is that probability, so whoever would
 * rather say nothing than be wrong compares it with a threshold.
 *
 * The paper's four experts are one model under four prompts, with retrieved passages and explanations. Here the experts are the
 * members, and of its features (more-features.ts) those are taken that any members have: who answered, question words, lengths,
 * numerals, words shared with the question, how many say the same, and F1 with each other answer. The forest is trained on a
 * table of the members' graded answers.
 */
import { z } from "zod";
import { RandomForest } from "../../../learning/random-forest.js";
import { normaliseAnswer, tokenF1 } from "../../../text/squad.js";
import { splitWords } from "../../../text/words.js";
import { defineSelection, firstBest, sampling } from "../define-selection.js";
import { countNumerals, overlap, questionWords } from "../more-features.js";
import { Learned, neededTable } from "../table-option.js";

/** A grade of at least this is right. */
const RIGHT = 0.5;

const options = z.strictObject({
  ...sampling(1, 0.7),
  table: neededTable.meta({
    description: "Table of the members' past answers with grades, a file as `eval --outcomes` writes it.",
  }),
  trees: z.int().min(1).max(10_000).default(100).meta({ description: "Trees of the forest." }),
});

export const more = defineSelection({
  name: "more",
  summary: "A random forest on past answers says which answer is likeliest right.",
  source: "arXiv 2305.14628",
  requires: "Two or more, and a table of their past answers with grades.",
  options,
  create: ({ table, trees }) => {
    const learned = new Learned(table, (past) => {
      const rows = past.flatMap(({ query, answers }) => answers.map((_, member) => featuresOf(query, answers, member)));
      const labels = past.flatMap(({ quality }) => quality.map((grade) => grade >= RIGHT));
      return RandomForest.fit(rows, labels, { trees });
    });
    return {
      select: async (candidates, { members, question, signal }) => {
        const names = members.map(({ name }) => name);
        const forest = await learned.for(names, signal);
        const firsts = names.map((_, member) => candidates.find((each) => each.member === member)?.text ?? "");
        const scores = candidates.map(({ member, text }) =>
          forest.predict(featuresOf(question, firsts.with(member, text), member)),
        );
        const chosen = firstBest(scores);
        return { chosen, scores, reason: `It is right with probability ${scores[chosen].toPrecision(3)}, the most.` };
      },
    };
  },
  laws: [
    {
      options: { trees: 20 },
      learns: true,
      exempt: { order: "a forest draws features by their place, and members have places" },
    },
  ],
});

function featuresOf(question: string, answers: readonly string[], member: number): number[] {
  const answer = answers[member];
  const same = answers.filter((other) => normaliseAnswer(other) === normaliseAnswer(answer)).length;
  return [
    ...answers.map((_, other) => Number(other === member)),
    ...questionWords(question),
    splitWords(question).length,
    countNumerals(question),
    splitWords(answer).length,
    same,
    ...answers.map((other, place) => (place === member ? -1 : tokenF1(answer, other))),
    overlap(question, answer),
    countNumerals(answer),
  ];
}
