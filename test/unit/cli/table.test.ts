/** Tables on terminals of every width. */
import picocolors from "picocolors";
import { afterEach, describe, expect, it } from "vitest";
import { renderTable, visibleLength } from "../../../src/cli/table.js";

const colors = picocolors.createColors(false);
const before = Object.getOwnPropertyDescriptor(process.stdout, "columns");

function at<Result>(columns: number, render: () => Result): Result {
  Object.defineProperty(process.stdout, "columns", { value: columns, configurable: true });
  return render();
}

afterEach(() => {
  if (before === undefined) Reflect.deleteProperty(process.stdout, "columns");
  else Object.defineProperty(process.stdout, "columns", before);
});

const head = ["", "method", "all", "95 %", "what it does"];
const rows = [
  ["✓", "fusion rule=product", "94.0", "91.3 … 96.7", "your own combination of an alignment and a rule"],
  ["✗", "averyveryverylongnamewithoutasinglespaceinit", "3.0", "0 … 6", "nothing"],
];

describe("a table", () => {
  it.each([20, 30, 40, 60, 80, 120])("holds at %d columns, with every cell in it", (columns) => {
    const table = at(columns, () => renderTable(rows, { colors, head, wrap: [1, 4], right: [2] }));
    for (const line of table.split("\n")) expect(visibleLength(line)).toBeLessThanOrEqual(columns);
    for (const cell of ["94.0", "3.0", "nothing", "what"]) expect(table).toContain(cell);
  });

  it("too wide for the terminal is a block a row, each cell behind its column's name", () => {
    expect(at(40, () => renderTable(rows.slice(0, 1), { colors, head, wrap: [1, 4], right: [2] }))).toBe(
      [
        "✓ fusion rule=product",
        "  all      94.0",
        "  95 %     91.3 … 96.7",
        "  what it  your own combination of an",
        "  does     alignment and a rule",
        "",
      ].join("\n"),
    );
  });

  it("that fits stays a table", () => {
    const table = at(80, () => renderTable(rows.slice(0, 1), { colors, head, wrap: [1, 4], right: [2] }));
    expect(table.split("\n")[0]).toMatch(/^ +method +all +95 % +what it does$/);
  });
});
