/** Reading a task from a file in any of the known formats. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { LlamafuseError, unknownName } from "../../errors.js";
import { type DataRecord, invalidData, readRecords, unreadable } from "../../records.js";
import { problemOf, sentenceOf } from "../../zod-problem.js";
import { type MetricName, metricNamed } from "../metrics/metrics.js";
import { letterOf, type PromptFormat, type Question, type Task } from "../task.js";
import { arc } from "./arc.js";
import type { Draft, Shape, TaskFormat } from "./format.js";
import { gsm8k } from "./gsm8k.js";
import { jsonl } from "./jsonl.js";
import { mmlu } from "./mmlu.js";
import { naturalQuestions } from "./natural-questions.js";
import { piqa } from "./piqa.js";
import { triviaqa } from "./triviaqa.js";

/** Every format, in the order of the documentation. No record looks like two of them. */
export const taskFormats: readonly TaskFormat[] = [jsonl, gsm8k, mmlu, arc, triviaqa, naturalQuestions, piqa];

export interface LoadTaskOptions {
  /** The format by name. Default: the one that the first record looks like. */
  format?: string;
  /** Default: the file's name without its extension. */
  name?: string;
  /** Take only the questions that the file marks with this split. */
  split?: string;
  /** Defaults for the rest: the format's. */
  metric?: MetricName;
  prompt?: PromptFormat;
  stop?: readonly string[];
  maxTokens?: number;
  /**
   * Skip a record that cannot be a question, and name it in the task's `skipped`, instead of an error. A file without one
   * good record is an error all the same. Default false.
   */
  skipBad?: boolean;
}

/**
 * A task from a file, or from a folder of `.csv` files (MMLU's subjects).
 *
 * ```ts
 * const task = await loadTask("gsm8k-test.jsonl");
 * ```
 *
 * Errors: file-unreadable; invalid-data for a record that is not as its format says (the message names file, line and
 * field), two questions with one id, or no questions; invalid-option for an unknown format or metric, a split that the
 * file does not have, and a metric that cannot grade the questions.
 */
export async function loadTask(file: string, options: LoadTaskOptions = {}): Promise<Task> {
  const named = options.format === undefined ? undefined : formatNamed(options.format);
  const files = await filesOf(file);
  const bad: LlamafuseError[] = [];
  const onBad = options.skipBad ? (error: LlamafuseError) => void bad.push(error) : undefined;
  const read: { file: string; records: DataRecord[] }[] = [];
  for (const one of files) read.push({ file: one, records: await readRecords(one, onBad) });
  const all = read.flatMap(({ records }) => records);
  if (all.length === 0) throw bad.at(0) ?? invalidData(file, "holds no questions.");
  const format = named ?? detect(onBad === undefined ? all.slice(0, 1) : all);
  const drafted: Placed[][] = [];
  for (const { file: one, records } of read) {
    const complete = (await format.complete?.(records, one)) ?? records;
    const draft = (record: DataRecord) => ({
      place: record.place,
      ...draftOf(record, one, format, files.length > 1),
    });
    drafted.push(complete.flatMap((record) => orSkip(() => [draft(record)], onBad)));
  }
  const drafts = drafted.flat();
  if (drafts.length === 0) throw bad[0];
  const task: Task = {
    name: options.name ?? path.parse(file).name,
    questions: withIds(inSplit(drafts, options.split, file), onBad),
    metric: options.metric ?? format.defaults.metric,
    prompt: options.prompt ?? promptFor(options.metric) ?? format.defaults.prompt,
    stop: options.stop ?? format.defaults.stop,
    maxTokens: options.maxTokens ?? format.defaults.maxTokens,
    // What the caller asks for holds in chats too; a format's stops are those of its plain prompt.
    chat: { stop: options.stop, maxTokens: options.maxTokens },
    ...(bad.length > 0 && { skipped: bad.map(({ message }) => message) }),
  };
  checkTask(task);
  return task;
}

/** How choices must be put for a metric that is not the format's own: letters to be named, or texts to be compared. */
function promptFor(metric: MetricName | undefined): PromptFormat | undefined {
  if (metric === undefined) return undefined;
  if (metric === "choice-likelihood-per-byte") return "question";
  return metricNamed(metric).from === "text" ? "choices" : undefined;
}

