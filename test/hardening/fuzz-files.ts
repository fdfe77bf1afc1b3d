/**
 * Damaged files of our own formats and of others: each is used, with finite numbers, or refused by one error that names
 * it. By hand, in as many pieces as one likes: `npx tsx test/hardening/fuzz-files.ts --count 1000`. The figures of all
 * pieces are summed in bench/results/soak.json.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { trainingData } from "../../src/before/fitting/training-data.js";
import { routerInfos, routerNamed } from "../../src/before/registry.js";
import { loadRouter, routerFile } from "../../src/before/saved-router.js";
import { readOutcomeTable } from "../../src/before/table/read.js";
import { cachedRows } from "../../src/during/alignments/build/cache.js";
import { keepAll, type SparseRows } from "../../src/during/alignments/build/sparse-rows.js";
import { readSwitchingModel, type SwitchingMethod } from "../../src/during/token/switch/saved-model.js";
import { readEnsembleFile } from "../../src/ensemble-file/read.js";
import { LlamafuseError } from "../../src/errors.js";
import { loadTask } from "../../src/evaluation/loaders/load-task.js";
import { BatchNormMlp } from "../../src/learning/batch-norm-mlp.js";
import { LogisticRegression } from "../../src/learning/logistic-regression.js";
import { matrixOf } from "../../src/learning/matrix.js";
import { RandomGenerator } from "../../src/random.js";
import { firstModels, topicTable } from "../support/outcome-tables.js";
import { damagedJson } from "./damaged-json.js";
import { damagedText } from "./damaged-text.js";
import { addToResults, pieceOptions } from "./results.js";

export interface FilesReport {
  files: number;
  /** Kind of file → how many were used, or refused with which code. */
  outcomes: Record<string, Record<string, number>>;
  rawErrors: string[];
  slowestMs: number;
  largestMiB: number;
  seconds: number;
}

/** A kind of file: sound ones, and what is done with one. */
interface Kind {
  name: string;
  extension: string;
  sound: string;
  /** Throws a LlamafuseError, or a plain one where what was read cannot be. */
  use(file: string): Promise<unknown>;
}

