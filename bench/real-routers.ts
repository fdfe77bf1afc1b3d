/** The part of `bench real` on routers: the same tables, queries embedded by their words and by a real embedding model. */
import { DEFAULT_ROUTER } from "../src/before/default-router.js";
import { CachedEmbedder } from "../src/before/embedders/cached.js";
import type { Embedder } from "../src/before/embedders/embedder.js";
import { GgufEmbedder } from "../src/before/embedders/gguf.js";
import { evaluateRouters, type RoutersEvaluation } from "../src/before/evaluation/evaluate-routers.js";
import { routerInfos } from "../src/before/registry.js";
import { REAL_EMBEDDER, realModel } from "./real-models.js";
import type { BenchTable, Cell } from "./report.js";
import { type RoutingTable, splitsOf } from "./routing-tables.js";

const SEED = 1;
const RESAMPLES = 200;
/** By its name in the tables. */
const WORDS = "words";
const MODEL = "MiniLM";

export async function realRouters(
  tables: readonly RoutingTable[],
  folder: string,
  embeddings: string,
  onProgress?: (what: string) => void,
): Promise<BenchTable> {
  const embedder = new CachedEmbedder(
    await GgufEmbedder.open(realModel(REAL_EMBEDDER)!, { gpu: false, threads: 1 }),
    embeddings,
  );
  const rows: Record<string, Cell>[] = [];
  try {
    for (const table of tables) {
      const byWords = await evaluate(table, WORDS);
      const byModel = await evaluate(table, MODEL, embedder);
      rows.push(rowOf(table.name, byWords, byModel));
    }
  } finally {
    await embedder.dispose();
  }
  return {
    title: `Routers on the vectors of words (TF-IDF) and of ${MODEL}`,
    columns: [
      { key: "table", title: "table" },
      { key: "by", title: "compared by" },
      { key: "zero", title: "zero router", digits: 4 },
      { key: "bestWords", title: `best on ${WORDS}` },
      { key: "bestWordsValue", title: "", digits: 4 },
      { key: "bestModel", title: `best on ${MODEL}` },
      { key: "bestModelValue", title: "", digits: 4 },
      { key: "better", title: `better on ${MODEL}` },
      { key: "chosenWords", title: `${DEFAULT_ROUTER} on ${WORDS}`, digits: 4 },
      { key: "chosenModel", title: `on ${MODEL}`, digits: 4 },
      { key: "oracle", title: "oracle", digits: 4 },
    ],
    rows,
  };

  async function evaluate(table: RoutingTable, what: string, embedder?: Embedder): Promise<RoutersEvaluation> {
    onProgress?.(`${table.name}: ${what}`);
    const splits = await splitsOf(table, folder, { seed: SEED, embedder });
    return await evaluateRouters(
      routerInfos.map(({ name }) => ({ name })),
      splits,
      { seed: SEED, resamples: RESAMPLES, skipUnfit: true, threads: 1 },
    );
  }
}

function rowOf(table: string, byWords: RoutersEvaluation, byModel: RoutersEvaluation): Record<string, Cell> {
  const { comparedBy, baselines } = byWords;
  const figureOf = ({ routers }: RoutersEvaluation, name: string | undefined): Cell => {
    const router = routers.find((each) => each.name === name);
    return router === undefined
      ? null
      : ((comparedBy === "aiq" ? router.intervals?.aiq : undefined) ?? router[comparedBy]);
  };
  const pairs = byWords.routers.flatMap((router) => {
    const other = byModel.routers.find(({ name }) => name === router.name);
    return other === undefined ? [] : [[router[comparedBy], other[comparedBy]]];
  });
  return {
    table,
    by: comparedBy === "aiq" ? "AIQ" : "quality",
    zero: baselines.zeroRouter[comparedBy as "aiq"],
    bestWords: byWords.best ?? "",
    bestWordsValue: figureOf(byWords, byWords.best),
    bestModel: byModel.best ?? "",
    bestModelValue: figureOf(byModel, byModel.best),
    better: `${pairs.filter(([words, model]) => model > words).length} of ${pairs.length}`,
    chosenWords: figureOf(byWords, DEFAULT_ROUTER),
    chosenModel: figureOf(byModel, DEFAULT_ROUTER),
    oracle: baselines.oracle[comparedBy as "aiq"],
  };
}
