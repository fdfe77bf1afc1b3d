/**
 * Tables in JSON, as an array or as one object a line (JSONL), five shapes of object:
 *
 *     { "query", "model", "quality", "cost", … }            one outcome (several of one model are samples), with the details
 *                                                           that cascades read: answer, logProbs, classProbabilities, verifier
 *     { "query", "outcomes": { "MODEL": { "quality", … } } } one query
 *     { "question", "scores": { "MODEL": 0.8 } }            RouterDC (arXiv 2409.19886), scores in [0, 1], no costs
 *     { "query", "model_name", "performance", … }           LLMRouter (github.com/ulab-uiuc/LLMRouter), one outcome
 *     { "query", "llm_name_list", "perf_list" }             its rows for RouterDC, one query
 *
 * NaN, which Python's json module writes, is a missing number.
 */
import { z } from "zod";
import { problemOf, sentenceOf } from "../../../zod-problem.js";
import type { Outcome, QueryFacts, TableBuilder } from "../builder.js";
import { amountAt, badRow, type Place, qualityAt } from "./records.js";

const text = z.union([z.string(), z.number()]).transform(String);
const facts = {
  queryId: text.optional(),
  reference: text.optional(),
  dataset: text.optional(),
  subject: text.optional(),
  tags: z.array(z.string()).optional(),
  embedding: z.array(z.number()).optional(),
};
const outcome = {
  quality: z.unknown().optional(),
  cost: z.unknown().optional(),
  promptTokens: z.unknown().optional(),
  completionTokens: z.unknown().optional(),
  latencyMs: z.unknown().optional(),
  answer: text.nullish(),
  verifier: z.unknown().optional(),
  logProbs: z.array(z.number().max(1e-3)).nullish(),
  classProbabilities: z
    .array(
      z
        .number()
        .min(0)
        .max(1 + 1e-6),
    )
    .nullish(),
};
const one = z.object({ query: z.string(), model: z.string().min(1), ...facts, ...outcome });
const wide = z.object({ query: z.string(), outcomes: z.record(z.string(), z.object(outcome)), ...facts });
const routerDc = z.object({
  question: z.string(),
  scores: z.record(z.string(), z.unknown()),
  cluster_id: text.optional(),
});

const llmRouter = z.object({
  query: z.string(),
  model_name: z.string().min(1),
  performance: z.unknown().optional(),
  response: text.nullish(),
  input_tokens: z.unknown().optional(),
  output_tokens: z.unknown().optional(),
  /** In seconds. */
  response_time: z.unknown().optional(),
  task_name: text.nullish(),
  ground_truth: text.nullish(),
});
const llmRouterLists = z
  .object({ query: z.string(), llm_name_list: z.array(z.string().min(1)), perf_list: z.array(z.unknown()) })
  .refine(({ llm_name_list, perf_list }) => llm_name_list.length === perf_list.length, {
    path: ["perf_list"],
    error: "must have as many entries as llm_name_list",
  });

/** Adds every object of a text to the table. `part`: what the text is called among several; rows without a dataset get it. */
export async function readJsonTable(
  file: string,
  chunks: AsyncIterable<string>,
  table: TableBuilder,
  part?: string,
): Promise<void> {
  for await (const { source, line } of jsonObjects(file, chunks)) addObject(source, { file, line }, table, part);
}

function addObject(source: string, place: Place, table: TableBuilder, part?: string): void {
  let value: object;
  try {
    value = JSON.parse(withoutNaN(source)) as object;
  } catch (error) {
    throw badRow(place, `not JSON: ${(error as Error).message}.`);
  }
  if ("scores" in value) {
    const { question, scores, cluster_id } = checked(routerDc, value, place);
    // Clusters are numbered anew in each file.
    const subject = part === undefined ? cluster_id : `${part} ${cluster_id}`;
    const facts = { query: question, ...(cluster_id !== undefined && { subject }), ...(part && { dataset: part }) };
    const row = table.row(facts, { fresh: true });
    for (const [model, score] of Object.entries(scores)) {
      table.add(row, model, { quality: qualityAt(score, model, place) });
    }
  } else if ("outcomes" in value) {
    const record = checked(wide, value, place);
    const row = table.row(factsOf(record, part), { place });
    for (const [model, each] of Object.entries(record.outcomes)) table.add(row, model, outcomeOf(each, place));
  } else if ("llm_name_list" in value) {
    const { query, llm_name_list, perf_list } = checked(llmRouterLists, value, place);
    const row = table.row({ query, ...(part && { dataset: part }) }, { place });
    for (const [index, model] of llm_name_list.entries()) {
      table.add(row, model, { quality: qualityAt(perf_list[index], model, place) });
    }
  } else if ("model_name" in value && !("model" in value)) {
    addOutcome(ofLlmRouter(checked(llmRouter, value, place)));
  } else addOutcome(checked(one, value, place));

  function addOutcome(record: z.output<typeof one>): void {
    table.add(table.row(factsOf(record, part), { place }), record.model, outcomeOf(record, place));
  }
}

