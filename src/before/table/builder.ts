/** Collecting a table of outcomes row by row from a stream, whatever the order of its cells. */
import { LlamafuseError } from "../../errors.js";
import { type Matrix, matrixOf } from "../../learning/matrix.js";
import type { Place } from "./formats/records.js";
import { emptyMatrix, OutcomeTable } from "./outcome-table.js";

export interface QueryFacts {
  query: string;
  /** Rows of one id are one query; default: the text of the query. */
  id?: string;
  reference?: string;
  dataset?: string;
  subject?: string;
  tags?: readonly string[];
  embedding?: readonly number[];
}

/** What one model did; a missing number is NaN or absent. */
export interface Outcome {
  quality?: number;
  cost?: number;
  promptTokens?: number;
  completionTokens?: number;
  latencyMs?: number;
  verifier?: number;
  answer?: string;
  logProbs?: readonly number[];
  classProbabilities?: readonly number[];
}

const NUMBERS = ["quality", "cost", "promptTokens", "completionTokens", "latencyMs", "verifier"] as const;
const LISTS = ["logProbs", "classProbabilities"] as const;

export interface RowOptions {
  fresh?: boolean;
  /** Where the row is read. */
  place?: Place;
}

/** Characters of a query's text in an error. */
const SHOWN_TEXT = 60;

interface Cell {
  row: number;
  model: number;
  outcome: Outcome;
}

export class TableBuilder {
  readonly #models = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  readonly #facts: QueryFacts[] = [];
  /** Of each row, the file that it was first found in. */
  readonly #files: (string | undefined)[] = [];
  readonly #cells: Cell[] = [];
  readonly #leftOut = new Set<string>();

  constructor(private readonly name: string) {}

  /**
   * The row of a query. With `fresh` a known id is another query all the same, and gets a number to its name. So does an id
   * that another file or data set gives to another text: many tables count their queries from 0. Error: invalid-data where
   * one file and data set gives one id to two texts.
   */
  row(facts: QueryFacts, { fresh = false, place }: RowOptions = {}): number {
    const given = facts.id ?? facts.query;
    let id = given;
    for (let copy = 2; ; id = `${given}#${copy++}`) {
      const known = this.#rows.get(id);
      if (known === undefined) break;
      if (fresh) continue;
      const other = this.#facts[known];
      if (other.query === facts.query) {
        this.#facts[known] = { ...facts, ...other };
        return known;
      }
      if (this.#files[known] === place?.file && other.dataset === facts.dataset) {
        const where = place === undefined ? this.name : `${place.file}:${place.line}`;
        const texts = [other.query, facts.query];
        const [one, two] = texts.map((text) => JSON.stringify(text.slice(0, SHOWN_TEXT)));
        const message = `${where}: the query id "${id}" has two texts, ${one} and ${two}. Give each query an id of its own, or leave the ids out.`;
        throw new LlamafuseError("invalid-data", message, { ...place, query: id, found: texts });
      }
    }
    this.#rows.set(id, this.#facts.length);
    this.#files.push(place?.file);
    return this.#facts.push({ ...facts, id }) - 1;
  }

  /** Say that a column of the file was taken for no model's. */
  leaveOut(column: string): void {
    this.#leftOut.add(column);
  }

  /** Several outcomes of one model on one query are samples: numbers are averaged, answers kept in order. */
  add(row: number, model: string, outcome: Outcome): void {
    let column = this.#models.get(model);
    if (column === undefined) this.#models.set(model, (column = this.#models.size));
    this.#cells.push({ row, model: column, outcome });
  }

  build(): OutcomeTable {
    const facts = this.#facts;
    const models = Array.from(this.#models.keys());
    const cells = new Array<Outcome[] | undefined>(facts.length * models.length).fill(undefined);
    for (const { row, model, outcome } of this.#cells) (cells[row * models.length + model] ??= []).push(outcome);
    const matrices = Object.fromEntries(
      NUMBERS.map((key) => [key, averaged(cells, key, facts.length, models.length)] as const).filter(
        ([, matrix]) => matrix !== undefined,
      ),
    );
    const listed = <Key extends "reference" | "dataset" | "subject">(key: Key) =>
      facts.some((each) => each[key] !== undefined) ? facts.map((each) => each[key]) : undefined;
    return new OutcomeTable({
      name: this.name,
      models,
      queries: facts.map(({ query }) => query),
      ids: Array.from(this.#rows.keys()),
      quality: emptyMatrix(facts.length, models.length),
      ...matrices,
      ...(cells.some((cell) => cell?.some(({ answer }) => answer !== undefined)) && {
        answers: cells.map((cell) => cell?.flatMap(({ answer }) => answer ?? [])),
      }),
      ...(cells.some((cell) => (cell?.length ?? 0) > 1) && {
        sampleQuality: cells.map((cell) => cell?.flatMap(({ quality = Number.NaN }) => quality)),
      }),
      // Of several samples the first one's, which is the first answer.
      ...Object.fromEntries(
        LISTS.filter((key) => cells.some((cell) => cell?.[0][key] !== undefined)).map((key) => [
          key,
          cells.map((cell) => cell?.[0][key]),
        ]),
      ),
      references: listed("reference"),
      datasets: listed("dataset"),
      subjects: listed("subject"),
      tags: facts.some(({ tags }) => tags !== undefined) ? facts.map(({ tags }) => tags ?? []) : undefined,
      embeddings: this.#embeddings(),
      ...(this.#leftOut.size > 0 && { leftOutColumns: Array.from(this.#leftOut) }),
    });
  }

  #embeddings(): Matrix | undefined {
    const facts = this.#facts;
    const size = facts.find(({ embedding }) => embedding !== undefined)?.embedding?.length;
    if (size === undefined) return undefined;
    const odd = facts.find(({ embedding }) => embedding?.length !== size);
    if (odd === undefined) return matrixOf(facts.map(({ embedding }) => embedding!));
    throw new LlamafuseError(
      "invalid-data",
      `${this.name}: query "${odd.id}" has an embedding of ${odd.embedding?.length ?? 0} numbers, others have ${size}. Give embeddings of one size to all queries, or to none.`,
      { table: this.name, query: odd.id, found: odd.embedding?.length ?? 0, allowed: size },
    );
  }
}

/** The mean of each cell's numbers; undefined where no cell has one. */
function averaged(
  cells: readonly (readonly Outcome[] | undefined)[],
  key: (typeof NUMBERS)[number],
  rows: number,
  columns: number,
): Matrix | undefined {
  const matrix = emptyMatrix(rows, columns);
  let any = false;
  for (const [index, outcomes] of cells.entries()) {
    const numbers = (outcomes ?? []).map((outcome) => outcome[key] ?? Number.NaN).filter((n) => !Number.isNaN(n));
    if (numbers.length === 0) continue;
    any = true;
    matrix.data[index] = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  }
  return any ? matrix : undefined;
}
