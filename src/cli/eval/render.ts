/** An evaluation on the terminal: a table of grades and costs for each task, and one of grades by tag. */

import {
  type Estimate,
  type EvaluationReport,
  type Row,
  readingNote,
  type TaskReport,
} from "../../evaluation/report/summary.js";
import { interval, percent, points, quantity } from "../../report/markup.js";
import { displayWidth, fitted, type Painted, wrapped } from "../columns.js";
import { renderTable, visibleLength } from "../table.js";
import { type Colors, oneLine } from "../terminal.js";

/** More tags than this are for --json and --html. */
const MOST_TAGS = 8;
/** Of a name in a column's head. */
const HEAD_COLUMNS = 14;
/** `100.0  87 … 100` and the gaps around it. */
const TAG_COLUMNS = 19;
/** Between two columns of a table. */
const GAP = 2;
/** A name, its grade and the interval. */
const LEAST_COLUMNS = 3;

export function renderEvaluation(report: EvaluationReport, colors: Colors, columns: number): string {
  const tasks = report.tasks.map((task) => renderTask(task, report, colors, columns));
  const notes = report.notes.map((note) => renderNote(note, colors, columns));
  return [...tasks, ...notes].join("\n");
}

function renderTask(task: TaskReport, { settings }: EvaluationReport, colors: Colors, columns: number): string {
  const rows = task.rows.map((row) => [
    nameOf(row, colors),
    colors.bold(percent(row.all.value)),
    colors.dim(interval(row.all)),
    ...(row.difference === undefined ? ["", ""] : against(row.difference, colors)),
    quantity(row.cost.tokens),
    quantity(row.cost.seconds),
    row.cost.stepsPerSecond === null ? "" : quantity(row.cost.stepsPerSecond),
  ]);
  const head = ["", "all", "95 %", `vs ${short(task.bestMember)}`, "95 %", "tokens", "seconds", "steps/s"];
  const fitting = columnsThatFit([head, ...rows], columns);
  const sampling = (settings.generation?.temperature ?? 0) === 0 ? "greedy" : "sampled";
  const facts = `${task.count} questions, ${task.metric} in percent, ${sampling}, seed ${settings.seed}`;
  const title = paragraph(
    [
      { text: oneLine(task.name), paint: colors.bold },
      { text: `  ${facts}`, paint: String },
    ],
    columns,
  );
  const grading = paragraph([{ text: `${task.metric}: ${task.grading}`, paint: colors.dim }], columns);
  const reading = readingNote(task);
  const table = renderTable(
    rows.map((row) => row.slice(0, fitting)),
    { colors, head: head.slice(0, fitting), right: right(head), wrap: [0] },
  );
  return `${title}${grading}${table}${reading === undefined ? "" : renderNote(reading, colors, columns)}${renderTags(task, colors, columns)}`;
}

function renderNote(note: string, colors: Colors, columns: number): string {
  const runs = [
    { text: "note:", paint: colors.yellow },
    { text: ` ${oneLine(note)}`, paint: String },
  ];
  return paragraph(runs, columns);
}

/** Lines as wide as the terminal; off a terminal one line, as programs read it. */
function paragraph(runs: readonly Painted[], columns: number): string {
  return `${wrapped(runs, process.stdout.isTTY ? columns : Number.POSITIVE_INFINITY)}\n`;
}

/** On a narrow terminal the columns at the right are left out. */
function columnsThatFit(lines: readonly (readonly string[])[], available: number): number {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => visibleLength(line[column]))));
  let used = 0;
  const fitting = widths.findIndex((width) => (used += width + GAP) - GAP > available);
  return Math.max(LEAST_COLUMNS, fitting < 0 ? widths.length : fitting);
}

/** Side by side as many as fit, and the rest below. */
function renderTags({ rows, tags }: TaskReport, colors: Colors, columns: number): string {
  const all = Object.keys(tags);
  if (all.length === 0) return "";
  if (all.length > MOST_TAGS) return colors.dim(`${all.length} tags: --json and --html have their grades.\n`);
  const names = Math.max(...rows.map(({ name }) => displayWidth(oneLine(name))));
  const beside = Math.max(1, Math.floor((columns - names) / TAG_COLUMNS));
  const blocks: string[] = [];
  for (let at = 0; at < all.length; at += beside) {
    const chosen = all.slice(at, at + beside);
    const head = ["", ...chosen.flatMap((tag) => [short(tag), "95 %"])];
    const lines = rows.map((row) => [
      nameOf(row, colors),
      ...chosen.flatMap((tag) => [percent(row.tags[tag].value), colors.dim(interval(row.tags[tag], whole))]),
    ]);
    blocks.push(`\n${renderTable(lines, { colors, head, right: right(head), wrap: [0] })}`);
  }
  const counts = all.map((tag) => `${oneLine(tag)} ${tags[tag]}`).join(", ");
  return `${blocks.join("")}${paragraph([{ text: `questions: ${counts}`, paint: colors.dim }], columns)}`;
}

function against(difference: Estimate, colors: Colors): string[] {
  const { value, low, high } = difference;
  const paint = low > 0 ? colors.green : high < 0 ? colors.red : (text: string) => text;
  return [paint(points(value)), colors.dim(interval(difference, points))];
}

function nameOf({ name, kind }: Row, colors: Colors): string {
  if (kind === "method") return colors.cyan(oneLine(name));
  return kind === "oracle" ? colors.dim(name) : oneLine(name);
}

function short(name: string): string {
  return fitted(oneLine(name), HEAD_COLUMNS).trimEnd();
}

function whole(share: number): string {
  return (100 * share).toFixed(0);
}

/** All columns but the first. */
function right(head: readonly string[]): number[] {
  return head.map((_, column) => column).slice(1);
}
