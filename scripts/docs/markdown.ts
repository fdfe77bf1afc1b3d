/** Tables and links in Markdown. */
import type { BenchReport, BenchTable, Cell, Column } from "../../bench/report.js";

/** A table of texts; numbers stand right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The rows of a bench's table, or these columns of them. */
export function benchTable({ columns, rows }: Pick<BenchTable, "columns" | "rows">): string {
  const isText = ({ key }: Column) => rows.every((row) => row[key] == null || typeof row[key] === "string");
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map((column) => (isText(column) ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map(({ key, digits = 2 }) => figure(row[key] ?? null, digits)))),
  ].join("\n");
}

/** Which machine a report is from. */
export function machineOf({ machine }: BenchReport): string {
  return `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, llama.cpp ${machine.llama}, ${machine.date}`;
}

/** `arXiv 2410.03777` becomes a link; other sources stay as they are. */
export function linked(source: string): string {
  return source.replace(
    /(arXiv )?\b(\d{4}\.\d{5})\b/g,
    (_, word: string | undefined, id: string) => `${word ?? ""}[${id}](https://arxiv.org/abs/${id})`,
  );
}

function figure(cell: Cell, digits: number): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cellOf(cell);
  if (typeof cell === "number") return cell.toFixed(digits);
  const value = "median" in cell ? cell.median : cell.value;
  return `${value.toFixed(digits)} [${cell.low.toFixed(digits)}, ${cell.high.toFixed(digits)}]`;
}

function cellOf(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
