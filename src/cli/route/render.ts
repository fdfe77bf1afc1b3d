/** An evaluation of routers for a terminal. */
import { DEFAULT_ROUTER } from "../../before/default-router.js";
import type { RouterReport } from "../../before/evaluation/compare-routers.js";
import { LEAST_GAP } from "../../before/evaluation/curve.js";
import type { RoutersEvaluation } from "../../before/evaluation/evaluate-routers.js";
import type { Interval } from "../../statistics.js";
import { renderTable } from "../table.js";
import type { Colors } from "../terminal.js";
import { renderNotes } from "./tables.js";

export interface TableFacts {
  train: { name: string; rows: number };
  test: { name: string; rows: number };
  models: readonly string[];
  embedder: string;
  folds?: number;
  leaked: readonly { train: string; test: string; query: string }[];
  notes: readonly string[];
}

/** What was judged, and which of them `fit` makes where nobody names one. */
interface Judged {
  noun: string;
  usual: string;
  command: string;
  /** Why none may be better than the zero router. */
  doubt: string;
}

const ROUTERS: Judged = {
  noun: "router",
  usual: DEFAULT_ROUTER,
  command: "route fit",
  doubt: "the words of these queries may not show which model is better",
};

export function renderRouters(
  evaluation: RoutersEvaluation,
  facts: TableFacts,
  colors: Colors,
  judged: Judged = ROUTERS,
): string {
  const { bold, dim } = colors;
  const { baselines, routers, skipped, comparedBy } = evaluation;
  const { train, test, folds } = facts;
  const split =
    folds === undefined
      ? `${train.rows} training queries, ${test.rows} test queries`
      : `${test.rows} queries in ${folds} folds`;
  const { random, bestSingle, zeroRouter, oracle } = baselines;
  const baselineRows = [
    ["random", random],
    [`best single (${bestSingle.model})`, bestSingle],
    ["zero router", zeroRouter],
    ["oracle", oracle],
  ] as const;
  const sorted = [...routers].sort((a, b) => b.overZero - a.overZero);
  return [
    `${bold(test.name)}  ${split}, ${facts.models.length} models, ${facts.embedder}\n`,
    renderNotes(facts.notes, colors),
    ...(facts.leaked.length > 0 ? [leakLine(facts, colors)] : []),
    "\n",
    renderTable(
      baselineRows.map(([name, { aiq, quality, cost }]) => [name, share(aiq), share(quality), amount(cost)]),
      { colors, head: ["baseline", "AIQ", "quality", "cost"], right: [1, 2, 3] },
    ),
    "\n",
    renderTable(
      sorted.map((router) => [
        router.name,
        share(router.aiq),
        halfWidth(router.intervals?.aiq),
        ...difference(router),
        share(router.apgr),
        share(router.quality),
        amount(router.cost),
        signed(router.gain),
        signed(router.lift.quality),
        router.fitMs.toFixed(0),
        router.decideMs.toFixed(3),
      ]),
      {
        colors,
        head: [
          judged.noun,
          "AIQ",
          "95 %",
          "vs zero",
          "95 %",
          "APGR",
          "quality",
          "cost",
          "gain",
          "lift",
          "fit ms",
          "decide ms",
        ],
        right: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        wrap: [0],
        // The difference to the zero router stays longest.
        drop: [9, 8, 11, 10, 5, 2, 7, 6],
      },
    ),
    ...skipped.map(({ name, why }) => `${dim(`${name} left out: ${why}`)}\n`),
    dim(
      `vs zero: ${comparedBy === "aiq" ? "quality at equal cost, mean over budgets, less the zero router's" : "quality with no knob less the best single model's"}, on queries that did not choose the settings; its intervals hold for all routers at once. In hindsight, and no ground for claims: AIQ (area under the hull between the cheapest and the dearest model), gain (best quality over the best single model) and lift (largest height above the zero router's hull). APGR: between two models, the share recovered of the gap from the weak to the strong one, mean over the shares of strong calls, – where strong is not better by more than ${100 * LEAST_GAP} points.\n`,
    ),
    recommendation(evaluation, judged),
  ].join("");
}

/** The best one, whether it is any use, and whether the default is significantly worse. */
function recommendation(
  { best, routers, baselines, comparedBy }: RoutersEvaluation,
  { noun, usual, command, doubt }: Judged,
): string {
  const byName = (name: string | undefined) => routers.find((router) => router.name === name);
  const [first, chosen] = [byName(best), byName(usual)];
  if (first?.intervals === undefined) return "";
  const { model } = baselines.bestSingle;
  const rival = comparedBy === "quality" ? `${model} alone` : "the zero router, which mixes single models";
  if (first.intervals.overZero.high < 0) {
    return `No ${noun} is better than single models here: ${rival}${comparedBy === "quality" ? "" : ` (the best: ${model}),`} does better than ${first.name}, the best of them.\n`;
  }
  const better = routers.filter((router) => router.better).map(({ name }) => name);
  const head =
    better.length > 0
      ? `Better than ${rival}, corrected for ${routers.length === 1 ? `one ${noun}` : `${routers.length} ${noun}s`}: ${better.join(", ")}.`
      : `${first.name} does best here, but is not significantly better than ${rival}: ${doubt}.`;
  if (chosen?.intervals === undefined || chosen === first) return `${head}\n`;
  const isWorse = chosen.intervals.overBest.high < 0;
  return `${head} ${usual}, the default of ${command}, is ${isWorse ? "" : "not "}significantly worse than ${first.name}, the first.\n`;
}

function leakLine({ leaked }: TableFacts, { yellow }: Colors): string {
  const shown = leaked.slice(0, 5).map(({ train }) => train);
  const more = leaked.length > shown.length ? ` and ${leaked.length - shown.length} more` : "";
  return `${yellow("leak")} ${leaked.length} queries occur in both tables and were removed from the training table: ${shown.join(", ")}${more}\n`;
}

const share = (value: number) => (Number.isNaN(value) ? "–" : value.toFixed(4).replace("-", "−"));
const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
const difference = ({ overZero, intervals }: RouterReport) => [
  Number.isNaN(overZero) ? "–" : signed(overZero),
  intervals === undefined ? "" : `${signed(intervals.overZero.low)} … ${signed(intervals.overZero.high)}`,
];
const amount = (value: number) => String(Number(value.toPrecision(3)));
const halfWidth = (interval?: Interval) =>
  interval === undefined ? "" : `±${((interval.high - interval.low) / 2).toFixed(4)}`;
