/**
 * `bench routing`: every router on real tables of outcomes (RouterBench, RouterDC, RouteLLM), against random, best single,
 * zero router and oracle, on the words of the queries alone; then the native experts behind the default router, live.
 */
import { DEFAULT_ROUTER } from "../src/before/default-router.js";
import { type BaselineReport, comparisonNotes } from "../src/before/evaluation/compare-routers.js";
import { evaluateRouters, type RoutersEvaluation } from "../src/before/evaluation/evaluate-routers.js";
import { renderTablesHtml } from "../src/before/evaluation/html.js";
import type { Splits } from "../src/before/evaluation/splits.js";
import { routerInfos } from "../src/before/registry.js";
import { chooseSets } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, BenchTable, Cell, Column } from "./report.js";
import { benchRoutedZoo, ROUTED_ZOO } from "./routed-zoo.js";
import { missingTables, ROUTING_FOLDER, ROUTING_TABLES, type RoutingTable, splitsOf } from "./routing-tables.js";

const SEED = 1;
const RESAMPLES = 500;

/** Columns of a table of routers. Only "over zero" and "over best" are on queries that did not choose the settings. */
const COLUMNS: readonly Column[] = [
  { key: "who", title: "router" },
  { key: "overZero", title: "over zero", digits: 4 },
  { key: "better", title: "better" },
  { key: "overBest", title: "over best", digits: 4 },
  { key: "aiq", title: "AIQ", digits: 4 },
  { key: "apgr", title: "APGR", digits: 3 },
  { key: "cpt50", title: "CPT 50 %", digits: 3 },
  { key: "cpt80", title: "CPT 80 %", digits: 3 },
  { key: "quality", title: "quality", digits: 4 },
  { key: "cost", title: "cost", digits: 6 },
  { key: "gain", title: "gain", digits: 4 },
  { key: "gapToOracle", title: "to oracle", digits: 4 },
];

export async function benchRouting(options: BenchOptions = {}): Promise<Omit<BenchReport, "command">> {
  const folder = options.folder ?? ROUTING_FOLDER;
  const { sets, notes } = chooseSets("routing", [...ROUTING_TABLES, { name: ROUTED_ZOO }], options.sets, (set) =>
    "train" in set ? missingTables(set, folder) : undefined,
  );
  const evaluated: { title: string; evaluation: RoutersEvaluation; notes: string[] }[] = [];
  for (const table of sets) {
    if (!("train" in table)) continue;
    options.onProgress?.(table.name);
    const splits = await splitsOf(table, folder, { seed: SEED });
    const evaluation = await evaluateRouters(
      routerInfos.map(({ name }) => ({ name })),
      splits,
      { seed: SEED, resamples: RESAMPLES, skipUnfit: true },
    );
    evaluated.push({
      title: table.name,
      evaluation,
      notes: [describe(table, splits), ...splits.notes, ...comparisonNotes(evaluation)],
    });
  }
  const zoo = sets.some(({ name }) => name === ROUTED_ZOO) ? await benchRoutedZoo(options) : { tables: [], notes: [] };
  const about = [
    "every router with its defaults on real outcomes, embedding queries by their words; brackets are 95 % bootstrap intervals over the queries.",
    '"over zero" is the gain in quality over the zero router at equal cost, mean over budgets from the cheapest to the dearest model; settings are chosen on one half of the queries and scored on the other, both ways. Its intervals, and those of "over best" (less that of the best router), hold for all routers at once: "better" marks routers above 0 by them. For a table without costs it is quality with no knob set less the best single model\'s. AIQ, gain, lift and the distance to the oracle are of curves in hindsight.',
  ];
  return {
    name: "routing",
    about,
    machine: machineFacts(),
    settings: { seed: SEED, resamples: RESAMPLES, defaultRouter: DEFAULT_ROUTER },
    tables: [
      ...(evaluated.length > 0 ? [overview(evaluated)] : []),
      ...evaluated.map(({ title, evaluation, notes: told }) => routersTable(title, evaluation, told)),
      ...zoo.tables,
    ],
    notes: [...notes, ...zoo.notes],
    ...(evaluated.length > 0 && {
      page: renderTablesHtml("Routers on real outcomes", about, evaluated, DEFAULT_ROUTER),
    }),
  };
}

