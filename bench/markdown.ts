/** Reports as Markdown, and what of `bench quality` stands in the README. */
import type { BenchReport, BenchTable, Cell, Column } from "./report.js";

/** A whole report: every table, then the notes. */
export function renderMarkdown({ name, about, machine, command, tables, notes }: BenchReport): string {
  const where = `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, llama.cpp ${machine.llama}, ${machine.date}`;
  const parts = [`# ${name}`, about.join(" "), `\`${command}\` on ${where}.`];
  for (const table of tables) parts.push(`## ${table.title}`, markdownTable(table));
  if (notes.length > 0) parts.push("## Notes", notes.map((note) => `- ${note}`).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** A table, or these columns of these rows of it. */
export function markdownTable({ columns, rows }: Pick<BenchTable, "columns" | "rows">): string {
  const isText = ({ key }: Column) => rows.every((row) => row[key] == null || typeof row[key] === "string");
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map((column) => (isText(column) ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map(({ key, digits = 2 }) => cellText(row[key] ?? null, digits)))),
  ].join("\n");
}

function cellText(cell: Cell, digits: number): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell.replaceAll("|", "\\|");
  if (typeof cell === "number") return cell.toFixed(digits);
  const value = "median" in cell ? cell.median : cell.value;
  return `${value.toFixed(digits)} [${cell.low.toFixed(digits)}, ${cell.high.toFixed(digits)}]`;
}

/** Where the tables of `bench quality` stand in the README. */
export const BEGIN = "<!-- bench quality: written by npm run bench:readme -->";
export const END = "<!-- end of bench quality -->";

/**
 * The README with the figures of a report of `bench quality`: between BEGIN and END its tables, in short, and in the table
 * of methods, whose last column is called "zoo", each method's figure. What is not found is left as it is.
 */
export function withQuality(readme: string, report: BenchReport): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  const isMarked = begin >= 0 && end > begin;
  const filled = isMarked
    ? `${readme.slice(0, begin + BEGIN.length)}\n${shortTables(report)}\n${readme.slice(end)}`
    : readme;
  return withZooColumn(filled, report);
}

/** The first team with its members, the methods' defaults and the oracle; of the others what the first one cannot show. */
function shortTables({ tables }: BenchReport): string {
  const shown = new Set<string>();
  return tables
    .map((table, place) => {
      const rows = table.rows.filter(({ who }) => {
        const name = String(who);
        const method = methodOf(name);
        if (isMember(name) || name === "oracle") return true;
        return place === 0 ? !name.includes("=") : !shown.has(method);
      });
      for (const { who } of rows) shown.add(methodOf(String(who)));
      if (!rows.some(({ who }) => !isMember(String(who)) && who !== "oracle")) return "";
      const columns = table.columns.flatMap((column): Column[] => {
        if (column.key.startsWith("tag ")) return [{ ...column, key: `plain ${column.key}` }];
        if (column.key === "all") return [{ ...column, title: "all, with 95 % interval" }];
        return ["who", "ofBare"].includes(column.key) ? [column] : [];
      });
      const plain = rows.map((row) => {
        const values = Object.entries(row).flatMap(([key, cell]) =>
          key.startsWith("tag ") && cell !== null && typeof cell === "object" && "value" in cell
            ? [[`plain ${key}`, cell.value] as const]
            : [],
        );
        const name = String(row.who);
        return { ...row, ...Object.fromEntries(values), who: isMember(name) || name === "oracle" ? name : coded(name) };
      });
      return `\n**${table.title}**\n\n${markdownTable({ columns, rows: plain })}\n`;
    })
    .join("");
}

function withZooColumn(readme: string, report: BenchReport): string {
  const lines = readme.split("\n");
  const head = lines.findIndex((line) => /^\| name \|.*\| zoo \|$/.test(line));
  if (head < 0) return readme;
  for (let at = head + 2; lines[at]?.startsWith("|"); at++) {
    const [, name] = /^\| `([^`]+)` \|/.exec(lines[at]) ?? [];
    if (name === undefined) continue;
    lines[at] = lines[at].replace(/\|[^|]*\|$/, `| ${zooFigure(name, report)} |`);
  }
  return lines.join("\n");
}

/** A method's figure with the first team that has one: by its defaults, else by the first of its forms. */
function zooFigure(name: string, { tables }: BenchReport): string {
  for (const [place, { title, rows }] of tables.entries()) {
    const row =
      rows.find(({ who }) => who === name) ??
      rows.find(({ who }) => !isMember(String(who)) && methodOf(String(who)) === name);
    if (row === undefined) continue;
    const best = Math.max(...rows.filter(({ who }) => isMember(String(who))).map(({ all }) => figureOf(all)));
    const figure = figureOf(row.all).toFixed(1);
    return place === 0 ? figure : `${figure} (${title.replace(/:.*/, "")}; best alone ${best.toFixed(1)})`;
  }
  return "";
}

function figureOf(cell: Cell): number {
  return typeof cell === "object" && cell !== null && "value" in cell ? cell.value : Number.NaN;
}

function isMember(who: string): boolean {
  return who.endsWith(" alone");
}

/** "gac" of "gac gate=threshold", "me" of "me, temperature 1". */
function methodOf(who: string): string {
  return who.replace(/[ ,].*/, "");
}

/** A row's name as code, what is said of it behind that. */
function coded(who: string): string {
  const [, name, rest] = /^([^,]+)(.*)$/.exec(who)!;
  return `\`${name}\`${rest}`;
}
