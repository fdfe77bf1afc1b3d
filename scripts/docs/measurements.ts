/** docs/measurements.md: every report in bench/results, as it was measured. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { BenchReport, BenchTable, Column } from "../../bench/report.js";
import { benchTable, machineOf } from "./markdown.js";

const RESULTS = path.join("bench", "results");

/** Reports in the order of the page, and what a reader should know before the figures. */
const ORDER: [name: string, title: string, reading: string][] = [
  [
    "quality",
    "Quality: right answers",
    `The averages keep what the best expert knows: \`gac\` loses nothing on any skill and \`unite\` two points on words. A
geometric mean lets each member veto, and loses facts and numbers. Some methods are made for members with the same skills and
lose here: \`eva\` ignores a model whose top token no other model ranks, which describes an expert; \`deepen\` moves the main
member's logits by about 0.7 at most and writes only the main member's tokens; \`core\` gives its main member at least half of
the weight (\`main: "none"\` removes that); \`packllm\` trusts the model that predicts the prompt best (\`variant: "opt"\` learns
its weights instead); \`safe\` keeps its drafter's text where no tokens meet.`,
  ],
  [
    "routing",
    "Quality: routers",
    "Made before routers were judged on queries that did not choose their settings: the best router is the best of 21 in hindsight, and its interval is not corrected for that. See [Routing](routing.md).",
  ],
  [
    "bytes",
    "Bytes: cost and prediction",
    "Model calls and time for each byte, against decoding the member's own tokens, by beam. See [Bytes](bytes.md).",
  ],
  [
    "real",
    "Real models: two small ones, alone and fused",
    "`scripts/get-real-models.sh DIR` brings the models. The run takes hours on two cores; it can be stopped and continued.",
  ],
  ["step", "Speed: one fused step", "A greedy step needs only the likeliest entry; a sampled step needs all of them."],
  [
    "fused",
    "Speed: fused generation against bare decoding",
    "Tiny models decode in half a millisecond, so thread hand-off and cache eviction are visible; large models hide both.",
  ],
  ["speed", "Speed: the native models through `llamafuse bench speed`", ""],
  [
    "peer",
    "Speed: the same fusion on node-llama-cpp's public API",
    "Measured on node-llama-cpp 3.22.1, whose API returns the ten best logits quickly and all logits slowly. The release pinned now, 3.21.1, returns all probabilities or none.",
  ],
  [
    "isolate",
    "Speed: members in processes of their own",
    "What `isolate: true` costs in each step: the copy of a member's output through a pipe. See [Members that fail](isolation.md).",
  ],
  [
    "many",
    "Speed: many requests at once",
    "What slots gain: see [Where and how a member runs](members.md#many-requests-at-once).",
  ],
  [
    "format",
    "Speed: answers of a form",
    "What a form costs in each step, and how long it takes to be read. See [Answers of a form](formats.md).",
  ],
  [
    "graph-top",
    "Speed: top tokens chosen in llama.cpp's graph",
    `llama.cpp can choose the k best logits where it computes them, so that only k values leave the device. On a CPU its search
is slower than ours, and methods that look strings up in another member's logits need all of them in any case, so Llamafuse
does not use it. On Debian 12's software Vulkan driver it never returns. It has not been measured on a card.`,
  ],
  [
    "recurrent",
    "Speed: going back in recurrent models",
    "Recurrent and hybrid models go back by checkpoints. See [Where and how a member runs](members.md).",
  ],
  [
    "speculative",
    "Speed: speculation",
    "Two rounds. On two cores hardly any guess pays, so few are made; ratios beside 1 are the machine's noise.",
  ],
  [
    "serve",
    "The server: many requests at once",
    "A request more costs its HTTP, and waits for those before it. See [A server](server.md).",
  ],
  ["load", "Loading and memory", ""],
  [
    "alignments",
    "Building alignments",
    "`deepen` and `eva` compare all tokens of two models once and keep the result in `~/.cache/llamafuse/alignments`.",
  ],
  ["routers", "Routers: time to fit and to decide", ""],
];

export function measurementsPage(): string {
  const known = ORDER.filter(([name]) => existsSync(fileOf(name)));
  const others = readdirSync(RESULTS)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .filter((name) => !ORDER.some(([each]) => each === name))
    .filter((name) => Array.isArray(reportOf(name).tables))
    .map((name): (typeof ORDER)[number] => [name, name, ""]);
  const sections = [...known, ...others];
  const parts = [
    "# Measurements",
    `Each section names the command that made it. Reports with all settings are in [bench/results](../bench/results). The
machines are small and shared: trust ratios within one run more than absolute times. All figures are from Linux x64 on CPUs; macOS
and Windows have not been measured.`,
    sections.map(([, title]) => `- [${title}](#${anchorOf(title)})`).join("\n"),
    ...sections.map(sectionOf),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** What of a report stands in the README: some rows of its first table, without the columns that need explaining. */
export function resultsTable(): string {
  const [team] = reportOf("quality").tables;
  const shown = ["gac", "unite", "product", "abe", "safe", "oracle"];
  const rows = team.rows.filter(({ who }) => String(who).endsWith(" alone") || shown.includes(String(who)));
  const columns = team.columns.filter(({ key }) => key === "who" || key === "all" || key.startsWith("tag "));
  return benchTable({ columns: columns.map(named), rows: rows.map(withoutSpread) });
}

function sectionOf([name, title, reading]: (typeof ORDER)[number]): string {
  const report = reportOf(name);
  const parts = [`## ${title}`, `\`${report.command}\` on ${machineOf(report)}.`, sentence(report.about.join(" "))];
  if (reading !== "") parts.push(reading);
  for (const table of report.tables) parts.push(`### ${table.title}`, benchTable(table));
  if (report.notes.length > 0) parts.push(`Notes:\n\n${report.notes.map((note) => `- ${note}`).join("\n")}`);
  return parts.join("\n\n");
}

function reportOf(name: string): BenchReport {
  return JSON.parse(readFileSync(fileOf(name), "utf8")) as BenchReport;
}

function fileOf(name: string): string {
  return path.join(RESULTS, `${name}.json`);
}

function sentence(text: string): string {
  const ended = /[.:)]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

function named(column: Column): Column {
  return column.key === "all" ? { ...column, title: "all [95 % interval]" } : column;
}

/** A skill's figure without its interval; the interval of all questions stays. */
function withoutSpread(row: BenchTable["rows"][number]): BenchTable["rows"][number] {
  const cells = Object.entries(row).map(([key, cell]) =>
    key.startsWith("tag ") && cell !== null && typeof cell === "object" && "value" in cell
      ? [key, cell.value]
      : [key, cell],
  );
  return Object.fromEntries(cells) as BenchTable["rows"][number];
}