/** LlamafuseError "invalid-option" where a task's metric cannot grade its questions or does not go with its prompts. */
export function checkTask({ name, questions, metric, prompt }: Task): void {
  const { kinds } = metricNamed(metric);
  const other = questions.find(({ kind }) => !kinds.includes(kind));
  if (other !== undefined) {
    throw new LlamafuseError(
      "invalid-option",
      `The metric "${metric}" grades questions of kind ${kinds.join(", ")}; question ${other.id} of ${name} is of kind ${other.kind}. The metric "accuracy" grades every kind.`,
      { option: "metric", found: other.kind, allowed: kinds, question: other.id },
    );
  }
  if (metric === "choice-likelihood-per-byte" && prompt === "choices") {
    throw new LlamafuseError(
      "invalid-option",
      `The metric "${metric}" compares the texts of the choices, but the prompt format "choices" asks for letters. Take the prompt format "question", or the metric "choice-likelihood".`,
      { option: "prompt", found: prompt, allowed: ["plain", "question"] },
    );
  }
}

function formatNamed(name: string): TaskFormat {
  const format = taskFormats.find((one) => one.name === name);
  if (format !== undefined) return format;
  throw unknownName(
    "task format",
    name,
    taskFormats.map((one) => one.name),
  );
}

async function filesOf(file: string): Promise<string[]> {
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error);
  });
  if (!info.isDirectory()) return [file];
  const names = (await readdir(file)).filter((name) => name.toLowerCase().endsWith(".csv")).sort();
  if (names.length === 0) throw invalidData(file, "is a folder without .csv files; name a file of questions.");
  return names.map((name) => path.join(file, name));
}

function shapeOf(format: TaskFormat, value: unknown): Shape | undefined {
  return format.shapes.find((one) => one.fits(value));
}

/** What `make` gives; nothing where it fails by an error of the data and there is someone to tell. */
function orSkip<Item>(make: () => Item[], onBad: ((error: LlamafuseError) => void) | undefined): Item[] {
  try {
    return make();
  } catch (error) {
    if (onBad === undefined || !(error instanceof LlamafuseError)) throw error;
    onBad(error);
    return [];
  }
}

/** The format of the first record that is of one. */
function detect(records: readonly DataRecord[]): TaskFormat {
  for (const { value } of records) {
    const format = taskFormats.find((one) => shapeOf(one, value) !== undefined);
    if (format !== undefined) return format;
  }
  const [{ place, value }] = records;
  const known = taskFormats.map(({ name, summary }) => `${name} ${summary}`).join("; ");
  throw invalidData(place, `is not a record of a known format: found ${describe(value)}. Known: ${known}.`);
}

interface Placed extends Draft {
  readonly place: string;
}

function draftOf({ place, number, value }: DataRecord, file: string, format: TaskFormat, many: boolean): Draft {
  const found = shapeOf(format, value);
  if (found === undefined) {
    throw invalidData(place, `is not a ${format.name} record: found ${describe(value)}, expected ${format.summary}.`);
  }
  const row = found.schema.safeParse(value);
  if (!row.success) {
    const problem = problemOf(row.error, value, { schema: found.schema });
    throw invalidData(place, `${sentenceOf(problem)}.`, { field: problem.at, found: problem.found });
  }
  const id = many ? `${path.parse(file).name}/${number}` : String(number);
  const draft = { id, ...found.draft(row.data, file) };
  checkWords(draft, place);
  return draft;
}

/** A question or a choice without words cannot be asked or scored. Errors: invalid-data. */
function checkWords({ question, choices = [] }: Draft, place: string): void {
  if (question.trim() === "") throw invalidData(place, "the question has no words.");
  const blank = choices.findIndex((choice) => choice.trim() === "");
  if (blank >= 0) throw invalidData(place, `choice ${letterOf(blank)} has no words.`, { found: choices[blank] });
}

/** What a record is, for a person who expected something else. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `an object with ${Object.keys(value).join(", ") || "no fields"}`;
}

function inSplit(drafts: readonly Placed[], split: string | undefined, file: string): readonly Placed[] {
  if (split === undefined) return drafts;
  const chosen = drafts.filter((draft) => draft.split === split);
  if (chosen.length > 0) return chosen;
  const known = Array.from(new Set(drafts.map((draft) => draft.split ?? "none")));
  throw new LlamafuseError("invalid-option", `${file} has no split "${split}". Its splits: ${known.join(", ")}.`, {
    option: "split",
    found: split,
    allowed: known,
  });
}

function withIds(drafts: readonly Placed[], onBad?: (error: LlamafuseError) => void): Question[] {
  const places = new Map<string, string>();
  const named = ({ place, split: _, id = "", ...question }: Placed) => {
    const before = places.get(id);
    if (before !== undefined) throw invalidData(place, `the id "${id}" is already that of ${before}.`, { found: id });
    places.set(id, place);
    return [{ id, ...question }];
  };
  return drafts.flatMap((draft) => orSkip(() => named(draft), onBad));
}