function describe({ folds }: RoutingTable, { splits, tested, leaked }: Splits): string {
  const from = folds === undefined ? `${splits[0].train.table.rows} training queries, ` : "";
  const how = folds === undefined ? "to evaluate on" : `in ${folds} folds`;
  const out = leaked.length > 0 ? `, ${leaked.length} in both removed from training` : "";
  return `${from}${tested.rows} ${how}, ${tested.models.length} models${out}.`;
}

/** A line for each table: the zero router, the best and the default router, the oracle. */
function overview(evaluated: readonly { title: string; evaluation: RoutersEvaluation }[]): BenchTable {
  return {
    title: `All tables: the best router, and ${DEFAULT_ROUTER}, the default`,
    columns: [
      { key: "table", title: "table" },
      { key: "by", title: "compared by" },
      ...["random", "bestSingle", "zeroRouter"].map((key) => ({ key, title: titles[key], digits: 4 })),
      { key: "best", title: "best router" },
      { key: "bestValue", title: "", digits: 4 },
      { key: "bestOverZero", title: "over zero", digits: 4 },
      { key: "chosenValue", title: DEFAULT_ROUTER, digits: 4 },
      { key: "chosenOverZero", title: "over zero", digits: 4 },
      { key: "chosenOverBest", title: "over best", digits: 4 },
      { key: "oracle", title: "oracle", digits: 4 },
    ],
    rows: evaluated.map(({ title, evaluation }) => {
      const { comparedBy, routers, baselines, best } = evaluation;
      const byName = (name: string | undefined) => routers.find((router) => router.name === name);
      const [first, chosen] = [byName(best), byName(DEFAULT_ROUTER)];
      const base = (name: keyof typeof titles) => (baselines[name as "random"] as BaselineReport)[comparedBy];
      return {
        table: title,
        by: comparedBy === "aiq" ? "AIQ" : "quality",
        random: base("random"),
        bestSingle: base("bestSingle"),
        zeroRouter: base("zeroRouter"),
        best: best ?? "",
        bestValue: first?.[comparedBy] ?? null,
        bestOverZero: first?.intervals?.overZero ?? null,
        chosenValue: chosen?.[comparedBy] ?? null,
        chosenOverZero: chosen?.intervals?.overZero ?? null,
        chosenOverBest: chosen?.intervals?.overBest ?? null,
        oracle: base("oracle"),
      };
    }),
  };
}

const titles: Record<string, string> = {
  random: "random",
  bestSingle: "best single",
  zeroRouter: "zero router",
  oracle: "oracle",
};

function routersTable(name: string, evaluation: RoutersEvaluation, notes: readonly string[]): BenchTable {
  const { routers, baselines } = evaluation;
  const sorted = [...routers].sort((a, b) => b.overZero - a.overZero);
  const finite = (value: number): Cell => (Number.isFinite(value) ? value : null);
  const base = (["random", "bestSingle", "zeroRouter", "oracle"] as const).map((key) => {
    const { aiq, quality, cost } = baselines[key];
    const who = key === "bestSingle" ? `best single (${baselines.bestSingle.model})` : titles[key];
    return { who, aiq, quality, cost };
  });
  return {
    title: `${name}: ${notes.join(" ")}`,
    columns: [...COLUMNS],
    rows: [
      ...base,
      ...sorted.map((router) => ({
        who: router.name,
        overZero: router.intervals?.overZero ?? router.overZero,
        better: router.better ? "yes" : "",
        overBest: router.intervals?.overBest ?? null,
        aiq: router.intervals?.aiq ?? router.aiq,
        apgr: finite(router.apgr) === null ? null : (router.intervals?.apgr ?? router.apgr),
        cpt50: finite(router.cpt50),
        cpt80: finite(router.cpt80),
        quality: router.quality,
        cost: router.cost,
        gain: router.gain,
        gapToOracle: router.gapToOracle,
      })),
    ],
  };
}
