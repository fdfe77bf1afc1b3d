/**
 * What models did on queries: the table that every router is trained and evaluated on. One row a query, one column a model;
 * the numbers are dense rows × models matrices in which NaN is a missing cell, which is legal everywhere.
 */
import { LlamafuseError, unknownName } from "../../errors.js";
import { checkMatrix, columnOf, type Matrix, makeMatrix, meanOf, selectRows } from "../../learning/matrix.js";
import { checkArgument, checkText, checkTexts, readPlain } from "../../read-options.js";

export interface OutcomeTableParts {
  /** What errors and reports call the table: its file. */
  name: string;
  models: readonly string[];
  queries: readonly string[];
  /** Unique; default: the row numbers. */
  ids?: readonly string[];
  /** In [0, 1]: correctness, F1 or a reward. The mean where a cell has several samples. */
  quality: Matrix;
  /** ≥ 0, in any one unit. */
  cost?: Matrix;
  promptTokens?: Matrix;
  completionTokens?: Matrix;
  latencyMs?: Matrix;
  /** By cell (row · models + model): the answers of a model, several where it was sampled. */
  answers?: readonly (readonly string[] | undefined)[];
  /** By cell: the quality of each sample, in the order of the answers. */
  sampleQuality?: readonly (readonly number[] | undefined)[];
  /** How sure a verifier is that the first answer is right, 0 to 1. */
  verifier?: Matrix;
  /** By cell: ln p of each token of the first answer, in the model's own distribution. */
  logProbs?: readonly (readonly number[] | undefined)[];
  /** By cell: of the classes or choices, in one order for all models. */
  classProbabilities?: readonly (readonly number[] | undefined)[];
  /** By row. */
  references?: readonly (string | undefined)[];
  datasets?: readonly (string | undefined)[];
  subjects?: readonly (string | undefined)[];
  tags?: readonly (readonly string[])[];
  /** rows × dimension, where the table came with its own. */
  embeddings?: Matrix;
  /** Columns of the file that were taken for no model's. */
  leftOutColumns?: readonly string[];
}

const MATRICES = ["quality", "cost", "promptTokens", "completionTokens", "latencyMs", "verifier"] as const;
const BY_ROW = ["references", "datasets", "subjects", "tags"] as const;
const BY_CELL = ["answers", "sampleQuality", "logProbs", "classProbabilities"] as const;

export class OutcomeTable implements OutcomeTableParts {
  readonly name: string;
  readonly models: readonly string[];
  readonly queries: readonly string[];
  readonly ids: readonly string[];
  readonly quality: Matrix;
  /** All NaN where the table has no costs. */
  readonly cost: Matrix;
  readonly promptTokens?: Matrix;
  readonly completionTokens?: Matrix;
  readonly latencyMs?: Matrix;
  readonly answers?: readonly (readonly string[] | undefined)[];
  readonly sampleQuality?: readonly (readonly number[] | undefined)[];
  readonly verifier?: Matrix;
  readonly logProbs?: readonly (readonly number[] | undefined)[];
  readonly classProbabilities?: readonly (readonly number[] | undefined)[];
  readonly references?: readonly (string | undefined)[];
  readonly datasets?: readonly (string | undefined)[];
  readonly subjects?: readonly (string | undefined)[];
  readonly tags?: readonly (readonly string[])[];
  readonly embeddings?: Matrix;
  readonly leftOutColumns?: readonly string[];

  /** Errors: invalid-data for a shape, a model or an id that does not fit, a quality outside [0, 1], a cost below 0. */
  constructor(given: OutcomeTableParts) {
    const parts = readParts(given);
    const { name, models, queries } = parts;
    this.name = name;
    this.models = models;
    this.queries = queries;
    this.ids = parts.ids ?? queries.map((_, row) => String(row));
    this.quality = parts.quality;
    this.cost = parts.cost ?? emptyMatrix(queries.length, models.length);
    for (const key of [...MATRICES.slice(2), ...BY_ROW, ...BY_CELL, "embeddings", "leftOutColumns"] as const) {
      if (parts[key] !== undefined) Object.assign(this, { [key]: parts[key] });
    }
    this.#check();
  }

  get rows(): number {
    return this.queries.length;
  }

  /** The column of a model; an unknown name is an error that lists those there are. */
  column(model: string): number {
    checkText("The model", model, `a name: ${this.models.join(", ")}`);
    const index = this.models.indexOf(model);
    if (index < 0) throw unknownName(`model in ${this.name}`, model, this.models);
    return index;
  }

  /** The mean of a matrix's observed cells for each model; NaN for a model that has none. */
  meansOf(matrix: Matrix): Float64Array {
    return Float64Array.from(this.models, (_, column) => meanOf(columnOf(matrix, column)));
  }

  /** Whether any cell has a cost. */
  get hasCosts(): boolean {
    return this.cost.data.some((cost) => !Number.isNaN(cost));
  }

  /** These rows alone, in this order. */
  selectRows(rows: readonly number[], name = this.name): OutcomeTable {
    const isRow = (row: unknown) => Number.isInteger(row) && (row as number) >= 0 && (row as number) < this.rows;
    checkArgument(
      "The rows",
      rows,
      `a list of numbers from 0 to ${this.rows - 1}`,
      () => Array.isArray(rows) && Array.from(rows).every(isRow),
    );
    const width = this.models.length;
    const parts: OutcomeTableParts = {
      name,
      models: this.models,
      queries: rows.map((row) => this.queries[row]),
      ids: rows.map((row) => this.ids[row]),
      quality: selectRows(this.quality, rows),
    };
    for (const key of [...MATRICES, "embeddings"] as const) {
      if (this[key] !== undefined) parts[key] = selectRows(this[key], rows);
    }
    for (const key of BY_ROW) {
      if (this[key] !== undefined) Object.assign(parts, { [key]: rows.map((row) => this[key]![row]) });
    }
    for (const key of BY_CELL) {
      const cells: readonly unknown[] | undefined = this[key];
      if (cells === undefined) continue;
      Object.assign(parts, { [key]: rows.flatMap((row) => cells.slice(row * width, (row + 1) * width)) });
    }
    return new OutcomeTable(parts);
  }

