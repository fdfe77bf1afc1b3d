/** An evaluation of routers as one HTML page: the accuracy–cost curves of all routers over those of the baselines, and their numbers. */
import { escapeHtml, quantity } from "../../report/markup.js";
import { STYLE } from "../../report/style.js";
import type { Interval } from "../../statistics.js";
import type { BaselineReports, RouterReport } from "./compare-routers.js";
import { CHART_FRAME, type ChartCurve, CURVE_STYLE, curveChart } from "./curve-chart.js";
import type { RoutersEvaluation } from "./evaluate-routers.js";

export interface EvaluatedTable {
  title: string;
  evaluation: RoutersEvaluation;
  notes: readonly string[];
}

/** One table: a chart for each router. */
export function renderRoutersHtml(title: string, evaluation: RoutersEvaluation, notes: readonly string[]): string {
  const sorted = sortedRouters(evaluation);
  return page(title, [
    ...notesOf(notes),
    `<p>${legend([["router", "the router: its settings, and the hull that mixing them reaches"]])} A router is useful where its curve lies above the dashes.</p>`,
    `<div class="charts">${sorted.map((router) => routerChart(router, evaluation.baselines)).join("\n")}</div>`,
    "<h2>Numbers</h2>",
    numbers(sorted, evaluation),
  ]);
}

/** Several tables: one chart each with the curves of all routers, among them the best one and a chosen one. */
export function renderTablesHtml(
  title: string,
  introduction: readonly string[],
  parts: readonly EvaluatedTable[],
  chosen: string,
): string {
  return page(title, [
    ...introduction.map((text) => `<p>${escapeHtml(text)}</p>`),
    `<p>${legend([
      ["router", chosen],
      ["second", "the best router where it is another one"],
      ["other", "all other routers"],
    ])}</p>`,
    `<div class="charts">${parts.map((part) => overview(part, chosen)).join("\n")}</div>`,
    ...parts.map(({ title: name, evaluation, notes }) =>
      [`<h2>${escapeHtml(name)}</h2>`, ...notesOf(notes), numbers(sortedRouters(evaluation), evaluation)].join("\n"),
    ),
  ]);
}

function page(title: string, content: readonly string[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}${CURVE_STYLE}</style></head><body><main>`,
    `<h1>${escapeHtml(title)}</h1>${CHART_FRAME}`,
    ...content,
    "</main></body></html>\n",
  ].join("\n");
}

function notesOf(notes: readonly string[]): string[] {
  return notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`);
}

function legend(routers: readonly (readonly [kind: string, name: string])[]): string {
  const all = [
    ...routers,
    ["zero", "the zero router: mixing single models (dots) without looking at the query"],
    ["oracle", "the oracle"],
  ] as const;
  return all.map(([kind, name]) => `<span class="swatch ${kind}"></span>${escapeHtml(name)}`).join("");
}

/** By what they are judged by, the best first. */
function sortedRouters({ routers }: RoutersEvaluation): RouterReport[] {
  return [...routers].sort((a, b) => b.overZero - a.overZero);
}

function routerChart(router: RouterReport, baselines: BaselineReports): string {
  const { name, aiq, points } = router;
  const curves = [...baselineCurves(baselines), { kind: "router" as const, name, points }];
  const dots = points.map((point) => ({ kind: "point" as const, tip: JSON.stringify(point.knob), ...point }));
  return curveChart(`${name} · AIQ ${aiq.toFixed(4)}`, curves, [...singlesOf(baselines), ...dots]);
}

function overview({ title, evaluation }: EvaluatedTable, chosen: string): string {
  const { routers, baselines, best } = evaluation;
  const kindOf = (name: string) => (name === chosen ? "router" : name === best ? "second" : "other");
  const curves = routers.map(({ name, points }) => ({ kind: kindOf(name), name, points }) as const);
  const order = ["other", "second", "router"];
  curves.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return curveChart(title, [...baselineCurves(baselines), ...curves], singlesOf(baselines));
}

function baselineCurves({ zeroRouter, oracle }: BaselineReports): ChartCurve[] {
  return [
    { kind: "oracle", name: "oracle", points: oracle.points },
    { kind: "zero", name: "zero router", points: zeroRouter.points },
  ];
}

