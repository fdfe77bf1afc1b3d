/** Accuracy–cost curves as an SVG chart of an HTML page. */
import { escapeHtml, quantity } from "../../report/markup.js";
import { type CurvePoint, upperHull } from "./curve.js";

/** How a curve is drawn; see `CURVE_STYLE`. */
export type CurveKind = "oracle" | "zero" | "other" | "second" | "router";

export interface ChartCurve {
  kind: CurveKind;
  name: string;
  points: readonly CurvePoint[];
}

export interface ChartDot extends CurvePoint {
  kind: "single" | "point";
  tip: string;
}

const PLOT = { width: 560, height: 360, left: 48, right: 14, top: 12, bottom: 44 } as const;
/** Where costs differ by more than this factor, the axis is logarithmic. */
const WIDE_RANGE = 8;
/** Quality below the zero router's cheapest point by more than this share of the range is cut off: such a choice is useless. */
const ROOM_BELOW = 0.25;

/** Pieces of a bow. */
const BOW_STEPS = 8;

export const CURVE_STYLE = `
svg .curve { fill: none; stroke-width: 2; } svg .zero { stroke: var(--ink); stroke-dasharray: 5 4; }
svg .oracle.curve { fill: none; stroke: var(--oracle); } svg .router { stroke: var(--method); stroke-width: 2.5; }
svg .second { stroke: var(--right); } svg .other { stroke: var(--member); stroke-width: 1; opacity: 0.55; }
svg .single { fill: var(--member); stroke: var(--panel); } svg .point { fill: var(--method); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: 12px; }
.swatch { display: inline-block; width: 22px; border-top: 3px solid; vertical-align: middle; margin: 0 4px 0 10px; }
.swatch.router { color: var(--method); } .swatch.second { color: var(--right); } .swatch.oracle { color: var(--oracle); }
.swatch.zero { color: var(--ink); border-top-style: dashed; } .swatch.other { color: var(--member); border-top-width: 1px; }
`;

/** What a page with charts has once: the frame beyond which curves are cut off. */
export const CHART_FRAME = `<svg aria-hidden="true" style="position:absolute;width:0;height:0"><clipPath id="plot"><rect x="${PLOT.left}" y="${PLOT.top - 4}" width="${PLOT.width - PLOT.left - PLOT.right}" height="${PLOT.height - PLOT.top - PLOT.bottom + 8}"/></clipPath></svg>`;

/** Each curve as the hull that mixing its points reaches, flat beyond its dearest point. */
export function curveChart(title: string, curves: readonly ChartCurve[], dots: readonly ChartDot[]): string {
  const shown = [...curves.flatMap(({ points }) => upperHull(points)), ...dots.filter(({ kind }) => kind === "single")];
  const x = costScale(shown.map(({ cost }) => cost));
  const y = qualityScale(curves);
  const right = PLOT.width - PLOT.right;
  const line = ({ kind, name, points }: ChartCurve) => {
    const hull = upperHull(points);
    if (hull.length === 0) return "";
    const corners = x.isLogarithmic ? bent(hull) : hull;
    const to = corners.map(({ cost, quality }) => `${x.at(cost)} ${y.at(quality)}`).join("L");
    return `<path class="curve ${kind}" d="M${to}H${right}"><title>${escapeHtml(name)}</title></path>`;
  };
  const dot = ({ kind, cost, quality, tip }: ChartDot) =>
    y.holds(quality)
      ? `<circle class="${kind}" cx="${x.at(cost)}" cy="${y.at(quality)}" r="${kind === "single" ? 4.5 : 2.5}"><title>${escapeHtml(tip)}: quality ${quality.toFixed(4)}, cost ${quantity(cost)}</title></circle>`
      : "";
  return [
    `<figure><figcaption>${escapeHtml(title)}</figcaption>`,
    `<svg viewBox="0 0 ${PLOT.width} ${PLOT.height}" role="img" aria-label="${escapeHtml(`Quality against cost: ${title}`)}">`,
    ...y.ticks.map(
      (tick) =>
        `<path d="M${PLOT.left} ${y.at(tick)}H${right}" class="grid"/><text x="${PLOT.left - 6}" y="${y.at(tick) + 4}" class="tick end">${tick.toFixed(2)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<path d="M${x.at(tick)} ${PLOT.height - PLOT.bottom}v4" class="axis"/><text x="${x.at(tick)}" y="${PLOT.height - 24}" class="tick">${quantity(tick)}</text>`,
    ),
    `<text x="${(PLOT.left + right) / 2}" y="${PLOT.height - 6}" class="tick">${x.label}</text>`,
    '<g clip-path="url(#plot)">',
    ...curves.map(line),
    ...dots.map(dot),
    "</g></svg></figure>",
  ].join("");
}

/** Mixing two points is a line in cost, and so a bow on a logarithmic axis. */
function bent(hull: readonly CurvePoint[]): CurvePoint[] {
  return hull.flatMap((point, index) => {
    const next = hull[index + 1];
    if (next === undefined) return [point];
    const ratio = next.cost / point.cost;
    return Array.from({ length: BOW_STEPS }, (_, step) => {
      const cost = point.cost * ratio ** (step / BOW_STEPS);
      const share = (cost - point.cost) / (next.cost - point.cost);
      return { cost, quality: point.quality + share * (next.quality - point.quality) };
    });
  });
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
    ...(positive.length === 0
      ? { ticks: [], label: "calls cost nothing" }
      : {
          ticks: isLogarithmic ? [lowest, Math.sqrt(lowest * highest), highest] : [0, highest / 2, highest],
          label: `mean cost of a query${isLogarithmic ? ", logarithmic" : ""}`,
        }),
  };
}

/** From a little below the zero router's cheapest point to the best of all. */
function qualityScale(curves: readonly ChartCurve[]) {
  const hulls = curves
    .map(({ kind, points }) => ({ kind, hull: upperHull(points) }))
    .filter(({ hull }) => hull.length > 0);
  const highest = Math.max(...hulls.map(({ hull }) => hull.at(-1)!.quality));
  const zero = hulls.find(({ kind }) => kind === "zero")?.hull[0].quality ?? 0;
  const lowest = Math.max(0, zero - ROOM_BELOW * (highest - zero));
  const margin = Math.max(0.01, 0.05 * (highest - lowest));
  const [from, to] = [Math.max(0, lowest - margin), Math.min(1, highest + margin)];
  const [top, bottom] = [PLOT.top, PLOT.height - PLOT.bottom];
  return {
    at: (quality: number) => round(bottom - ((quality - from) / (to - from)) * (bottom - top)),
    holds: (quality: number) => quality >= from && quality <= to,
    ticks: [0, 1, 2, 3, 4].map((step) => from + ((to - from) * step) / 4),
  };
}

const round = (value: number) => Math.round(10 * value) / 10;
