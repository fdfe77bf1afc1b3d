/** What rules of selection are tried on: candidates, and members that answer questions about them by a hash. */
import type { Candidate } from "../../src/after/select/candidate.js";
import type { SelectionContext } from "../../src/after/select/define-selection.js";
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { queryText } from "../../src/before/table/query-text.js";
import type { ChatMessage } from "../../src/decoding/prompt.js";
import { matrixOf } from "../../src/learning/matrix.js";
import { hashOf } from "../../src/learning/tf-idf.js";

/** Member i says text i; further texts are further samples. */
export function candidatesOf(texts: readonly string[], members = texts.length): Candidate[] {
  return texts.map((text, index) => ({
    member: index % members,
    sample: Math.floor(index / members),
    text,
    finishReason: "stop",
    logProb: -1 - share(text),
    pieces: 1 + text.length,
  }));
}

/** From 0 to 1. */
export function share(text: string): number {
  return (hashOf(text) >>> 0) / 2 ** 32;
}

export interface Judging {
  likelihood?(member: string, text: string): number;
  labelShares?(member: string, question: string, labels: readonly string[]): readonly number[];
  question?: string;
  weights?: readonly number[];
}

export function contextFor(names: readonly string[], judging: Judging = {}): SelectionContext {
  const { question = "What is it?", weights = names.map(() => 1 / names.length) } = judging;
  return {
    prompt: question,
    question,
    members: names.map((name, index) => ({ name, weight: weights[index] })),
    judges: Array.from(names.keys()),
    seed: 1,
    signal: new AbortController().signal,
    likelihood: async (member, text) => judging.likelihood?.(names[member], text) ?? -10 * share(names[member] + text),
    labelShares: async (member, asked, labels) => {
      const given = judging.labelShares?.(names[member], questionOf(asked), labels);
      const raw = given ?? labels.map((label) => 0.01 + share(`${names[member]}${questionOf(asked)}${label}`));
      const total = raw.reduce((sum, each) => sum + each, 0);
      return Float64Array.from(raw, (each) => (total === 0 ? 0 : each / total));
    },
  };
}

function questionOf(asked: string | readonly ChatMessage[]): string {
  return typeof asked === "string" ? asked : queryText(asked);
}

export interface PastAnswers {
  query: string;
  answers: readonly string[];
  /** Which answers are right. */
  right: readonly boolean[];
}

export function tableOfAnswers(models: readonly string[], past: readonly PastAnswers[]): OutcomeTable {
  return new OutcomeTable({
    name: "past.jsonl",
    models,
    queries: past.map(({ query }) => query),
    quality: matrixOf(past.map(({ right }) => right.map(Number))),
    answers: past.flatMap(({ answers }) => answers.map((answer) => [answer])),
  });
}

/** The first member is right most often, the last least. */
export function unevenTable(models: readonly string[]): OutcomeTable {
  const past = Array.from({ length: 24 }, (_, row): PastAnswers => {
    const right = models.map((_model, member) => (row * 7 + member * 5) % 12 < 11 - 3 * member);
    const answers = right.map((isRight, member) => (isRight ? `answer ${row}` : `other ${row} ${member}`));
    return { query: `question ${row}`, answers, right };
  });
  return tableOfAnswers(models, past);
}
