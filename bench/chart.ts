/** The picture that belongs to a bench's report. */
import { type Bar, drawBars } from "./bars.js";
import type { BenchReport, Cell } from "./report.js";

/** SVG text, or undefined for a bench without a picture. */
export function drawReport(report: BenchReport): string | undefined {
  const rows = report.tables[0]?.rows ?? [];
  const { machine } = report;
  const where = `${machine.cpu}, ${machine.cores} cores, llama.cpp ${machine.llama}`;
  switch (report.name) {
    case "step":
      return drawBars({
        title: "A fused step without decoding, milliseconds",
        subtitle: `One small layer under real vocabularies; ${where}`,
        series: ["prepare (members' threads)", "fuse (coordinator)", "hand over"],
        groups: grouped(rows, "vocabularies", (row) => {
          const values = ["prepare", "fuse", "sync"].map((key) => middle(row[key]));
          return { label: `${row.method}, ${row.schedule}`, values, text: `${middle(row.beside).toFixed(2)} ms` };
        }),
      });
    case "fused":
      return drawBars({
        title: "Fused generation over bare decoding of the same tokens",
        subtitle: `By the same models on the same threads; ${where}`,
        series: ["ratio"],
        groups: grouped(rows, "models", (row) => ({
          label: `${row.method}, ${row.schedule}`,
          values: [middle(row.ratio)],
          text: middle(row.ratio).toFixed(2),
        })),
        line: { value: 1, label: "bare decoding" },
      });
    case "peer":
      return drawBars({
        title: "Fused steps per second over the same fusion on node-llama-cpp's public API",
        subtitle: where,
        series: ["ratio"],
        groups: grouped(rows, "models", (row) => ({
          label: `${row.method}, ${row.label}`,
          values: [middle(row.ratio)],
          text: `${middle(row.ratio).toFixed(1)}×`,
        })),
        line: { value: 1, label: "the same speed" },
      });
  }
}

/** Rows under a common key, in their order. */
function grouped(rows: readonly Record<string, Cell>[], key: string, bar: (row: Record<string, Cell>) => Bar) {
  const groups = new Map<string, Bar[]>();
  for (const row of rows) {
    const label = String(row[key]);
    const bars = groups.get(label) ?? [];
    bars.push(bar(row));
    groups.set(label, bars);
  }
  return [...groups].map(([label, bars]) => ({ label, bars }));
}

function middle(cell: Cell | undefined): number {
  if (typeof cell === "number") return cell;
  return typeof cell === "object" && cell !== null && "median" in cell ? cell.median : 0;
}
