/** What a file format of questions is. */
import type { z } from "zod";
import type { DataRecord } from "../../records.js";
import { letterOf, type Question, type Task } from "../task.js";

/** A question of a file; the loader adds an id where the format has none. */
export interface Draft extends Omit<Question, "id"> {
  readonly id?: string;
  /** "train", "dev", "test" … where the file says so. */
  readonly split?: string;
}

/** One form in which records of a format come. */
export interface Shape {
  /** Whether a record looks like this one; the schema says what is wrong with it. */
  fits(value: unknown): boolean;
  schema: z.ZodType;
  /** From what the schema let through; `file` is the record's. */
  draft(row: unknown, file: string): Draft;
}

export interface TaskFormat {
  readonly name: string;
  /** What the records look like. */
  readonly summary: string;
  readonly defaults: Pick<Task, "metric" | "prompt" | "stop" | "maxTokens">;
  readonly shapes: readonly Shape[];
  /** What other files know about the records of this one. */
  complete?(records: readonly DataRecord[], file: string): Promise<DataRecord[]>;
}

export function shape<Schema extends z.ZodType>(
  fits: (value: unknown) => boolean,
  schema: Schema,
  draft: (row: z.output<Schema>, file: string) => Draft,
): Shape {
  return { fits, schema, draft: draft as Shape["draft"] };
}

/** Whether a value is an object (no array) that has all these keys. */
export function hasKeys(value: unknown, ...keys: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    keys.every((key) => Object.hasOwn(value, key))
  );
}

/** The draft of a question with one correct choice. */
export function choiceDraft(
  question: string,
  choices: readonly string[],
  correct: number,
  more: Partial<Draft> = {},
): Draft {
  return { question, kind: "choice", choices, answers: [letterOf(correct)], tags: [], ...more };
}
