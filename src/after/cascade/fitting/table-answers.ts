/** The answers of a table of outcomes as a cascade sees them. */
import type { OutcomeTable } from "../../../before/table/outcome-table.js";
import { rowOf } from "../../../learning/matrix.js";
import type { AnswerDetail, CascadeAnswer, CascadeFitData, CascadeQuery } from "../cascade.js";

const known = new WeakMap<OutcomeTable, CascadeAnswer[][]>();

/** By row, then by model. The objects are the same at every call, so that what is computed of them can be kept. */
export function answersOf(table: OutcomeTable): CascadeAnswer[][] {
  let answers = known.get(table);
  if (answers === undefined) known.set(table, (answers = table.queries.map((_, row) => answersInRow(table, row))));
  return answers;
}

function answersInRow(table: OutcomeTable, row: number): CascadeAnswer[] {
  return table.models.map((_, model) => {
    const cell = row * table.models.length + model;
    const samples = table.answers?.[cell];
    const verifier = table.verifier?.data[cell];
    return {
      model,
      ...(samples !== undefined && samples.length > 0 && { text: samples[0], samples }),
      ...(table.logProbs?.[cell] !== undefined && { logProbs: table.logProbs[cell] }),
      ...(table.classProbabilities?.[cell] !== undefined && { classProbabilities: table.classProbabilities[cell] }),
      ...(verifier !== undefined && !Number.isNaN(verifier) && { verifier }),
    };
  });
}

export function queriesOf({ table, embeddings }: CascadeFitData): CascadeQuery[] {
  return table.queries.map((text, row) => {
    const group = table.subjects?.[row] ?? table.datasets?.[row];
    return {
      text,
      ...(embeddings !== undefined && { embedding: rowOf(embeddings, row) }),
      ...(group !== undefined && { group }),
    };
  });
}

/** The quality of one sample of a cell; of the cell where samples were not graded apart. */
export function sampleQuality(table: OutcomeTable, row: number, model: number, sample = 0): number {
  const cell = row * table.models.length + model;
  return table.sampleQuality?.[cell]?.[sample] ?? table.quality.data[cell];
}

/** What every detail is called in a table, and how it gets there. */
export const DETAIL_WORDS: Record<AnswerDetail, { found: string; cure: string }> = {
  logProbs: {
    found: "log-probabilities (logProbs)",
    cure: 'Write the table with "llamafuse eval --outcomes FILE --details". "llamafuse cascade list" says what each cascade reads.',
  },
  classProbabilities: {
    found: "probabilities of choices (classProbabilities)",
    cure: 'Write the table with "llamafuse eval --outcomes FILE --details" on a task with choices.',
  },
  samples: {
    found: "samples beside the first answer (more rows with the same query and model)",
    cure: "Add sampled answers, or use a cascade that needs one answer: log-probability.",
  },
  verifier: {
    found: "verifier's confidence (verifier, 0 to 1)",
    cure: "Add a verifier to every row of a model but the last, or use a cascade without one: quantile-deferral.",
  },
  answers: { found: "answers (answer)", cure: "Add an answer to every row, or use a cascade that reads none." },
};

/** Whether an answer has a detail. */
export function hasDetail(answer: CascadeAnswer, detail: AnswerDetail): boolean {
  if (detail === "samples") return (answer.samples?.length ?? 0) > 1;
  if (detail === "answers") return answer.text !== undefined;
  return answer[detail] !== undefined;
}
