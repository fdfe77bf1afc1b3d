/** The native experts behind the default router, live: fitted on the development questions, evaluated on the test questions. */
import { DEFAULT_ROUTER } from "../src/before/default-router.js";
import { trainingData } from "../src/before/fitting/training-data.js";
import type { RoutedMethod } from "../src/before/live/routed-method.js";
import { createRouter } from "../src/before/registry.js";
import { TableBuilder } from "../src/before/table/builder.js";
import { LlamafuseError } from "../src/errors.js";
import { nativeTask } from "../src/evaluation/native-task.js";
import { outcomeRows } from "../src/evaluation/outcome-rows.js";
import { summarise } from "../src/evaluation/report/summary.js";
import { evaluate } from "../src/evaluation/run.js";
import { nativeModels } from "../src/native-models.js";
import { pairedDifference } from "../src/statistics.js";
import type { BenchOptions, BenchTable } from "./report.js";

export const ROUTED_ZOO = "routed zoo";
const SEED = 0;

export async function benchRoutedZoo({ onProgress }: BenchOptions): Promise<{ tables: BenchTable[]; notes: string[] }> {
  try {
    const members = nativeModels().map(({ name, path }) => ({ name, model: path, threads: 1 }));
    const asked = { members, seed: SEED, gpu: false as const, lanes: 1 };
    onProgress?.(`${ROUTED_ZOO}: development questions`);
    const development = await evaluate({ ...asked, methods: [], tasks: [await nativeTask({ split: "development" })] });
    const table = new TableBuilder("development questions");
    for (const { queryId, query, model, ...outcome } of outcomeRows(development)) {
      table.add(table.row({ query, id: queryId, ...outcome }), model, outcome);
    }
    const { data, embedder } = await trainingData(table.build());
    const router = createRouter({ name: DEFAULT_ROUTER });
    await router.fit(data);
    onProgress?.(`${ROUTED_ZOO}: test questions`);
    const method: RoutedMethod = { name: DEFAULT_ROUTER, router: { router, embedder } };
    const test = await evaluate({ ...asked, methods: [method], tasks: [await nativeTask()] });
    return { tables: [zooTable(summarise(test), data.table.rows)], notes: test.notes };
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    return { tables: [], notes: [`${ROUTED_ZOO} left out: ${error.message}`] };
  }
}

function zooTable({ tasks: [task] }: ReturnType<typeof summarise>, learned: number): BenchTable {
  const gradesOf = (row: number) => task.questions.map(({ results }) => results[row].grade);
  const oracle = task.rows.findIndex(({ kind }) => kind === "oracle");
  const inPercent = ({ value, low, high }: { value: number; low: number; high: number }) => ({
    value: 100 * value,
    low: 100 * low,
    high: 100 * high,
  });
  return {
    title: `Routed zoo: ${DEFAULT_ROUTER}, fitted on ${learned} development questions, on ${task.count} test questions, percent correct`,
    columns: [
      { key: "who", title: "who answers" },
      { key: "all", title: "all", digits: 1 },
      { key: "overOracle", title: "over oracle", digits: 1 },
      { key: "tokens", title: "tokens", digits: 1 },
      { key: "parameterTokens", title: "parameters × tokens, M", digits: 1 },
      { key: "seconds", title: "seconds", digits: 4 },
    ],
    rows: task.rows.map(({ name, kind, all, cost }, row) => ({
      who: kind === "method" ? DEFAULT_ROUTER : kind === "member" ? `${name} alone` : name,
      all: inPercent(all),
      overOracle: row === oracle ? null : inPercent(pairedDifference(gradesOf(row), gradesOf(oracle), { seed: SEED })),
      tokens: cost.tokens,
      parameterTokens: cost.parameterTokens / 1e6,
      seconds: cost.seconds,
    })),
  };
}
