/** Tables and matrices on their way to another thread: what structured clone keeps, and back. */
import { type Matrix, makeMatrix } from "../../learning/matrix.js";
import { OutcomeTable, type OutcomeTableParts } from "../table/outcome-table.js";
import type { RouterRun } from "./evaluate-router.js";
import type { SettingResults } from "./setting-results.js";
import type { Split } from "./splits.js";

interface PlainMatrix {
  shape: number[];
  data: Float64Array;
}

export interface PlainSplit {
  train: { table: Record<string, unknown>; embeddings: PlainMatrix; embedder: Split["train"]["embedder"] };
  test: { table: Record<string, unknown>; embeddings: PlainMatrix };
}

export interface PlainRun extends Omit<RouterRun, "results"> {
  results: Omit<SettingResults, "quality" | "cost"> & { quality: PlainMatrix; cost: PlainMatrix };
}

export function plainSplit({ train, test }: Split): PlainSplit {
  return {
    train: {
      table: plainTable(train.table),
      embeddings: plainMatrix(train.embeddings),
      embedder: { ...train.embedder },
    },
    test: { table: plainTable(test.table), embeddings: plainMatrix(test.embeddings) },
  };
}

export function splitFrom({ train, test }: PlainSplit): Split {
  return {
    train: { table: tableFrom(train.table), embeddings: matrixFrom(train.embeddings), embedder: train.embedder },
    test: { table: tableFrom(test.table), embeddings: matrixFrom(test.embeddings) },
  };
}

export function plainRun({ results, ...run }: RouterRun): PlainRun {
  return {
    ...run,
    results: { ...results, quality: plainMatrix(results.quality), cost: plainMatrix(results.cost) },
  };
}

export function runFrom({ results, ...run }: PlainRun): RouterRun {
  return { ...run, results: { ...results, quality: matrixFrom(results.quality), cost: matrixFrom(results.cost) } };
}

function plainTable(table: OutcomeTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, isMatrix(value) ? plainMatrix(value) : value]),
  );
}

function tableFrom(plain: Record<string, unknown>): OutcomeTable {
  const entries = Object.entries(plain).map(([key, value]) => [key, isPlainMatrix(value) ? matrixFrom(value) : value]);
  return new OutcomeTable(Object.fromEntries(entries) as OutcomeTableParts);
}

function plainMatrix({ shape, data }: Matrix): PlainMatrix {
  return { shape: [...shape], data };
}

function matrixFrom({ shape, data }: PlainMatrix): Matrix {
  return makeMatrix(shape[0], shape[1], data as Float64Array<ArrayBuffer>);
}

function isMatrix(value: unknown): value is Matrix {
  return isPlainMatrix(value) && "stride" in value;
}

function isPlainMatrix(value: unknown): value is PlainMatrix {
  return typeof value === "object" && value !== null && "shape" in value && "data" in value;
}
