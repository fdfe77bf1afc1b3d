/** Tables of outcomes with a known truth, for tests of routers. */

import type { FitData } from "../../src/before/router.js";
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { drawNormal } from "../../src/learning/draws.js";
import { makeMatrix, rowOf } from "../../src/learning/matrix.js";
import { RandomGenerator } from "../../src/random.js";

export const DIMENSION = 8;

/** Models with costs; each is good at the topics of its number, and the last, dear one at nearly everything. */
const MODELS = [
  { name: "poet", cost: 1 },
  { name: "clerk", cost: 2 },
  { name: "sage", cost: 10 },
];

export interface TopicTable extends FitData {
  topics: Int32Array;
}

/**
 * Queries of two topics, told apart by their embeddings: the poet answers topic 0 rightly nine times in ten, the clerk
 * topic 1, the other way round one time in ten; the sage answers 95 in 100 of both.
 */
export function topicTable(rows: number, seed = 1, { models = MODELS, missing = 0 } = {}): TopicTable {
  const random = new RandomGenerator(seed);
  const topics = new Int32Array(rows);
  const embeddings = makeMatrix(rows, DIMENSION);
  const quality = makeMatrix(rows, models.length);
  const cost = makeMatrix(rows, models.length);
  const answers: string[][] = [];
  for (let row = 0; row < rows; row++) {
    const topic = (topics[row] = random.next() < 0.5 ? 0 : 1);
    const embedding = rowOf(embeddings, row);
    for (let j = 0; j < DIMENSION; j++) embedding[j] = 0.3 * drawNormal(random);
    embedding[topic] += 1;
    for (const [column, model] of models.entries()) {
      const chance = column === 2 ? 0.95 : column % 2 === topic ? 0.9 : 0.1;
      const isRight = random.next() < chance;
      quality.set(row, column, random.next() < missing ? Number.NaN : Number(isRight));
      cost.set(row, column, model.cost);
      answers.push([isRight ? `right ${row}` : `wrong ${row} ${column}`]);
    }
  }
  const subjects = Array.from(topics, (topic) => ["verse", "sums"][topic]);
  const table = new OutcomeTable({
    name: "topics",
    models: models.map(({ name }) => name),
    queries: Array.from(topics, (topic, row) => `${topic === 0 ? "rhyme" : "count"} number ${row}`),
    quality,
    cost,
    answers,
    subjects,
    tags: subjects.map((subject) => [subject]),
  });
  return { table, embeddings, embedder: { id: "test:topics", dimension: DIMENSION }, topics };
}

/** The same with only the first `count` models. */
export function firstModels(data: TopicTable, count: number): TopicTable {
  return { ...data, table: data.table.selectModels(data.table.models.slice(0, count)) };
}

export function queryOf({ table, embeddings }: FitData, row: number) {
  return { text: table.queries[row], embedding: Float64Array.from(rowOf(embeddings, row)) };
}

/** The first `count` models of a table as JSONL, an outcome a line. */
export function outcomeLines(table: OutcomeTable, count = table.models.length): string {
  const lines = table.queries.flatMap((query, row) =>
    table.models
      .slice(0, count)
      .map((model, column) =>
        JSON.stringify({ query, model, quality: table.quality.get(row, column), cost: table.cost.get(row, column) }),
      ),
  );
  return `${lines.join("\n")}\n`;
}
