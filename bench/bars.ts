/** Horizontal bars as an SVG picture, in the colours of the project's other pictures. */

export interface Bar {
  label: string;
  /** One value for each series, laid end to end. */
  values: readonly number[];
  /** Written behind the bar. */
  text: string;
}

export interface BarChart {
  title: string;
  subtitle: string;
  series: readonly string[];
  groups: readonly { label: string; bars: readonly Bar[] }[];
  /** A dashed line at a value that means something. */
  line?: { value: number; label: string };
}

const COLORS = ["#3b6fd4", "#c9782b", "#8a94a6", "#2f9e62"];
const WIDTH = 960;
const LEFT = 250;
const RIGHT = 130;
const TOP = 96;
const BAR = 14;
const PITCH = 20;
const GROUP_GAP = 30;
/** Bars end this much before the room for text does. */
const HEADROOM = 1.04;

export function drawBars({ title, subtitle, series, groups, line }: BarChart): string {
  const totals = groups.flatMap((group) => group.bars.map((bar) => total(bar)));
  const scale = (WIDTH - LEFT - RIGHT) / (Math.max(line?.value ?? 0, ...totals) * HEADROOM);
  const parts: string[] = [];
  let y = TOP;
  for (const group of groups) {
    parts.push(`<text x="20" y="${y + 12}" font-weight="600">${escaped(group.label)}</text>`);
    y += PITCH;
    for (const bar of group.bars) {
      parts.push(`<text x="36" y="${y + 12}" fill="#4b5563">${escaped(bar.label)}</text>`);
      let x = LEFT;
      for (const [index, value] of bar.values.entries()) {
        const width = Math.max(0, value * scale);
        parts.push(rectangle(x, y, width, COLORS[index % COLORS.length]));
        x += width;
      }
      parts.push(`<text x="${round(x + 8)}" y="${y + 12}" fill="#4b5563">${escaped(bar.text)}</text>`);
      y += PITCH;
    }
    y += GROUP_GAP - PITCH / 2;
  }
  const height = y + 4;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${height}" rx="12" fill="#fbfbfd"/>`,
    `<g fill="#1f2937">`,
    `<text x="20" y="30" font-size="16" font-weight="600">${escaped(title)}</text>`,
    `<text x="20" y="52" fill="#4b5563">${escaped(subtitle)}</text>`,
    ...legend(series),
    ...parts,
    `</g>`,
    ...(line === undefined ? [] : referenceLine(line, LEFT + line.value * scale, height)),
    "</svg>",
    "",
  ].join("\n");
}

function legend(series: readonly string[]): string[] {
  if (series.length < 2) return [];
  let x = LEFT;
  return series.map((name, index) => {
    const entry = `${rectangle(x, 66, 12, COLORS[index % COLORS.length])}<text x="${x + 18}" y="78">${escaped(name)}</text>`;
    x += 34 + 7 * name.length;
    return entry;
  });
}

function referenceLine({ label }: { label: string }, x: number, height: number): string[] {
  return [
    `<path d="M${round(x)} ${TOP - 8} V ${height - 12}" stroke="#2f9e62" stroke-dasharray="6 5"/>`,
    `<text x="${round(x)}" y="${TOP - 14}" fill="#2f9e62" text-anchor="middle">${escaped(label)}</text>`,
  ];
}

function rectangle(x: number, y: number, width: number, fill: string): string {
  return `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${BAR}" rx="2" fill="${fill}"/>`;
}

const total = ({ values }: Bar) => values.reduce((sum, value) => sum + value, 0);
const round = (value: number) => Math.round(value * 10) / 10;
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