function ofLlmRouter(record: z.output<typeof llmRouter>): z.output<typeof one> {
  const { query, model_name: model, performance: quality, response: answer, response_time: seconds } = record;
  return {
    query,
    model,
    quality,
    answer,
    promptTokens: record.input_tokens,
    completionTokens: record.output_tokens,
    latencyMs: typeof seconds === "number" ? 1000 * seconds : undefined,
    dataset: record.task_name ?? undefined,
    reference: record.ground_truth ?? undefined,
  };
}

/** With null for NaN outside strings. */
function withoutNaN(source: string): string {
  return source.includes("NaN")
    ? source.replace(/"(?:[^"\\]|\\.)*"|\bNaN\b/gs, (part) => (part === "NaN" ? "null" : part))
    : source;
}

function factsOf(record: FactsRecord, part?: string): QueryFacts {
  const { query, queryId, reference, dataset = part, subject, tags, embedding } = record;
  const given = { query, id: queryId, reference, dataset, subject, tags, embedding };
  return Object.fromEntries(Object.entries(given).filter(([, each]) => each !== undefined)) as unknown as QueryFacts;
}

type FactsRecord = Omit<z.output<typeof wide>, "outcomes">;
type OutcomeRecord = z.output<z.ZodObject<typeof outcome>>;

function outcomeOf(record: OutcomeRecord, place: Place): Outcome {
  return {
    quality: qualityAt(record.quality, "quality", place),
    cost: amountAt(record.cost, "cost", place),
    promptTokens: amountAt(record.promptTokens, "promptTokens", place),
    completionTokens: amountAt(record.completionTokens, "completionTokens", place),
    latencyMs: amountAt(record.latencyMs, "latencyMs", place),
    verifier: amountAt(record.verifier, "verifier", place),
    ...(record.answer != null && { answer: record.answer }),
    ...(record.logProbs != null && { logProbs: record.logProbs }),
    ...(record.classProbabilities != null && { classProbabilities: record.classProbabilities }),
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, place: Place): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problem = problemOf(result.error, value, { schema });
  const cure =
    'A row is {"query", "model", "quality", …}, {"query", "outcomes"}, {"question", "scores"} or LLMRouter\'s.';
  throw badRow(place, `${sentenceOf(problem)}. ${cure}`, { field: problem.at, found: problem.found });
}

/** The objects at the top of a text or of an array there, each with the line it starts on; read as they come. */
async function* jsonObjects(file: string, chunks: AsyncIterable<string>) {
  let object = "";
  let depth = 0;
  let line = 1;
  let start = 1;
  let isString = false;
  let isEscaped = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (code === NEWLINE) line++;
      if (isString) {
        if (isEscaped) isEscaped = false;
        else if (code === BACKSLASH) isEscaped = true;
        else if (code === QUOTE) isString = false;
      } else if (code === QUOTE && depth > 0) isString = true;
      else if (code === OPEN || (code === OPEN_LIST && depth > 0)) {
        if (depth++ === 0) [from, start] = [at, line];
      } else if (depth > 0 && (code === CLOSE || code === CLOSE_LIST)) {
        if (--depth > 0) continue;
        yield { source: object + chunk.slice(from, at + 1), line: start };
        object = "";
      } else if (depth === 0 && !BETWEEN.has(code)) {
        throw badRow(
          { file, line },
          `${JSON.stringify(chunk.slice(at, at + 20))} found where an object { … } is expected.`,
        );
      }
    }
    if (depth > 0) object += chunk.slice(from);
  }
  if (depth > 0) throw badRow({ file, line: start }, "the text ends within this object. The file is cut off.");
}

const [NEWLINE, BACKSLASH, QUOTE, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Array.from('\n\\"{}[]', (c) => c.charCodeAt(0));
/** White space, commas, the brackets of an array and a byte order mark. */
const BETWEEN = new Set(Array.from(" \t\r\n,[]\ufeff", (character) => character.charCodeAt(0)));