export async function fuzzFiles({
  count,
  start = 0,
  only,
}: {
  count: number;
  start?: number;
  only?: string;
}): Promise<FilesReport> {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-files-"));
  const report: FilesReport = { files: 0, outcomes: {}, rawErrors: [], slowestMs: 0, largestMiB: 0, seconds: 0 };
  const began = performance.now();
  const kinds = (await kindsOfFiles()).filter(({ name }) => only === undefined || name.startsWith(only));
  const before = process.memoryUsage().rss;
  const note = (kind: string, outcome: string) => {
    const counts = (report.outcomes[kind] ??= {});
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  const run = async (name: string, seed: number, file: string, use: () => Promise<unknown>) => {
    const started = performance.now();
    const outcome = await outcomeOf(use, file);
    report.files++;
    report.slowestMs = Math.max(report.slowestMs, Math.round(performance.now() - started));
    if (outcome.startsWith("RAW")) report.rawErrors.push(`${name}, seed ${seed}: ${outcome}`);
    else note(name, outcome);
  };
  try {
    for (const kind of kinds) {
      for (let seed = start; seed < start + count; seed++) {
        // Some read a file once, and again only when its time has changed.
        const file = path.join(folder, `${kind.name}-${seed}.${kind.extension}`);
        const isJson = kind.extension === "json" && seed % 2 === 0;
        writeFileSync(file, isJson ? damagedJson(JSON.parse(kind.sound), seed) : damagedText(kind.sound, seed));
        await run(kind.name, seed, file, () => kind.use(file));
        rmSync(file);
      }
    }
    if (only === undefined || "cache".startsWith(only)) {
      for (let seed = start; seed < start + count; seed++)
        await run("alignment cache", seed, "", () => useCache(folder, seed));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  report.largestMiB = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  report.seconds = Math.round((performance.now() - began) / 1000);
  return report;
}

async function outcomeOf(use: () => Promise<unknown>, file: string): Promise<string> {
  try {
    await use();
    return "used";
  } catch (error) {
    if (!(error instanceof LlamafuseError))
      return `RAW: ${(error as Error)?.stack?.split("\n").slice(0, 5).join(" | ")}`;
    const { code, message } = error;
    if (message.includes("\n")) return `RAW: more than one line: ${message.slice(0, 300)}`;
    if (message.length > 2000) return `RAW: a message of ${message.length} characters: ${message.slice(0, 200)}`;
    // What is wrong in a file's contents is said with the file; what is well written and cannot be, by itself.
    if (code === "invalid-data" && !message.includes(file) && !message.includes("its file is damaged"))
      return `RAW: it does not name its file: ${message.slice(0, 300)}`;
    return `refused: ${code}`;
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

async function kindsOfFiles(): Promise<Kind[]> {
  const { table } = topicTable(40, 7);
  const two = firstModels(topicTable(80, 7), 2);
  const { data, embedder } = await trainingData(two.table);
  const kinds: Kind[] = [];
  for (const { name } of routerInfos) {
    const router = routerNamed(name);
    await router.fit(data, { seed: 1 });
    kinds.push({
      name: `router ${name}`,
      extension: "json",
      sound: JSON.stringify(routerFile(router, embedder)),
      use: useRouter,
    });
  }
  for (const [name, [extension, sound]] of Object.entries(tablesOf(table)))
    kinds.push({ name: `table ${name}`, extension, sound, use: useTable });
  for (const [name, sound] of Object.entries(ENSEMBLES))
    kinds.push({ name: `ensemble ${name}`, extension: "json", sound: JSON.stringify(sound), use: readEnsembleFile });
  for (const method of ["cds", "citer"] as const) {
    const sound = JSON.stringify(await switchingModel(method));
    kinds.push({
      name: `switching model ${method}`,
      extension: "json",
      sound,
      use: (file) => useSwitchingModel(file, method),
    });
  }
  for (const [name, [extension, sound]] of Object.entries(TASKS))
    kinds.push({ name: `task ${name}`, extension, sound, use: (file) => loadTask(file) });
  return kinds;
}

async function useRouter(file: string): Promise<void> {
  const { router, embedder } = await loadRouter(file);
  const [embedding] = [(await embedder.embed(["rhyme number 3"])).data];
  const { models, scores } = router.decide({ text: "rhyme number 3", embedding: Float64Array.from(embedding) });
  must(Object.values(scores).every(Number.isFinite), `scores ${JSON.stringify(scores)}`);
  must(
    models.every((model) => router.models.includes(model)),
    `models ${models}`,
  );
}

async function useTable(file: string): Promise<void> {
  const table = await readOutcomeTable(file);
  must(
    table.quality.data.every((value) => Number.isNaN(value) || (value >= 0 && value <= 1)),
    "a quality outside [0, 1]",
  );
  must(
    table.cost.data.every((value) => Number.isNaN(value) || (value >= 0 && Number.isFinite(value))),
    "a cost that is none",
  );
  must(table.quality.data.length === table.rows * table.models.length, "a shape that does not fit");
  if (table.models.length < 2 || table.rows < 2) return;
  try {
    const { data } = await trainingData(table);
    const router = routerNamed("knn", { k: 2 });
    await router.fit(data);
  } catch (error) {
    // A table that nothing can be learned from names itself.
    if (!(error instanceof LlamafuseError && error.code === "invalid-data")) throw error;
  }
}

async function useSwitchingModel(file: string, method: SwitchingMethod): Promise<void> {
  const model = readSwitchingModel(file, method);
  const score = model.score({ output: { hidden: Float32Array.of(0.5, -1, 2) } } as never);
  must(score >= 0 && score <= 1, `a probability of ${score}`);
}

const ENSEMBLES = {
  fused: {
    $schema: "./ensemble.schema.json",
    members: [
      "robin",
      { model: "wren", name: "b", weight: 2, threads: 1, contextSize: 256, templateVariables: { a: [1, { b: null }] } },
    ],
    method: { name: "unite", k: 20 },
    schedule: "in-turn",
    gpu: false,
    timeoutMs: 1000,
    request: { temperature: 0.7, maxTokens: 200, stop: ["a", "b"], chat: true, system: "Be brief.", now: "2026-03-07" },
  },
  gated: { members: ["robin", "wren"], method: { name: "gac", gate: "threshold", threshold: 0.5 } },
  routed: { members: ["robin", "wren"], method: { router: "nowhere.json" } },
};

const TASKS: Record<string, [extension: string, sound: string]> = {
  jsonl: [
    "jsonl",
    '{"question":"What is 1 + 1?","answer":"2"}\n{"question":"A deer\'s young?","answers":["fawn","a fawn"]}\n',
  ],
  mmlu: ["csv", 'What is 2?,one,two,three,four,B\n"A, b",1,2,3,4,A\n'],
  arc: [
    "jsonl",
    `${JSON.stringify({
      id: "1",
      question: {
        stem: "Which?",
        choices: [
          { text: "a", label: "A" },
          { text: "b", label: "B" },
        ],
      },
      answerKey: "B",
    })}\n`,
  ],
  gsm8k: ["jsonl", `${JSON.stringify({ question: "How many?", answer: "Two.\n#### 2" })}\n`],
  triviaqa: [
    "json",
    JSON.stringify({
      Data: [
        { Question: "Who?", QuestionId: "1", Answer: { Value: "Me", NormalizedAliases: ["me"], Aliases: ["Me"] } },
      ],
    }),
  ],
};

function tablesOf(table: ReturnType<typeof topicTable>["table"]): Record<string, [extension: string, sound: string]> {
  const rows = table.queries.slice(0, 12).map((query, row) => ({ query, row }));
  const cells = rows.flatMap(({ query, row }) =>
    table.models.map((model, column) => ({
      query,
      model,
      quality: table.quality.get(row, column),
      cost: table.cost.get(row, column),
      row,
    })),
  );
  const lines = (values: readonly unknown[]) => `${values.map((value) => JSON.stringify(value)).join("\n")}\n`;
  const csv = (all: readonly (readonly unknown[])[]) =>
    `${all.map((row) => row.map((cell) => `"${cell}"`).join(",")).join("\n")}\n`;
  const long = cells.map(({ row, ...cell }) => ({
    ...cell,
    queryId: `q${row}`,
    dataset: "d",
    tags: ["a"],
    answer: "x",
  }));
  const of = (row: number, column: number) => table.quality.get(row, column);
  return {
    "long jsonl": ["jsonl", lines(long)],
    "long json": ["json", JSON.stringify(long)],
    "wide json": [
      "json",
      JSON.stringify(
        rows.map(({ query, row }) => ({
          query,
          outcomes: Object.fromEntries(
            table.models.map((model, column) => [model, { quality: of(row, column), cost: 1 }]),
          ),
        })),
      ),
    ],
    routerdc: [
      "json",
      JSON.stringify(
        rows.map(({ query, row }) => ({
          question: query,
          scores: Object.fromEntries(table.models.map((model, column) => [model, of(row, column)])),
          cluster_id: row % 3,
        })),
      ),
    ],
    "long csv": [
      "csv",
      csv([
        ["query", "model", "quality", "cost"],
        ...cells.map(({ query, model, quality, cost }) => [query, model, quality, cost]),
      ]),
    ],
    routerbench: [
      "csv",
      csv([
        [
          "sample_id",
          "prompt",
          "eval_name",
          ...table.models,
          ...table.models.map((model) => `${model}|total_cost`),
          ...table.models.map((model) => `${model}|model_response`),
        ],
        ...rows.map(({ query, row }) => [
          `s${row}`,
          `['${query}']`,
          "e",
          ...table.models.map((_, column) => of(row, column)),
          ...table.models.map(() => 0.1),
          ...table.models.map(() => "['an \\\\x41 answer', 'b']"),
        ]),
      ]),
    ],
    routellm: [
      "csv",
      csv([
        ["prompt", ...table.models],
        ...rows.map(({ query, row }) => [
          query,
          ...table.models.map((_, column) => (of(row, column) === 1 ? "True" : "False")),
        ]),
      ]),
    ],
  };
}

async function switchingModel(method: SwitchingMethod): Promise<object> {
  const x = matrixOf(Array.from({ length: 24 }, (_, row) => [row % 2, Math.sin(row), row / 24]));
  const y = Array.from({ length: 24 }, (_, row) => row % 2);
  const model =
    method === "cds"
      ? LogisticRegression.fit(x, y).toJSON()
      : (await BatchNormMlp.fit(x, y, { hidden: 4, epochs: 2, seed: 1 } as never)).toJSON();
  const identity = { name: "m", description: "d", digest: "0".repeat(32) };
  return {
    format: "llamafuse-switching-model",
    version: 1,
    method,
    leader: identity,
    other: identity,
    inputs: 3,
    training: { seed: 1 },
    model,
  };
}

const ROWS: SparseRows = keepAll([Float64Array.of(0.5, 0.5, 0), Float64Array.of(0, 0.25, 0.75)]);

/** Bytes changed under a checksum that is changed as well, or not: what is used is sound, or built again. */
async function useCache(folder: string, seed: number): Promise<void> {
  const random = new RandomGenerator(seed);
  const pick = (count: number) => Math.floor(random.next() * count);
  const cache = path.join(folder, "llamafuse/alignments");
  process.env.XDG_CACHE_HOME = folder;
  await mkdir(cache, { recursive: true });
  const build = async () => ROWS;
  await cachedRows("sound", build);
  const [name] = (await readdir(cache)).filter((each) => each.startsWith("sound"));
  const bytes = Buffer.from(await readFile(path.join(cache, name)));
  const body = bytes.indexOf("\n") + 1;
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const at = pick(4) === 0 ? pick(body) : body + pick(bytes.length - body);
    if (at >= body && pick(2) === 0) bytes.fill(0xff, at & ~7, Math.min((at & ~7) + 8, bytes.length));
    else bytes[at] ^= 1 << pick(8);
  }
  const rest = bytes.subarray(body + ((8 - (body % 8)) % 8));
  const sha256 = createHash("sha256").update(rest).digest("hex");
  const head = bytes.toString("latin1", 0, body).replace(/[0-9a-f]{64}/, pick(3) === 0 ? "$&" : sha256);
  writeFileSync(
    path.join(cache, `mutant-${seed}.rows`),
    Buffer.concat([Buffer.from(head, "latin1"), bytes.subarray(body)]),
  );
  const { rows, columns, values, indices } = await cachedRows(`mutant-${seed}`, build);
  must(values.every(Number.isFinite), "a value that is no number");
  must(
    indices.every((column) => column >= 0 && column < columns),
    "a column that is none",
  );
  must(rows >= 0 && values.length === indices.length, "a shape that does not fit");
}

if (process.argv[1] === import.meta.filename) {
  const { count, start } = pieceOptions(500);
  addToResults("damagedFiles", "npx tsx test/hardening/fuzz-files.ts", await fuzzFiles({ count, start }));
}
