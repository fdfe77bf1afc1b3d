/** Tables without rules, as wide as the terminal. */
import Table from "cli-table3";
import { displayWidth } from "./columns.js";
import type { Colors } from "./terminal.js";

/** Where nobody can say how wide the paper is. */
export const DEFAULT_WIDTH = 100;
/** A longer word is cut rather than given a column of its width. */
const LONGEST_WORD = 28;
const GAP = "  ";
/** Of a column that is cut. */
const NARROWEST = 6;

export interface TableOptions {
  colors: Colors;
  head?: readonly string[];
  /** Indexes of columns that give way, by wrapping their words, where the terminal is too narrow for all. */
  wrap?: readonly number[];
  /** Indexes of columns with numbers. */
  right?: readonly number[];
  /** Indexes of columns that are left out, one after the other, where the terminal is too narrow even so. */
  drop?: readonly number[];
  indent?: string;
}

/** Names, each with its meaning behind it. */
export function renderMeanings(meanings: Readonly<Record<string, string>>, colors: Colors): string {
  const rows = Object.entries(meanings).map(([name, meaning]) => [colors.cyan(name), meaning]);
  return rows.length === 0 ? "  none\n" : renderTable(rows, { colors, wrap: [1], indent: "  " });
}

export function renderTable(
  rows: readonly (readonly string[])[],
  { colors, head, wrap = [], right = [], drop = [], indent = "" }: TableOptions,
): string {
  const all = head === undefined ? rows : [head, ...rows];
  const available = (process.stdout.columns || DEFAULT_WIDTH) - indent.length;
  const widths = fitWidths(all, wrap, available);
  if (drop.length > 0 && widths.reduce((total, width) => total + width + GAP.length, -GAP.length) > available) {
    const [first] = drop;
    const kept = (cells: readonly string[]) => cells.filter((_, column) => column !== first);
    const behind = (columns: readonly number[]) =>
      columns.filter((column) => column !== first).map((column) => (column > first ? column - 1 : column));
    return renderTable(rows.map(kept), {
      colors,
      head: head && kept(head),
      wrap: behind(wrap),
      right: behind(right),
      drop: behind(drop),
      indent,
    });
  }
  if (!canHold(all, wrap, available)) return renderStacked(rows, { colors, head, indent });
  const none = Object.fromEntries(BORDERS.map((name) => [name, ""]));
  const table = new Table({
    chars: { ...none, middle: GAP },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colWidths: widths,
    colAligns: widths.map((_, column) => (right.includes(column) ? "right" : "left")),
    wordWrap: true,
  });
  if (head !== undefined) table.push(head.map((cell) => colors.dim(cell)));
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => `${indent}${line}`.replace(/\s+$/, ""))
    .join("\n")
    .concat("\n");
}

/** Whether the wrapping columns can be as narrow as they may and the table then fits. */
function canHold(all: readonly (readonly string[])[], wrap: readonly number[], available: number): boolean {
  const widths = fitWidths(all, wrap, available);
  return widths.reduce((total, width) => total + width + GAP.length, -GAP.length) <= available || all[0].length < 3;
}

/**
 * Where even that is too wide, a block a row: what stands first as its head, the other cells below, each behind the name
 * of its column.
 */
function renderStacked(
  rows: readonly (readonly string[])[],
  { colors, head, indent = "" }: Pick<TableOptions, "colors" | "head" | "indent">,
): string {
  const unnamed = Math.max(1, head?.findIndex((name) => visibleLength(name) > 0) ?? 1);
  return rows
    .map((row) => {
      // A mark alone says nothing: what it is about stands beside it.
      const isMark = row.slice(0, unnamed).every((cell) => visibleLength(cell) <= 1);
      const first = isMark ? unnamed + 1 : unnamed;
      const title = row.slice(0, first).filter((cell) => visibleLength(cell) > 0);
      const cells = row.slice(first).map((cell, index) => [colors.dim(head?.[first + index] ?? ""), cell]);
      const told = cells.filter(([, cell]) => visibleLength(cell) > 0);
      const below =
        head === undefined
          ? told.map(([, cell]) => renderTable([[cell]], { colors, wrap: [0], indent: `${indent}  ` })).join("")
          : told.length === 0
            ? ""
            : renderTable(told, { colors, wrap: [0, 1], indent: `${indent}  ` });
      return `${renderTable([[title.join(" ")]], { colors, wrap: [0], indent })}${below}`;
    })
    .join("\n");
}

/** Natural widths where they fit; else the wrapping columns share what the others leave, none below its longest word. */
function fitWidths(all: readonly (readonly string[])[], wrap: readonly number[], available: number): number[] {
  const widest = (column: number, parts: (cell: string) => string[]) =>
    Math.max(...all.flatMap((row) => parts(row[column]).map(visibleLength)));
  const natural = all[0].map((_, column) => widest(column, (cell) => [cell]));
  const least = natural.map((width, column) =>
    wrap.includes(column)
      ? Math.min(
          LONGEST_WORD,
          widest(column, (cell) => cell.split(" ")),
        )
      : width,
  );
  const sum = (widths: readonly number[]) => widths.reduce((total, width) => total + width, 0);
  const room = available - GAP.length * (natural.length - 1);
  if (sum(natural) <= room) return natural;
  const wrapped = sum(natural) - sum(least);
  const growth = wrapped === 0 ? 0 : Math.max(0, room - sum(least)) / wrapped;
  const widths = natural.map((width, column) => least[column] + Math.floor(growth * (width - least[column])));
  // One or two columns are cut where nothing else helps.
  while (natural.length < 3 && sum(widths) > room && Math.max(...widths) > NARROWEST) {
    widths[widths.indexOf(Math.max(...widths))]--;
  }
  return widths;
}

/** Columns of a text that may hold colours. */
export function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  return displayWidth(text.replace(/\u001b\[[\d;]*m/g, ""));
}

const BORDERS = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
  "left",
  "left-mid",
  "mid",
  "mid-mid",
  "right",
  "right-mid",
] as const;

/** A share from 0 to 1. */
export function bar(share: number, width: number): string {
  return "█".repeat(Math.round(share * width)).padEnd(width, "░");
}
