/** A judgement of routers for a terminal. */
import type { JudgementOfAll } from "../../before/judging/judge-all.js";
import type { Interval } from "../../evaluation/statistics.js";
import { renderTable } from "../table.js";
import type { Colors } from "../terminal.js";

export interface TableFacts {
  train: { name: string; rows: number };
  test: { name: string; rows: number };
  models: readonly string[];
  embedder: string;
  folds?: number;
  leaked: readonly { train: string; test: string; query: string }[];
  notes: readonly string[];
}

export function renderJudgement(
  { baselines, routers, skipped }: JudgementOfAll,
  facts: TableFacts,
  colors: Colors,
): string {
  const { bold, dim, yellow } = colors;
  const { train, test, folds } = facts;
  const split =
    folds === undefined
      ? `${train.rows} queries to learn from, ${test.rows} to judge on`
      : `${test.rows} queries in ${folds} folds`;
  const { random, bestSingle, zeroRouter, oracle } = baselines;
  const baselineRows = [
    ["random", random],
    [`best single (${bestSingle.model})`, bestSingle],
    ["zero router", zeroRouter],
    ["oracle", oracle],
  ] as const;
  const byAiq = [...routers].sort((a, b) => b.aiq - a.aiq);
  return [
    `${bold(test.name)}  ${split}, ${facts.models.length} models, ${facts.embedder}\n`,
    ...facts.notes.map((note) => `${yellow("note")} ${note}\n`),
    ...(facts.leaked.length > 0 ? [leakLine(facts, colors)] : []),
    "\n",
    renderTable(
      baselineRows.map(([name, { aiq, quality, cost }]) => [name, share(aiq), share(quality), amount(cost)]),
      { colors, head: ["baseline", "AIQ", "quality", "cost"], right: [1, 2, 3] },
    ),
    "\n",
    renderTable(
      byAiq.map((router) => [
        router.name,
        share(router.aiq),
        halfWidth(router.intervals?.aiq),
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
        head: ["router", "AIQ", "95 %", "APGR", "quality", "cost", "gain", "lift", "fit ms", "decide ms"],
        right: [1, 2, 3, 4, 5, 6, 7, 8, 9],
        wrap: [0],
      },
    ),
    ...skipped.map(({ name, why }) => `${dim(`${name} left out: ${why}`)}\n`),
    dim("gain: best quality over the best single model; lift: largest height above the zero router's hull.\n"),
  ].join("");
}

function leakLine({ leaked }: TableFacts, { yellow }: Colors): string {
  const shown = leaked.slice(0, 5).map(({ train }) => train);
  const more = leaked.length > shown.length ? ` and ${leaked.length - shown.length} more` : "";
  return `${yellow("leak")} ${leaked.length} queries stand in both tables and were taken out of the training table: ${shown.join(", ")}${more}\n`;
}

const share = (value: number) => (Number.isNaN(value) ? "–" : value.toFixed(4));
const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
const amount = (value: number) => String(Number(value.toPrecision(3)));
const halfWidth = (interval?: Interval) =>
  interval === undefined ? "" : `±${((interval.high - interval.low) / 2).toFixed(4)}`;
