/** What routers are fitted on and evaluated on: two tables, or one table in folds. Nothing of the evaluated part is learned from. */

import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { LlamafuseError } from "../../errors.js";
import { drawOrder } from "../../learning/draws.js";
import { type Matrix, selectRows } from "../../learning/matrix.js";
import { RandomGenerator } from "../../random.js";
import { checkSignal, readPlain, shown } from "../../read-options.js";
import { checkEmbedder, type Embedder } from "../embedders/embedder.js";
import { TfIdfEmbedder } from "../embedders/tf-idf.js";
import type { FitData } from "../router.js";
import { checkTable, type OutcomeTable } from "../table/outcome-table.js";
import { assumedNote, assumedPrices, meanPrices } from "../table/prices.js";
import { type LeakedQuery, removeLeaked, sameQueries } from "./leakage.js";

export interface Split {
  train: FitData;
  test: { table: OutcomeTable; embeddings: Matrix };
}

export interface Splits {
  splits: Split[];
  /** Everything that they are evaluated on, in the order of the splits. */
  tested: OutcomeTable;
  leaked: LeakedQuery[];
  /** What a reader should know of how the tables were made to fit. */
  notes: string[];
}

export interface SplitOptions {
  /** Default: TF-IDF, fitted on each training part. */
  embedder?: Embedder;
  seed?: number;
  signal?: AbortSignal;
}

/**
 * A training and a test table. Queries that stand in both are taken out of the training table. Costs that are missing in
 * both are assumed (see prices.ts). Errors: invalid-data where a model of the training table is not in the test table, or
 * no training query is left.
 */
export async function splitOf(train: OutcomeTable, test: OutcomeTable, options: SplitOptions = {}): Promise<Splits> {
  checkTable(train, "The training table");
  checkTable(test, "The test table");
  checkSplitOptions(options);
  const notes: string[] = [];
  const missing = train.models.filter((model) => !test.models.includes(model));
  if (missing.length > 0) {
    throw new LlamafuseError(
      "invalid-data",
      `${test.name} has no outcomes of ${missing.join(", ")}, which ${train.name} trains on. Evaluate on the same models, or leave ${missing.length === 1 ? "it" : "them"} out of the training table.`,
      { found: test.models, allowed: train.models },
    );
  }
  const unseen = test.models.filter((model) => !train.models.includes(model));
  if (unseen.length > 0) notes.push(`${unseen.join(", ")} left out: ${train.name} has no outcomes of them.`);
  const { leaked, train: clean } = removeLeaked(train, test);
  if (clean === undefined) {
    throw new LlamafuseError(
      "invalid-data",
      `Every query of ${train.name} is also in ${test.name}, so nothing is left to train on. Give another training table, or evaluate on one table by cross-validation (folds: 5).`,
      { found: leaked.length },
    );
  }
  const priced = withPrices(clean, test.selectModels(train.models), notes);
  const splits = [await embedded(priced.train, priced.test, options)];
  return { splits, tested: splits[0].test.table, leaked, notes };
}

/**
 * One table in `folds` parts of nearly equal size, each evaluated by what is learned from the others; queries that stand in
 * the table twice stay together. Errors: invalid-option unless 2 ≤ folds ≤ distinct queries, invalid-data for one query.
 */
export async function foldsOf(table: OutcomeTable, folds: number, options: SplitOptions = {}): Promise<Splits> {
  checkTable(table);
  checkSplitOptions(options);
  const groups = sameQueries(table);
  if (groups.length < 2) {
    const message = `${table.name} has one distinct query, and folds need two or more. Add queries, or evaluate on another table.`;
    throw new LlamafuseError("invalid-data", message, { found: groups.length, allowed: ">= 2", table: table.name });
  }
  if (!(Number.isInteger(folds) && folds >= 2 && folds <= groups.length)) {
    const allowed = `an integer from 2 to ${groups.length}`;
    const message = `folds must be ${allowed}, the distinct queries of ${table.name}; found ${shown(folds)}.`;
    throw new LlamafuseError("invalid-option", message, { found: folds, allowed, option: "folds" });
  }
  const notes: string[] = [];
  const order = drawOrder(new RandomGenerator(options.seed ?? 1), groups.length);
  const foldOf = new Int32Array(table.rows);
  for (const [place, group] of order.entries()) for (const row of groups[group]) foldOf[row] = place % folds;
  const { train: priced } = withPrices(table, table, notes);
  const rows = Array.from({ length: table.rows }, (_, row) => row);
  const splits: Split[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const kept = priced.selectRows(rows.filter((row) => foldOf[row] !== fold));
    splits.push(await embedded(kept, priced.selectRows(rows.filter((row) => foldOf[row] === fold)), options));
  }
  const tested = priced.selectRows(rows.toSorted((a, b) => foldOf[a] - foldOf[b] || a - b));
  return { splits, tested, leaked: [], notes };
}

function checkSplitOptions(options: SplitOptions): void {
  const { embedder, seed, signal } = readPlain("The options of a split", options, "{ seed: 1 }");
  if (embedder !== undefined) checkEmbedder(embedder);
  checkSamplerOptions({ seed });
  checkSignal(signal);
}

function withPrices(train: OutcomeTable, test: OutcomeTable, notes: string[]) {
  if (train.hasCosts || test.hasCosts) {
    const known = train.hasCosts ? train : test;
    const priced = train.hasCosts ? train : train.withPrices(meanPrices(test));
    // The test's own means come first: they are what its other queries cost.
    return { train: priced, test: test.withPrices(meanPrices(test)).withPrices(meanPrices(known)) };
  }
  const prices = assumedPrices(train);
  notes.push(assumedNote(prices));
  return { train: train.withPrices(prices), test: test.withPrices(prices) };
}

async function embedded(train: OutcomeTable, test: OutcomeTable, options: SplitOptions): Promise<Split> {
  const { seed, signal } = options;
  const embedder = options.embedder ?? (await TfIdfEmbedder.fitInSteps(train.queries, { seed, signal }));
  const both = await embedder.embed([...train.queries, ...test.queries], { signal: options.signal });
  const rows = Array.from({ length: train.rows + test.rows }, (_, row) => row);
  return {
    train: {
      table: train,
      embeddings: selectRows(both, rows.slice(0, train.rows)),
      embedder: { id: embedder.id, dimension: embedder.dimension },
    },
    test: { table: test, embeddings: selectRows(both, rows.slice(train.rows)) },
  };
}
