/** What a bench hands back: machine facts, settings, and tables of numbers with their spread; as JSON and as text. */
import type { Interval } from "../src/statistics.js";
import type { MachineFacts } from "./machine.js";
import type { Spread } from "./statistics.js";

export type Cell = string | number | Spread | Interval | null;

export interface Column {
  /** The key of its cells in a row. */
  key: string;
  title: string;
  /** Digits behind the point. Default 2. */
  digits?: number;
}

export interface BenchTable {
  title: string;
  columns: Column[];
  rows: Record<string, Cell>[];
}

export interface BenchReport {
  name: string;
  /** What is measured, and how to read the numbers. */
  about: string[];
  machine: MachineFacts;
  /** The command that made it. */
  command: string;
  settings: Record<string, unknown>;
  tables: BenchTable[];
  /** What was left out, and why. */
  notes: string[];
  /** The same and more as one HTML page; kept out of the JSON. */
  page?: string;
}

/** What a run of a bench can be told. */
export interface BenchOptions {
  /** Repetitions of every measurement, interleaved. Default: the bench's own. */
  rounds?: number;
  /** Only the model sets with these names. Default: all whose files are there. */
  sets?: readonly string[];
  /** Questions at most, where questions are asked: for a quick look. Default: all. */
  limit?: number;
  /** Stop asking after so many minutes, where a bench keeps its answers: another run goes on. Default: no limit. */
  minutes?: number;
  /** Where a bench finds its tables of outcomes. Default: the bench's own place. */
  folder?: string;
  /** Told what is being measured. */
  onProgress?: (what: string) => void;
}

/** The tables as aligned text, medians with their quartiles. */
export function renderReport(report: BenchReport): string {
  const { machine } = report;
  const lines = [
    `${report.name}: ${report.about.join(" ")}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, llama.cpp ${machine.llama}, ${machine.date}`,
  ];
  for (const table of report.tables) {
    lines.push("", table.title, ...renderRows(table));
  }
  if (report.notes.length > 0) lines.push("", ...report.notes.map((note) => `note: ${note}`));
  return `${lines.join("\n")}\n`;
}

function renderRows({ columns, rows }: BenchTable): string[] {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => renderCell(row[column.key] ?? null, column.digits ?? 2))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index].length)));
  const isNumber = columns.map((column) =>
    rows.some((row) => typeof row[column.key] !== "string" && row[column.key] != null),
  );
  const line = (row: string[]) =>
    row
      .map((cell, index) => (isNumber[index] ? cell.padStart(widths[index]) : cell.padEnd(widths[index])))
      .join("  ")
      .trimEnd();
  return [line(cells[0]), widths.map((width) => "-".repeat(width)).join("  "), ...cells.slice(1).map(line)];
}

/** A number with its spread, as all tables show it. */
export function renderCell(cell: Cell, digits: number): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return cell.toFixed(digits);
  const value = "median" in cell ? cell.median : cell.value;
  return `${value.toFixed(digits)} [${cell.low.toFixed(digits)} ${cell.high.toFixed(digits)}]`;
}
