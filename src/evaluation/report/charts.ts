/** The charts of the HTML report, as SVG that takes its colours from the page's style. */

import { placeLabels } from "../../report/label-placement.js";
import { escapeHtml, interval, percent, quantity } from "../../report/markup.js";
import type { Estimate, Row } from "./summary.js";

const BAR = { width: 360, names: 132, values: 44, row: 20, thickness: 12 } as const;
/** Enough for a name of usual length; longer ones are cut, and whole in the tooltip. */
const NAME_CHARACTERS = 20;
/** From the middle of a line of text down to where its letters stand. */
const BASELINE = 4;

/** One bar for each row, with the interval as a whisker; the scale is 0 … 100 %. */
export function barChart(title: string, rows: readonly Row[], estimateOf: (row: Row) => Estimate): string {
  const height = rows.length * BAR.row + 6;
  const room = BAR.width - BAR.names - BAR.values;
  const x = (share: number) => round(BAR.names + room * share);
  const marks = rows.map((row, index) => {
    const estimate = estimateOf(row);
    const { value, low, high } = estimate;
    const top = index * BAR.row + 4;
    const middle = top + BAR.thickness / 2;
    const baseline = middle + BASELINE;
    const tip = `${row.name}: ${percent(value)} % (95 %: ${interval(estimate)}; n = ${estimate.count})`;
    return [
      `<g><title>${escapeHtml(tip)}</title>`,
      `<text x="${BAR.names - 8}" y="${baseline}" class="name">${escapeHtml(shortened(row.name))}</text>`,
      `<rect x="${BAR.names}" y="${top}" width="${round(room * value)}" height="${BAR.thickness}" rx="2" class="${row.kind}"/>`,
      `<path d="M${x(low)} ${middle}H${x(high)}M${x(low)} ${middle - 3}v6M${x(high)} ${middle - 3}v6" class="whisker"/>`,
      `<text x="${BAR.width}" y="${baseline}" class="value">${percent(value)}</text></g>`,
    ].join("");
  });
  const axis = `<path d="M${BAR.names} 0V${height}" class="axis"/>`;
  return figure(title, BAR.width, height, marks.join("") + axis);
}

const PLOT = { width: 360, height: 260, left: 36, right: 12, top: 12, bottom: 30 } as const;
/** Where labels may stand. */
const PLOT_AREA = {
  left: PLOT.left + 2,
  right: PLOT.width - 2,
  top: 2,
  bottom: PLOT.height - PLOT.bottom,
} as const;
/** Where costs differ by more than this factor, the axis is logarithmic. */
const WIDE_RANGE = 8;

/** Grade against a cost: up and to the left is better. */
export function costChart(title: string, unit: string, rows: readonly Row[], costOf: (row: Row) => number): string {
  const costs = rows.map(costOf);
  const scale = costScale(costs);
  const x = (cost: number) => round(PLOT.left + (PLOT.width - PLOT.left - PLOT.right) * scale.place(cost));
  const y = (share: number) => round(PLOT.height - PLOT.bottom - (PLOT.height - PLOT.top - PLOT.bottom) * share);
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<path d="M${PLOT.left} ${y(share)}H${PLOT.width - PLOT.right}" class="grid"/>` +
      `<text x="${PLOT.left - 6}" y="${y(share) + BASELINE}" class="tick end">${100 * share}</text>`,
  );
  const ticks = scale.ticks.map(
    (tick) => `<text x="${x(tick)}" y="${PLOT.height - PLOT.bottom + 14}" class="tick">${quantity(tick)}</text>`,
  );
  const points = rows.map((row, index) => ({
    x: x(costs[index]),
    y: y(row.all.value),
    text: shortened(row.name),
  }));
  const labels = placeLabels(points, PLOT_AREA);
  const marks = rows.map((row, index) => {
    const { x: cx, y: cy, text } = points[index];
    const label = labels[index];
    const tip = `${row.name}: ${percent(row.all.value)} % for ${quantity(costs[index])} ${unit}`;
    const toLabel = label.isFar ? `<path d="M${cx} ${cy}L${round(label.x)} ${round(label.y)}" class="lead"/>` : "";
    return [
      `<g><title>${escapeHtml(tip)}</title>${toLabel}`,
      `<circle cx="${cx}" cy="${cy}" r="4.5" class="${row.kind}"/>`,
      `<text x="${round(label.x)}" y="${round(label.y + BASELINE)}" class="label${label.isEnd ? " end" : ""}">${escapeHtml(text)}</text></g>`,
    ].join("");
  });
  const caption = `<text x="${(PLOT.left + PLOT.width - PLOT.right) / 2}" y="${PLOT.height - 4}" class="tick">${escapeHtml(unit)}${scale.isLogarithmic ? ", logarithmic" : ""}</text>`;
  return figure(title, PLOT.width, PLOT.height, [...grid, ...ticks, caption, ...marks].join(""));
}

interface Scale {
  /** 0 at the left edge, 1 at the right one. */
  place(cost: number): number;
  ticks: number[];
  isLogarithmic: boolean;
}

function costScale(costs: readonly number[]): Scale {
  const positive = costs.filter((cost) => cost > 0);
  const largest = Math.max(...positive, 1e-9);
  const smallest = Math.min(...positive, largest);
  if (largest / smallest <= WIDE_RANGE) {
    const end = 1.1 * largest;
    return { place: (cost) => cost / end, ticks: [0, largest / 2, largest], isLogarithmic: false };
  }
  const [from, to] = [Math.log(smallest / 1.5), Math.log(largest * 1.5)];
  const ticks = [smallest, Math.sqrt(smallest * largest), largest];
  return { place: (cost) => (Math.log(Math.max(cost, smallest)) - from) / (to - from), ticks, isLogarithmic: true };
}

function figure(title: string, width: number, height: number, content: string): string {
  const label = escapeHtml(title);
  return `<figure><figcaption>${label}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${content}</svg></figure>`;
}

function shortened(name: string): string {
  const characters = Array.from(name);
  return characters.length > NAME_CHARACTERS ? `${characters.slice(0, NAME_CHARACTERS - 1).join("")}…` : name;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
