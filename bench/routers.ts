/** How long every router takes to learn a large table, and to decide on one query. */

import { routerInfos, routerNamed } from "../src/before/registry.js";
import type { FitData } from "../src/before/router.js";
import { OutcomeTable } from "../src/before/table/outcome-table.js";
import { LlamafuseError } from "../src/errors.js";
import { drawNormal } from "../src/learning/draws.js";
import { makeMatrix, rowOf, unitVector } from "../src/learning/matrix.js";
import { RandomGenerator } from "../src/random.js";
import { chooseSets } from "./choose-sets.js";
import { machineFacts, ownMs } from "./machine.js";
import type { BenchOptions, BenchReport, Cell } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROWS = 10_000;
const MODELS = 11;
const DIMENSION = 128;
const TOPICS = 20;
const DECISIONS = 500;
const SEED = 1;

export async function benchRouters({ sets, onProgress }: BenchOptions = {}): Promise<Omit<BenchReport, "command">> {
  const { sets: routers, notes } = chooseSets("routers", routerInfos, sets, () => undefined);
  const data = drawTable();
  const rows: Record<string, Cell>[] = [];
  for (const { name } of routers) {
    onProgress?.(name);
    try {
      rows.push(await measure(name, data));
    } catch (error) {
      if (!(error instanceof LlamafuseError)) throw error;
      notes.push(`${name} left out: ${error.message}`);
    }
  }
  return {
    name: "routers",
    about: [
      `Routers fitted on ${ROWS} queries × ${MODELS} models, embeddings of ${DIMENSION} numbers, and decisions on embedded queries.`,
    ],
    machine: machineFacts(),
    settings: { rows: ROWS, models: MODELS, dimension: DIMENSION, seed: SEED, decisions: DECISIONS },
    tables: [
      {
        title: "Every router with its defaults, in one thread",
        columns: [
          { key: "router", title: "router" },
          { key: "fitSeconds", title: "fit, s" },
          { key: "cpuSeconds", title: "of processor time, s" },
          { key: "decideMs", title: "decide, ms", digits: 3 },
          { key: "megabytes", title: "saved, MB" },
        ],
        rows,
      },
    ],
    notes,
  };
}

async function measure(name: string, data: FitData): Promise<Record<string, Cell>> {
  const router = routerNamed(name);
  const started = performance.now();
  const busy = ownMs();
  await router.fit(data, { seed: SEED });
  const cpuSeconds = (ownMs() - busy) / 1000;
  const fitSeconds = (performance.now() - started) / 1000;
  const query = (row: number) => ({ text: data.table.queries[row], embedding: rowOf(data.embeddings, row) });
  for (let row = 0; row < DECISIONS; row++) router.decide(query(row));
  const times = Array.from({ length: DECISIONS }, (_, row) => {
    const before = performance.now();
    router.decide(query(row));
    return performance.now() - before;
  });
  const megabytes = JSON.stringify(router.toJSON()).length / 1e6;
  return { router: name, fitSeconds, cpuSeconds, decideMs: spreadOf(times), megabytes };
}

/** Models that differ in what they cost and in which topics they know; topics are directions of the embeddings. */
function drawTable(): FitData {
  const random = new RandomGenerator(SEED);
  const direction = () => unitVector(Array.from({ length: DIMENSION }, () => drawNormal(random)));
  const topics = Array.from({ length: TOPICS }, direction);
  const skills = Array.from({ length: MODELS }, (_, model) =>
    Array.from({ length: TOPICS }, () => Math.min(0.98, 0.3 + 0.04 * model + 0.4 * random.next())),
  );
  const embeddings = makeMatrix(ROWS, DIMENSION);
  const quality = makeMatrix(ROWS, MODELS);
  const cost = makeMatrix(ROWS, MODELS);
  const subjects: string[] = [];
  const answers: string[][] = [];
  for (let row = 0; row < ROWS; row++) {
    const topic = Math.floor(random.next() * TOPICS);
    const noise = direction();
    rowOf(embeddings, row).set(unitVector(noise.map((value, j) => 0.7 * value + topics[topic][j])));
    subjects.push(`topic ${topic}`);
    for (let model = 0; model < MODELS; model++) {
      const isRight = random.next() < skills[model][topic];
      quality.set(row, model, Number(isRight));
      cost.set(row, model, 2 ** model * (0.9 + 0.2 * random.next()));
      answers.push([isRight ? "right" : `wrong ${Math.floor(random.next() * 3)}`]);
    }
  }
  const table = new OutcomeTable({
    name: "drawn table",
    models: Array.from({ length: MODELS }, (_, model) => `model ${model}`),
    queries: subjects.map((subject, row) => `${subject}, query ${row}`),
    quality,
    cost,
    subjects,
    tags: subjects.map((subject) => [subject]),
    answers,
  });
  return { table, embeddings, embedder: { id: "drawn:128", dimension: DIMENSION } };
}
