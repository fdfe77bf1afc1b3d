/** `llamafuse route eval`: routers evaluated against the baselines. */

import type { Command } from "commander";
import type { Embedder } from "../../before/embedders/embedder.js";
import { LlamafuseError } from "../../errors.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions, collect, number } from "../options.js";
import { StepBar } from "../progress.js";
import { colorsFor, notice, write, writeJson } from "../terminal.js";
import { allRouters, readRouter } from "./arguments.js";
import { addTableOptions, openEmbedder, TABLE_FORMATS, type TableFlags, tableFor } from "./tables.js";

interface EvalFlags extends TableFlags {
  test?: string;
  folds?: number;
  router?: string[];
  resamples?: number;
  threads?: number;
  html?: string;
}

const EXAMPLES = `
Examples:
  Every router against the baselines, on a table of its own:
  $ llamafuse route eval --train arc_train.csv --test arc_test.csv
  Two of them by cross-validation, and a page with the curves:
  $ llamafuse route eval --train outcomes.jsonl -r knn:k=20 -r zooter \\
      --folds 5 --html report.html
${TABLE_FORMATS}`;

export function registerRouteEval(route: Command): void {
  const command = route
    .command("eval")
    .summary("compare routers with random, best single, zero router and oracle")
    .description("Fit routers on one table and evaluate them on another, or on one table in folds.");
  addTableOptions(command)
    .option("--test <file>", "the table to evaluate on (default: --train in folds)")
    .option("--folds <count>", "without --test: folds of the cross-validation (default: 5)", number("--folds"))
    .option(
      "-r, --router <name>",
      'NAME or NAME:OPTION=VALUE,…, see "llamafuse route list"; repeatable (default: every router)',
      collect,
    )
    .optionsGroup("Run and report:")
    .option("--resamples <count>", "bootstrap resamples; 0 for no intervals (default: 200)", number("--resamples"))
    .option(
      "--threads <count>",
      "worker threads for fitting; 0 fits in the main thread (default: cores)",
      number("--threads"),
    )
    .option("--html <file>", "write an HTML page with the curves")
    .option("--json", "print one JSON document: baselines, and every router with its curve");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => evaluate(command.optsWithGlobals<EvalFlags>()));
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const [{ evaluateRouters }, { checkEvaluationOptions, labelsOf }, { comparisonNotes }, { foldsOf, splitOf }] =
    await Promise.all([
      import("../../before/evaluation/evaluate-routers.js"),
      import("../../before/evaluation/check-options.js"),
      import("../../before/evaluation/compare-routers.js"),
      import("../../before/evaluation/splits.js"),
    ]);
  const { seed, resamples, threads, html } = flags;
  if (flags.test !== undefined && flags.folds !== undefined) {
    const message = "--folds evaluates on one table, and --test names a second. Leave one of them out.";
    throw new LlamafuseError("invalid-option", message, { option: "--folds" });
  }
  if (html !== undefined) checkTarget(html);
  const choices = flags.router?.map(readRouter) ?? allRouters();
  // Mistakes are told before anything is read.
  checkEvaluationOptions({ seed, resamples, threads });
  labelsOf(choices);
  const interrupts = new Interrupts();
  const bar = new StepBar("Fitting");
  const notes: string[] = [];
  let embedder: Embedder | undefined;
  try {
    const train = await tableFor(flags.train, flags, notes);
    const test = flags.test === undefined ? undefined : await tableFor(flags.test, flags, notes);
    embedder = await openEmbedder(flags.embedder);
    const options = { embedder, seed, signal: interrupts.signal };
    const folds = flags.folds ?? 5;
    const splits = test === undefined ? await foldsOf(train, folds, options) : await splitOf(train, test, options);
    const evaluation = await evaluateRouters(choices, splits, {
      seed,
      resamples,
      threads,
      skipUnfit: flags.router === undefined,
      signal: interrupts.signal,
      onProgress: bar.update,
    });
    bar.stop();
    const facts = {
      train: { name: train.name, rows: splits.splits[0].train.table.rows },
      test: { name: splits.tested.name, rows: splits.tested.rows },
      models: splits.tested.models,
      embedder: splits.splits[0].train.embedder.id,
      ...(test === undefined && { folds }),
      leaked: splits.leaked,
      notes: [...notes, ...splits.notes, ...comparisonNotes(evaluation)],
    };
    if (html !== undefined) {
      const { renderRoutersHtml } = await import("../../before/evaluation/html.js");
      await writeWhole(html, renderRoutersHtml(`Routers on ${facts.test.name}`, evaluation, facts.notes));
      notice(`The report is in $html.`);
    }
    if (flags.json) return await writeJson({ ...facts, ...evaluation });
    const { renderRouters } = await import("./render.js");
    await write(process.stdout, renderRouters(evaluation, facts, colorsFor(process.stdout)));
  } finally {
    bar.stop();
    interrupts.release();
    await embedder?.dispose?.();
  }
}
