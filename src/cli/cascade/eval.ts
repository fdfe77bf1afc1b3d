/** `llamafuse cascade eval`: cascades judged against single models, the zero router, the oracle and routers. */
import { type Command, Option } from "commander";
import type { CascadeChoice } from "../../after/cascade/evaluation/evaluate-cascades.js";
import type { Embedder } from "../../before/embedders/embedder.js";
import { LlamafuseError } from "../../errors.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions, collect, number } from "../options.js";
import { StepBar } from "../progress.js";
import { readRouter } from "../route/arguments.js";
import { addTableOptions, openEmbedder, type TableFlags, tableFor } from "../route/tables.js";
import { colorsFor, notice, write, writeJson } from "../terminal.js";
import { byLatency, COST_KINDS, readCascadeWord } from "./arguments.js";
import { CASCADE_EMBEDDER, CASCADE_TABLES, nothingToGain } from "./tables.js";

interface EvalFlags extends TableFlags {
  test?: string;
  folds?: number;
  cascade?: string[];
  router?: string[];
  by?: (typeof COST_KINDS)[number];
  resamples?: number;
  html?: string;
}

const EXAMPLES = `
Examples:
  Every cascade that the table can serve, in five folds:
  $ llamafuse cascade eval --train outcomes.jsonl
  Two of them beside a router, with a page of the curves:
  $ llamafuse cascade eval --train outcomes.jsonl -c mot:samples=3 \\
      -c quantile-deferral -r knn --html report.html
  What they save of the time instead of the cost:
  $ llamafuse cascade eval --train outcomes.jsonl --by latency
${CASCADE_TABLES}`;

export function registerCascadeEval(cascade: Command): void {
  const command = cascade
    .command("eval")
    .summary("compare cascades with single models, zero router, oracle and routers")
    .description("Fit cascades on one table and run them on another, or on one table in folds.");
  addTableOptions(command, "Tables and cascades:", CASCADE_EMBEDDER)
    .option("--test <file>", "the table to run on (default: --train in folds)")
    .option("--folds <count>", "without --test: folds of the cross-validation (default: 5)", number("--folds"))
    .option(
      "-c, --cascade <name>",
      'NAME or NAME:OPTION=VALUE,…, see "llamafuse cascade list"; repeatable (default: all that fit)',
      collect,
    )
    .option("-r, --router <name>", 'a router to compare with, see "llamafuse route list"; repeatable', collect)
    .optionsGroup("Run and report:")
    .addOption(new Option("--by <cost>", "what counts as cost (default: cost)").choices(COST_KINDS))
    .option("--resamples <count>", "bootstrap resamples; 0 for no intervals (default: 200)", number("--resamples"))
    .option("--html <file>", "write an HTML page with the curves")
    .option("--json", "print one JSON document: baselines, and every cascade with its curve");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => evaluate(command.optsWithGlobals<EvalFlags>()));
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const [
    { evaluateCascades },
    { cascadeInfos },
    { checkEvaluationOptions },
    { comparisonNotes },
    { foldsOf, splitOf },
    { DEFAULT_CASCADE },
  ] = await Promise.all([
    import("../../after/cascade/evaluation/evaluate-cascades.js"),
    import("../../after/cascade/registry.js"),
    import("../../before/evaluation/check-options.js"),
    import("../../before/evaluation/compare-routers.js"),
    import("../../before/evaluation/splits.js"),
    import("../../after/cascade/default-cascade.js"),
  ]);
  const { seed, resamples, html } = flags;
  if (flags.test !== undefined && flags.folds !== undefined) {
    const message = "--folds evaluates on one table, and --test names a second. Leave one of them out.";
    throw new LlamafuseError("invalid-option", message, { option: "--folds" });
  }
  if (html !== undefined) checkTarget(html);
  const choices: CascadeChoice[] = flags.cascade
    ? await Promise.all(flags.cascade.map(readCascadeWord))
    : cascadeInfos.map(({ name }) => ({ name }));
  const routers = flags.router?.map(readRouter) ?? [];
  checkEvaluationOptions({ seed, resamples });
  const interrupts = new Interrupts();
  const bar = new StepBar("Fitting");
  const notes: string[] = [];
  let embedder: Embedder | undefined;
  try {
    const read = async (file: string) => {
      const table = await tableFor(file, flags, notes);
      return flags.by === "latency" ? byLatency(table) : table;
    };
    const train = await read(flags.train);
    notes.push(...nothingToGain(train));
    const test = flags.test === undefined ? undefined : await read(flags.test);
    embedder = await openEmbedder(flags.embedder);
    const options = { embedder, seed, signal: interrupts.signal };
    const folds = flags.folds ?? 5;
    const splits = test === undefined ? await foldsOf(train, folds, options) : await splitOf(train, test, options);
    const evaluation = await evaluateCascades(choices, splits, {
      seed,
      resamples,
      routers,
      useEmbeddings: embedder !== undefined,
      skipUnfit: flags.cascade === undefined,
      signal: interrupts.signal,
      onProgress: bar.update,
    });
    bar.stop();
    const facts = {
      train: { name: train.name, rows: splits.splits[0].train.table.rows },
      test: { name: splits.tested.name, rows: splits.tested.rows },
      models: splits.tested.models,
      embedder: embedder === undefined ? "answers alone" : splits.splits[0].train.embedder.id,
      ...(test === undefined && { folds }),
      leaked: splits.leaked,
      notes: [...notes, ...splits.notes, ...comparisonNotes(evaluation)],
    };
    if (html !== undefined) {
      const { renderRoutersHtml } = await import("../../before/evaluation/html.js");
      await writeWhole(html, renderRoutersHtml(`Cascades on ${facts.test.name}`, evaluation, facts.notes));
      notice(`The report is in ${html}.`);
    }
    if (flags.json) return await writeJson({ ...facts, ...evaluation });
    const { renderRouters } = await import("../route/render.js");
    const doubt = "what the answers show may not tell where another model does better";
    const judged = { noun: "cascade", usual: DEFAULT_CASCADE, command: "cascade fit", doubt };
    await write(process.stdout, renderRouters(evaluation, facts, colorsFor(process.stdout), judged));
  } finally {
    bar.stop();
    interrupts.release();
    await embedder?.dispose?.();
  }
}
