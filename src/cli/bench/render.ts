/** A bench's report on a terminal: its tables as wide as the terminal, medians with their spread. */
import { type BenchReport, type BenchTable, renderCell } from "../../../bench/report.js";
import { renderTable } from "../table.js";
import type { Colors } from "../terminal.js";

export function renderBench(report: BenchReport, colors: Colors): string {
  const { machine } = report;
  return [
    `${colors.bold(report.name)}: ${report.about.join(" ")}\n`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, llama.cpp ${machine.llama}, ${machine.date}\n`,
    ...report.tables.map((table) => `\n${table.title}\n${tableOf(table, colors)}`),
    ...(report.notes.length > 0 ? ["\n", ...report.notes.map((note) => `${colors.yellow("note:")} ${note}\n`)] : []),
  ].join("");
}

function tableOf({ columns, rows }: BenchTable, colors: Colors): string {
  const cells = rows.map((row) => columns.map(({ key, digits = 2 }) => renderCell(row[key] ?? null, digits)));
  const isText = ({ key }: BenchTable["columns"][number]) => rows.every((row) => typeof row[key] === "string");
  const right = columns.flatMap((column, index) => (isText(column) ? [] : [index]));
  return renderTable(cells, { colors, head: columns.map(({ title }) => title), right, wrap: [0] });
}