function singlesOf({ singles }: BaselineReports) {
  return singles.map((single) => ({ kind: "single" as const, tip: single.model, ...single }));
}

function numbers(
  routers: readonly RouterReport[],
  { baselines, comparedBy, best, skipped }: RoutersEvaluation,
): string {
  const compared = comparedBy === "aiq" ? "quality at equal cost, mean over budgets," : "quality with no knob";
  const head = [
    ["", ""],
    [
      "over zero",
      `${compared} less the zero router's, on queries that did not choose the settings; below: 95 %, for all routers at once`,
    ],
    ["over best", `over zero, less that of the best router (${best ?? "none"}); below: 95 %, for all routers at once`],
    [
      "AIQ",
      "area under the hull of quality against cost, from the cheapest to the dearest model, in hindsight; below: 95 %, bootstrap over queries",
    ],
    [
      "APGR",
      "between two models: share of the gap from the weak to the strong one that is recovered, mean over the shares of strong calls; – where strong is hardly better; below: 95 %, bootstrap over queries",
    ],
    ["CPT 50 %", "share of strong calls that recovers half of that gap"],
    ["CPT 80 %", "share of strong calls that recovers 80 % of that gap"],
    ["quality", "with no knob set"],
    ["cost", "with no knob set, mean of a query"],
    ["gain", "best quality of the curve over the best single model's"],
    ["to oracle", "the oracle's quality over the best of the curve"],
    ["lift", "largest height above the zero router's hull"],
    ["fit ms", ""],
    ["decide ms", "on an embedded query"],
  ];
  // A value, and its interval below it.
  const cell = ([value, below = ""]: readonly [string, string?]) =>
    `<td>${escapeHtml(value)}${below === "" ? "" : ` <small>${escapeHtml(below)}</small>`}</td>`;
  const row = (name: string, values: readonly (readonly [string, string?])[]) =>
    `<tr><th>${escapeHtml(name)}</th>${values.map(cell).join("")}</tr>`;
  const baselineRows = (["random", "bestSingle", "zeroRouter", "oracle"] as const).map((name) => {
    const { aiq, quality, cost } = baselines[name];
    const told = {
      random: name,
      bestSingle: `best single (${baselines.bestSingle.model})`,
      zeroRouter: "zero router",
      oracle: name,
    };
    const blank = (count: number) => new Array<[string]>(count).fill([""]);
    return row(told[name], [...blank(2), [fixed(aiq)], ...blank(3), [fixed(quality)], [quantity(cost)], ...blank(5)]);
  });
  const rows = routers.map(({ intervals, ...router }) =>
    row(router.name, [
      [signed(router.overZero), range(intervals?.overZero, signed)],
      [signed(intervals?.overBest.value), range(intervals?.overBest, signed)],
      [fixed(router.aiq), range(intervals?.aiq)],
      [fixed(router.apgr), range(intervals?.apgr)],
      [fixed(router.cpt50)],
      [fixed(router.cpt80)],
      [fixed(router.quality)],
      [quantity(router.cost)],
      [signed(router.gain)],
      [fixed(router.gapToOracle)],
      [signed(router.lift.quality)],
      [router.fitMs.toFixed(0)],
      [router.decideMs.toFixed(3)],
    ]),
  );
  const titles = head.map(([name, tip]) => `<th${tip === "" ? "" : ` title="${escapeHtml(tip)}"`}>${name}</th>`);
  return [
    `<div class="wide"><table class="numbers"><thead><tr>${titles.join("")}</tr></thead><tbody>${[...baselineRows, ...rows].join("")}</tbody></table></div>`,
    ...skipped.map(({ name, why }) => `<p><b>${escapeHtml(name)}</b> left out: ${escapeHtml(why)}</p>`),
  ].join("\n");
}

const fixed = (value: number) => (Number.isFinite(value) ? value.toFixed(4) : "–");

function signed(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "";
  const text = Math.abs(value).toFixed(4);
  return text === "0.0000" ? "0" : `${value < 0 ? "−" : "+"}${text}`;
}

function range(interval: Interval | undefined, write: (value: number) => string = fixed): string {
  return interval === undefined ? "" : `${write(interval.low)} … ${write(interval.high)}`;
}
