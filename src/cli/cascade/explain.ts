/** `llamafuse cascade explain`: where a saved cascade stops on a table's queries, and why. */
import type { Command } from "commander";
import type { WalkResult } from "../../after/cascade/evaluation/walk.js";
import type { OutcomeTable } from "../../before/table/outcome-table.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { addCommonOptions, number } from "../options.js";
import { type KnobFlags, readKnob } from "../route/arguments.js";
import { renderTable } from "../table.js";
import { type Colors, colorsFor, write, writeJson } from "../terminal.js";

interface ExplainFlags extends KnobFlags {
  table: string;
  query?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  How often each model answers, and what that costs:
  $ llamafuse cascade explain cascade.json --table outcomes.jsonl
  The same with another threshold:
  $ llamafuse cascade explain cascade.json --table outcomes.jsonl --threshold 0.7
  Every step on one query, by its id or its text:
  $ llamafuse cascade explain cascade.json --table outcomes.jsonl \\
      --query native/12

The table must have the cascade's models; "llamafuse cascade list" says which
knobs a cascade takes.`;

export function registerCascadeExplain(cascade: Command): void {
  const command = cascade
    .command("explain")
    .summary("show where a saved cascade defers on a table, and why")
    .description("Run a saved cascade on a table's queries and show where it stops, what that costs, and why.")
    .argument("<FILE>", 'a cascade that "llamafuse cascade fit" wrote')
    .requiredOption("--table <file>", "the table of outcomes to run on")
    .option("--query <id or text>", "one query: every step and its reason (default: a summary of all)")
    .option("--threshold <number>", "keep an answer with at least this score", number("--threshold"))
    .option("--lambda <number>", "the price of cost", number("--lambda"))
    .option("--budget <number>", "the cost of a query", number("--budget"))
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action((file: string) => explain(file, command.optsWithGlobals<ExplainFlags>()));
}

async function explain(file: string, flags: ExplainFlags): Promise<void> {
  const [{ loadCascade }, { readOutcomeTable }, { runOnRow }, { queriesOf }] = await Promise.all([
    import("../../after/cascade/saved-cascade.js"),
    import("../../before/table/read.js"),
    import("../../after/cascade/evaluation/walk.js"),
    import("../../after/cascade/fitting/table-answers.js"),
  ]);
  const { cascade, embedder } = await loadCascade(file);
  try {
    const table = modelsOf(await readOutcomeTable(flags.table), cascade.models, file);
    const embeddings = await embedder?.embed(table.queries);
    const queries = queriesOf({ table, ...(embeddings !== undefined && { embeddings }) });
    const knob = readKnob(flags);
    const run = (row: number) => runOnRow(cascade, table, row, queries[row], knob);
    const colors = colorsFor(process.stdout);
    const facts = { cascade: cascade.info.name, chain: cascade.chain };
    if (flags.query !== undefined) {
      const row = rowOf(table, flags.query);
      const { called, kept, reasons, cost, quality } = run(row);
      const names = { called: called.map((model) => table.models[model]), kept: table.models[kept] };
      if (flags.json) return await writeJson({ ...facts, query: table.ids[row], ...names, reasons, cost, quality });
      return await write(process.stdout, renderSteps(reasons, { cost, quality }, colors));
    }
    const results = table.queries.map((_, row) => run(row));
    const summary = summaryOf(table, results);
    if (flags.json) return await writeJson({ ...facts, ...summary });
    await write(process.stdout, renderSummary(facts, summary, colors));
  } finally {
    await embedder?.dispose?.();
  }
}

/** The cascade's models of a table, in its order. Error: incompatible-members where one is missing. */
function modelsOf(table: OutcomeTable, models: readonly string[], file: string): OutcomeTable {
  const missing = models.filter((model) => !table.models.includes(model));
  if (missing.length === 0) return table.selectModels(models);
  throw new LlamafuseError(
    "incompatible-members",
    `${file} was fitted on ${models.join(", ")}, and ${table.name} has no outcomes of ${missing.join(", ")}. Give a table of the same models, or fit the cascade again.`,
    { found: table.models, allowed: models },
  );
}

function rowOf(table: OutcomeTable, query: string): number {
  const byId = table.ids.indexOf(query);
  const row = byId < 0 ? table.queries.indexOf(query) : byId;
  if (row >= 0) return row;
  const message = `${table.name} has no query with the id or text ${JSON.stringify(query)}. Its first id is ${JSON.stringify(table.ids[0])}.`;
  throw new LlamafuseError("invalid-option", message, { option: "--query", found: query });
}

function summaryOf(table: OutcomeTable, results: readonly WalkResult[]) {
  const known = results.filter(({ quality, cost }) => !Number.isNaN(quality) && !Number.isNaN(cost));
  const mean = (of: (result: WalkResult) => number) => known.reduce((sum, each) => sum + of(each), 0) / known.length;
  const share = (holds: (result: WalkResult) => boolean) => results.filter(holds).length / results.length;
  return {
    queries: results.length,
    quality: mean(({ quality }) => quality),
    cost: mean(({ cost }) => cost),
    models: table.models.map((model, column) => ({
      model,
      asked: share(({ called }) => called.includes(column)),
      kept: share(({ kept }) => kept === column),
      quality: table.meansOf(table.quality)[column],
      cost: table.meansOf(table.cost)[column],
    })),
  };
}

function renderSteps(
  reasons: readonly string[],
  { cost, quality }: { cost: number; quality: number },
  { dim }: Colors,
) {
  const steps = reasons.map((reason, at) => `${at + 1}. ${reason}\n`).join("");
  return `${steps}${dim(`cost ${amount(cost)}, quality ${amount(quality)}`)}\n`;
}

function renderSummary(
  { cascade, chain }: { cascade: string; chain: readonly string[] },
  { queries, quality, cost, models }: ReturnType<typeof summaryOf>,
  colors: Colors,
): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const rows = chain.map((name) => models.find(({ model }) => model === name)!);
  const table = renderTable(
    rows.map(({ model, asked, kept, ...alone }) => [
      model,
      percent(asked),
      percent(kept),
      amount(alone.quality),
      amount(alone.cost),
    ]),
    { colors, head: ["model", "asked", "kept", "quality alone", "cost alone"], right: [1, 2, 3, 4] },
  );
  return `${colors.bold(cascade)} on ${queries} queries: quality ${amount(quality)}, cost ${amount(cost)}\n\n${table}`;
}

const amount = (value: number) => (Number.isNaN(value) ? "–" : String(Number(value.toPrecision(4))));
