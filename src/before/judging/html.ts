/** A judgement as one HTML page: the accuracy–cost curves of all routers over those of the baselines, and their numbers. */
import { escapeHtml, quantity } from "../../evaluation/report/markup.js";
import { STYLE } from "../../evaluation/report/style.js";
import { type CurvePoint, upperHull } from "./curve.js";
import type { RouterReport } from "./judge.js";
import type { JudgementOfAll } from "./judge-all.js";

const PLOT = { width: 560, height: 360, left: 48, right: 14, top: 12, bottom: 40 } as const;
/** Where costs differ by more than this factor, the axis is logarithmic. */
const WIDE_RANGE = 8;

const CURVES = `
svg .curve { fill: none; stroke-width: 2; } svg .router { stroke: var(--method); } svg .zero { stroke: var(--member); stroke-dasharray: 5 4; }
svg .best { stroke: var(--oracle); } svg .single { fill: var(--member); } svg .point { fill: var(--method); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: 12px; }
`;

export function renderJudgementHtml(title: string, judgement: JudgementOfAll, notes: readonly string[]): string {
  const { routers, baselines, skipped } = judgement;
  const sorted = [...routers].sort((a, b) => b.aiq - a.aiq);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}${CURVES}</style></head><body><main>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
    "<p>Each chart: the router's settings and the hull that mixing them reaches (blue), the zero router's hull of single models (dashed, grey points), and the oracle (gold). A router is useful where blue lies above the dashes.</p>",
    `<div class="charts">${sorted.map((router) => chart(router, baselines)).join("\n")}</div>`,
    "<h2>Numbers</h2>",
    numbers(sorted, baselines),
    ...skipped.map(({ name, why }) => `<p><b>${escapeHtml(name)}</b> left out: ${escapeHtml(why)}</p>`),
    "</main></body></html>\n",
  ].join("\n");
}

function chart(router: RouterReport, { zeroRouter, oracle, singles }: JudgementOfAll["baselines"]): string {
  const curves = [router.points, zeroRouter.points, oracle.points, singles].flat();
  const x = costScale(curves.map(({ cost }) => cost));
  const y = qualityScale(curves.map(({ quality }) => quality));
  const line = (points: readonly CurvePoint[], name: string) => {
    const hull = upperHull(points);
    const to = hull.map(({ cost, quality }) => `${x.at(cost)} ${y.at(quality)}`).join("L");
    const end = hull.length > 0 ? `H${PLOT.width - PLOT.right}` : "";
    return `<path class="curve ${name}" d="M${to}${end}"/>`;
  };
  const dot = ({ cost, quality }: CurvePoint, name: string, tip: string, radius: number) =>
    `<circle class="${name}" cx="${x.at(cost)}" cy="${y.at(quality)}" r="${radius}"><title>${escapeHtml(tip)}</title></circle>`;
  const at = ({ cost, quality }: CurvePoint) => `quality ${quality.toFixed(4)}, cost ${quantity(cost)}`;
  return [
    `<figure><figcaption>${escapeHtml(router.name)} · AIQ ${router.aiq.toFixed(4)}</figcaption>`,
    `<svg viewBox="0 0 ${PLOT.width} ${PLOT.height}" role="img" aria-label="${escapeHtml(`Quality against cost of ${router.name}`)}">`,
    ...y.ticks.map(
      (tick) =>
        `<path d="M${PLOT.left} ${y.at(tick)}H${PLOT.width - PLOT.right}" class="grid"/><text x="${PLOT.left - 6}" y="${y.at(tick) + 4}" class="tick end">${tick.toFixed(2)}</text>`,
    ),
    ...x.ticks.map((tick) => `<text x="${x.at(tick)}" y="${PLOT.height - 20}" class="tick">${quantity(tick)}</text>`),
    `<text x="${PLOT.width / 2}" y="${PLOT.height - 4}" class="tick">mean cost of a query${x.isLogarithmic ? ", logarithmic" : ""}</text>`,
    line(oracle.points, "best"),
    line(zeroRouter.points, "zero"),
    line(router.points, "router"),
    ...singles.map((single) => dot(single, "single", `${single.model}: ${at(single)}`, 4)),
    ...router.points.map((point) => dot(point, "point", `${JSON.stringify(point.knob)}: ${at(point)}`, 2.5)),
    "</svg></figure>",
  ].join("");
}

