/** From a table to what a router is fitted on, and from a text to what it decides on. */
import { rowOf } from "../../learning/matrix.js";
import { checkText, checkWatching, readPlain } from "../../read-options.js";
import { checkEmbedder, type Embedder, type EmbedOptions } from "../embedders/embedder.js";
import { TfIdfEmbedder } from "../embedders/tf-idf.js";
import type { FitData, Query } from "../router.js";
import { checkTable, type OutcomeTable } from "../table/outcome-table.js";
import { assumedNote, assumedPrices } from "../table/prices.js";

export interface TrainingData {
  data: FitData;
  embedder: Embedder;
  /** What a reader should know of assumed costs. */
  notes: string[];
}

/** With the offline embedder, fitted on the table's queries, unless another is given. Errors: those of the embedder. */
export async function trainingData(
  table: OutcomeTable,
  options: EmbedOptions & { embedder?: Embedder } = {},
): Promise<TrainingData> {
  checkTable(table);
  const { signal } = readPlain("The options of trainingData", options, "{ embedder }");
  checkWatching(options);
  if (options.embedder !== undefined) checkEmbedder(options.embedder);
  const embedder = options.embedder ?? (await TfIdfEmbedder.fitInSteps(table.queries, { signal }));
  const notes: string[] = [];
  let priced = table;
  if (!table.hasCosts) {
    const prices = assumedPrices(table);
    notes.push(assumedNote(prices));
    priced = table.withPrices(prices);
  }
  const embeddings = await embedder.embed(table.queries, options);
  const identity = { id: embedder.id, dimension: embedder.dimension };
  return { data: { table: priced, embeddings, embedder: identity }, embedder, notes };
}

export async function embedQuery(embedder: Embedder, text: string, options?: EmbedOptions): Promise<Query> {
  checkEmbedder(embedder);
  checkText("The text to embed", text);
  return { text, embedding: rowOf(await embedder.embed([text], options), 0) };
}
