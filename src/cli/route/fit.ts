/** `llamafuse route fit`: one router, trained on a table and saved. */
import type { Command } from "commander";
import { DEFAULT_ROUTER } from "../../before/default-router.js";
import type { Embedder } from "../../before/embedders/embedder.js";
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions } from "../options.js";
import { StepBar } from "../progress.js";
import { colorsFor, write, writeJson } from "../terminal.js";
import { onlyRouter, readRouter } from "./arguments.js";
import {
  addTableOptions,
  openEmbedder,
  renderNotes,
  TABLE_FORMATS,
  type TableFlags,
  tableFor,
  tooFewNotes,
} from "./tables.js";

interface FitFlags extends TableFlags {
  router?: string;
  output: string;
}

const EXAMPLES = `
Examples:
  $ llamafuse route fit --train outcomes.jsonl -o router.json
  $ llamafuse route fit --train outcomes.jsonl -r knn:k=20 -o router.json
  Then use it:
  $ llamafuse generate -M ${DEFAULT_ROUTER} -o router=router.json "…"

"llamafuse route list" lists the routers with their options.
${TABLE_FORMATS}`;

export function registerRouteFit(route: Command): void {
  const command = route
    .command("fit")
    .summary("train a router and save it")
    .description("Fit one router on a table and save it with its embedder as one JSON file.");
  addTableOptions(command)
    .option(
      "-r, --router <name>",
      `NAME or NAME:OPTION=VALUE,…, see "llamafuse route list" (default: ${DEFAULT_ROUTER})`,
      onlyRouter,
    )
    .requiredOption("-o, --output <file>", "where to write the router; an existing file is replaced")
    .option("--json", "print the result as one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => fitOne(command.optsWithGlobals<FitFlags>()));
}

async function fitOne(flags: FitFlags): Promise<void> {
  const [{ routerNamed }, { routerFile }, { trainingData }] = await Promise.all([
    import("../../before/registry.js"),
    import("../../before/saved-router.js"),
    import("../../before/fitting/training-data.js"),
  ]);
  checkTarget(flags.output, [flags.train]);
  checkSamplerOptions({ seed: flags.seed });
  const { name, options } = readRouter(flags.router ?? DEFAULT_ROUTER);
  const interrupts = new Interrupts();
  const bar = new StepBar("Fitting");
  const notes: string[] = [];
  let given: Embedder | undefined;
  try {
    given = await openEmbedder(flags.embedder);
    const table = await tableFor(flags.train, flags, notes);
    const training = await trainingData(table, { embedder: given, signal: interrupts.signal });
    notes.push(...tooFewNotes(table), ...training.notes);
    const router = routerNamed(name, options);
    const started = performance.now();
    await router.fit(training.data, {
      seed: flags.seed,
      signal: interrupts.signal,
      onProgress: (fraction) => bar.update(Math.round(100 * fraction), 100, name),
    });
    const fitMs = performance.now() - started;
    bar.stop();
    await writeWhole(flags.output, JSON.stringify(routerFile(router, training.embedder)));
    const facts = { router: name, rows: table.rows, models: router.models, embedder: training.embedder.id, fitMs };
    if (flags.json) return await writeJson({ ...facts, notes, output: flags.output });
    const told = `${name} on ${facts.rows} queries and ${facts.models.length} models in ${fitMs.toFixed(0)} ms`;
    await write(process.stdout, `${renderNotes(notes, colorsFor(process.stdout))}${flags.output}: ${told}\n`);
  } finally {
    bar.stop();
    interrupts.release();
    await given?.dispose?.();
  }
}