  /** These models alone, in this order. */
  selectModels(models: readonly string[]): OutcomeTable {
    checkTexts("The models", models);
    const columns = models.map((model) => this.column(model));
    const pick = (matrix: Matrix) => {
      const picked = makeMatrix(this.rows, columns.length);
      for (let row = 0; row < this.rows; row++) {
        for (const [index, column] of columns.entries()) picked.set(row, index, matrix.get(row, column));
      }
      return picked;
    };
    const parts: OutcomeTableParts = { ...this, models, quality: pick(this.quality) };
    for (const key of MATRICES) if (this[key] !== undefined) parts[key] = pick(this[key]);
    for (const key of BY_CELL) {
      const cells: readonly unknown[] | undefined = this[key];
      if (cells === undefined) continue;
      const picked = this.queries.flatMap((_, row) => columns.map((c) => cells[row * this.models.length + c]));
      Object.assign(parts, { [key]: picked });
    }
    return new OutcomeTable(parts);
  }

  /** With this price for every missing cost of a model. */
  withPrices(prices: ReadonlyMap<string, number>): OutcomeTable {
    checkArgument(
      "The prices",
      prices,
      "a Map from models to numbers",
      () => prices instanceof Map && prices.size >= 0,
    );
    for (const model of prices.keys()) this.column(model);
    const cost = makeMatrix(this.rows, this.models.length, Float64Array.from(this.cost.data));
    for (const [index, value] of cost.data.entries()) {
      const price = prices.get(this.models[index % this.models.length]);
      if (Number.isNaN(value) && price !== undefined) cost.data[index] = price;
    }
    return new OutcomeTable({ ...this, cost });
  }

  #check(): void {
    const { name, models, queries, ids } = this;
    const refuse = (message: string, details: Record<string, unknown>) => {
      throw new LlamafuseError("invalid-data", `${name}: ${message}`, { table: name, ...details });
    };
    if (queries.length === 0) refuse("the table has no rows.", { found: 0, allowed: "at least 1 query" });
    if (models.length === 0) refuse("the table has no models.", { found: 0, allowed: "at least 1 model" });
    const repeated = firstRepeated(models) ?? firstRepeated(ids);
    if (repeated !== undefined) refuse(`"${repeated}" names two models or two rows.`, { found: repeated });
    for (const key of MATRICES) {
      const shape = this[key]?.shape;
      if (shape !== undefined && (shape[0] !== queries.length || shape[1] !== models.length)) {
        refuse(`${key} is ${shape.join(" × ")} for ${queries.length} queries and ${models.length} models.`, {
          found: shape,
        });
      }
    }
    this.#checkRange("quality", 1, "Rescale it: (quality − lowest) / (highest − lowest).");
    this.#checkRange("verifier", 1, "A verifier's confidence is a probability or a share of votes.");
    this.#checkRange("cost", Number.MAX_VALUE, "A cost is what a call takes: money, joules or milliseconds.");
  }

  #checkRange(key: "quality" | "cost" | "verifier", highest: number, cure: string): void {
    const values = this[key]?.data ?? new Float64Array();
    const bad = values.findIndex((value) => value < 0 || value > highest);
    if (bad < 0) return;
    const found = values[bad];
    const row = Math.floor(bad / this.models.length);
    const model = this.models[bad % this.models.length];
    const allowed = highest === 1 ? "0 to 1" : "0 or more";
    throw new LlamafuseError(
      "invalid-data",
      `${this.name}: the ${key} of ${model} for query "${this.ids[row]}" is ${found}; ${allowed} is allowed. ${cure}`,
      { table: this.name, model, query: this.ids[row], found, allowed },
    );
  }
}

/** Error: invalid-option unless it is a table. */
export function checkTable(value: unknown, what = "The table"): void {
  checkArgument(what, value, "a table, as readOutcomeTable gives it", () => value instanceof OutcomeTable);
}

/** Of the right types; whether they fit each other is seen later. */
function readParts(given: OutcomeTableParts): OutcomeTableParts {
  const parts = readPlain("The parts of a table", given, "an object: { name, models, queries, quality }");
  checkText("The table's name", parts.name);
  checkTexts("The table's models", parts.models);
  checkTexts("The table's queries", parts.queries);
  if (parts.ids !== undefined) checkTexts("The table's ids", parts.ids);
  for (const key of [...MATRICES, "embeddings"] as const)
    if (parts[key] !== undefined || key === "quality") checkMatrix(`The table's ${key}`, parts[key]);
  for (const key of [...BY_ROW, ...BY_CELL])
    checkArgument(
      `The table's ${key}`,
      parts[key],
      "a list",
      () => parts[key] === undefined || Array.isArray(parts[key]),
    );
  return parts;
}

/** All missing. */
export function emptyMatrix(rows: number, columns: number): Matrix {
  return makeMatrix(rows, columns, new Float64Array(rows * columns).fill(Number.NaN));
}

function firstRepeated(names: readonly string[]): string | undefined {
  if (new Set(names).size === names.length) return undefined;
  return names.find((name, index) => names.indexOf(name) !== index);
}