function costScale(costs: readonly number[]) {
  const finite = costs.filter((cost) => Number.isFinite(cost));
  const positive = finite.filter((cost) => cost > 0);
  const highest = Math.max(...positive, 1e-12);
  const lowest = Math.min(...positive, highest);
  const isLogarithmic = positive.length === finite.length && highest / lowest > WIDE_RANGE;
  const [from, to] = isLogarithmic ? [Math.log(lowest / 1.2), Math.log(highest * 1.2)] : [0, 1.08 * highest];
  const place = (cost: number) => ((isLogarithmic ? Math.log(cost) : cost) - from) / (to - from);
  const at = (cost: number) => round(PLOT.left + (PLOT.width - PLOT.left - PLOT.right) * place(cost));
  return {
    at,
    isLogarithmic,
    ticks: isLogarithmic ? [lowest, Math.sqrt(lowest * highest), highest] : [0, highest / 2, highest],
  };
}

function qualityScale(qualities: readonly number[]) {
  const finite = qualities.filter((quality) => Number.isFinite(quality));
  const from = Math.max(0, Math.floor(10 * Math.min(...finite)) / 10);
  const to = Math.max(from + 0.1, Math.ceil(10 * Math.max(...finite)) / 10);
  const at = (quality: number) =>
    round(PLOT.height - PLOT.bottom - ((PLOT.height - PLOT.top - PLOT.bottom) * (quality - from)) / (to - from));
  return { at, ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => from + share * (to - from)) };
}

function numbers(routers: readonly RouterReport[], baselines: JudgementOfAll["baselines"]): string {
  const head = [
    "",
    "AIQ",
    "95 %",
    "APGR",
    "95 %",
    "quality",
    "cost",
    "gain",
    "lift",
    "CPT 50 %",
    "CPT 80 %",
    "fit ms",
    "decide ms",
  ];
  const cells = (values: readonly string[]) => values.map((value) => `<td>${escapeHtml(value)}</td>`).join("");
  const fixed = (value: number) => (Number.isFinite(value) ? value.toFixed(4) : "–");
  const range = (interval?: { low: number; high: number }) =>
    interval === undefined ? "" : `${fixed(interval.low)} … ${fixed(interval.high)}`;
  const baselineRows = (["random", "bestSingle", "zeroRouter", "oracle"] as const).map((name) => {
    const { aiq, quality, cost } = baselines[name];
    const told =
      name === "bestSingle"
        ? `best single (${baselines.bestSingle.model})`
        : name === "zeroRouter"
          ? "zero router"
          : name;
    return `<tr><th>${escapeHtml(told)}</th>${cells([fixed(aiq), "", "", "", fixed(quality), quantity(cost), "", "", "", "", "", ""])}</tr>`;
  });
  const rows = routers.map(({ intervals, lift, ...router }) => {
    const values = [
      fixed(router.aiq),
      range(intervals?.aiq),
      fixed(router.apgr),
      range(intervals?.apgr),
      fixed(router.quality),
      quantity(router.cost),
      fixed(router.gain),
      fixed(lift.quality),
      fixed(router.cpt50),
      fixed(router.cpt80),
      router.fitMs.toFixed(0),
      router.decideMs.toFixed(3),
    ];
    return `<tr><th>${escapeHtml(router.name)}</th>${cells(values)}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head.map((name) => `<th>${name}</th>`).join("")}</tr></thead><tbody>${[...baselineRows, ...rows].join("")}</tbody></table></div>`;
}

const round = (value: number) => Math.round(10 * value) / 10;
