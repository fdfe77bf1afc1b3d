import path from "node:path";
import { z } from "zod";
import type { DataRecord } from "../../records.js";
import { choiceDraft, hasKeys, shape, type TaskFormat } from "./format.js";

const text = z.string().min(1);

const csvRow = z.tuple([text, text, text, text, text, z.enum(["A", "B", "C", "D"])]);

const jsonRow = z
  .object({
    question: text,
    choices: z.array(text).min(2).max(26),
    answer: z.int().min(0),
    subject: z.string().optional(),
  })
  .refine(({ choices, answer }) => answer < choices.length, {
    path: ["answer"],
    message: "expected the index of one of the choices",
  });

/**
 * MMLU (Hendrycks et al., arXiv 2009.03300): the authors' CSV files, one a subject (question, four choices,
 * letter; a header line is read and tells the columns), or JSON lines as on Hugging Face (cais/mmlu). A file's subject is its tag. Questions are put without
 * examples; the published results have five before each.
 */
export const mmlu: TaskFormat = {
  name: "mmlu",
  summary: 'CSV rows question,A,B,C,D,letter, or {"question", "subject", "choices": [4 texts], "answer": 0 to 3}',
  defaults: { metric: "choice-likelihood", prompt: "choices", stop: ["\n"], maxTokens: 8 },
  shapes: [
    shape(Array.isArray, csvRow, ([question, a, b, c, d, letter], file) =>
      choiceDraft(question, [a, b, c, d], "ABCD".indexOf(letter), { tags: [subjectOf(file)] }),
    ),
    shape(
      (value) =>
        hasKeys(value, "question", "choices", "answer") && Array.isArray((value as { choices: unknown }).choices),
      jsonRow,
      ({ question, choices, answer, subject }) =>
        choiceDraft(question, choices, answer, { tags: subject === undefined || subject === "" ? [] : [subject] }),
    ),
  ],
  complete: async (records) => withoutHeader(records),
};

/** What columns of a table with a header are called, in the order of the authors' files. */
const COLUMNS = [
  /^(?:question|prompt)$/i,
  ...["a", "b", "c", "d"].map(
    (letter, place) => new RegExp(`^(?:(?:choice|option)[ _]?)?(?:${letter}|${place + 1})$`, "i"),
  ),
  /^(?:answer|label|correct|target|answer[ _]key)$/i,
];

/** Rows as the authors write them, of a table that names its columns, in whatever order. */
function withoutHeader(records: readonly DataRecord[]): DataRecord[] {
  const [first, ...rest] = records;
  if (!Array.isArray(first?.value)) return [...records];
  const names = first.value.map((name) => (typeof name === "string" ? name.trim() : ""));
  const places = COLUMNS.map((column) => names.findIndex((name) => column.test(name)));
  if (places.includes(-1)) return [...records];
  return rest.map((record) => ({
    ...record,
    value: places.map((place, column) => {
      const cell = Array.isArray(record.value) ? (record.value[place] as unknown) : undefined;
      // Some number the choices from 0.
      return column === COLUMNS.length - 1 && typeof cell === "string" && /^[0-3]$/.test(cell)
        ? "ABCD"[Number(cell)]
        : cell;
    }),
  }));
}

/** "abstract_algebra_test.csv" is about abstract_algebra. */
function subjectOf(file: string): string {
  return path.parse(file).name.replace(/_(test|val|dev)$/, "");
}
