/** `llamafuse route`: train routers on tables of outcomes, judge them, and ask one why it decides as it does. */

import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { DEFAULT_ROUTER } from "../../before/default-router.js";
import type { Embedder } from "../../before/embedders/embedder.js";
import type { OutcomeTable } from "../../before/outcome-table.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions, collect, number } from "../options.js";
import { StepBar } from "../progress.js";
import { allRouters, type KnobFlags, readKnob, readPrices, readRouter } from "../route/arguments.js";
import { registerDescribe } from "../route/describe.js";
import { renderTable } from "../table.js";
import { colorsFor, notice, write, writeJson } from "../terminal.js";
import { checkTarget } from "../write-target.js";

interface TableFlags {
  train: string;
  leaveOut?: string[];
  price?: string[];
  embedder?: string;
  seed?: number;
  json?: boolean;
}

interface EvalFlags extends TableFlags {
  test?: string;
  folds?: number;
  router?: string[];
  resamples?: number;
  threads?: number;
  html?: string;
}

interface FitFlags extends TableFlags {
  router?: string;
  output: string;
}

interface ExplainFlags extends KnobFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse route eval --train arc_train.csv --test arc_test.csv          every router against the baselines
  $ llamafuse route eval --train outcomes.jsonl --folds 5 --html report.html  cross-validation, and a page with the curves
  $ llamafuse route fit --train outcomes.jsonl --router knn:k=20 -o router.json
  $ llamafuse route explain router.json --lambda 0.5 "What is a young deer?"

From your own models and questions to a router at work:
  $ llamafuse eval development.jsonl -m a.gguf -m b.gguf --outcomes outcomes.jsonl   ask each model, grade, write the table
  $ llamafuse route fit --train outcomes.jsonl -o router.json                        ${DEFAULT_ROUTER}, unless --router says otherwise
  $ llamafuse eval test.jsonl -m a.gguf -m b.gguf -M ${DEFAULT_ROUTER}:router=router.json       judge it against every model and the oracle
  $ llamafuse generate -m a.gguf -m b.gguf -M ${DEFAULT_ROUTER} -o router=router.json "…"       use it

A table of outcomes says what each model did on each query. Its format is detected: JSONL or CSV with a query, a model
and a quality (0 to 1) a row, and cost, promptTokens, completionTokens, latencyMs, answer, subject where known; or the
tables of RouterBench, RouterDC and RouteLLM. A folder is one table. Missing cells are left out.`;

export function registerRoute(program: Command): void {
  const route = program
    .command("route")
    .summary("train and judge routers, which choose a model for each query")
    .description("Train routers on what models did on past queries, judge them, and see why one decides as it does.");
  addCommonOptions(route).addHelpText("after", helpText(EXAMPLES));
  const evaluation = route
    .command("eval")
    .summary("judge routers against random, best single, zero router and oracle")
    .description("Fit routers on one table and judge them on another, or on one table in folds.");
  addTableOptions(evaluation)
    .option("--test <file>", "the table to judge on (default: --train in folds)")
    .option("--folds <count>", "without --test: folds of the cross-validation (default: 5)", number("--folds"))
    .option("-r, --router <name>", "NAME or NAME:OPTION=VALUE,…; repeatable (default: every router)", collect)
    .optionsGroup("Run and report:")
    .option("--resamples <count>", "bootstrap resamples; 0 for no intervals (default: 200)", number("--resamples"))
    .option(
      "--threads <count>",
      "threads that fit; 0 for none beside the main one (default: cores)",
      number("--threads"),
    )
    .option("--html <file>", "write a page with the curves")
    .option("--json", "print one JSON document: baselines, and every router with its curve");
  addCommonOptions(evaluation)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => evaluate(evaluation.optsWithGlobals<EvalFlags>()));

  const fit = route
    .command("fit")
    .summary("train a router and save it")
    .description("Fit one router on a table and save it with its embedder as one JSON file.");
  addTableOptions(fit)
    .option("-r, --router <name>", `NAME or NAME:OPTION=VALUE,… (default: ${DEFAULT_ROUTER})`)
    .requiredOption("-o, --output <file>", "where to write the router")
    .option("--json", "print what was fitted as one JSON document");
  addCommonOptions(fit)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => fitOne(fit.optsWithGlobals<FitFlags>()));

  const explain = route
    .command("explain")
    .summary("which model a saved router chooses for a query, and why")
    .description("Show the estimates of a saved router for a query, and what it decides.")
    .argument("<ROUTER>", "a file that route fit has written")
    .argument("<QUERY>", "the query")
    .optionsGroup("Knob (one at most):")
    .option("--lambda <value>", "the price of cost: maximise quality − λ · cost", number("--lambda"))
    .option("--threshold <value>", "the cheapest model with at least this score", number("--threshold"))
    .option("--budget <cost>", "the best model that costs at most this", number("--budget"))
    .option("--preference <share>", "weight of quality against cost, 0 to 1", number("--preference"))
    .optionsGroup("Report:")
    .option("--json", "print one JSON document");
  addCommonOptions(explain)
    .addHelpText("after", helpText(EXAMPLES))
    .action((file: string, query: string) => explainOne(file, query, explain.optsWithGlobals<ExplainFlags>()));
  registerDescribe(route);
}

function addTableOptions(command: Command): Command {
  return command
    .optionsGroup("Tables and routers:")
    .requiredOption("--train <file>", "the table to learn from")
    .option("--leave-out <model>", "a model of the tables that is not to be routed to; repeatable", collect)
    .option("--price <model=cost>", "what a call costs where the tables do not say; repeatable", collect)
    .option("--embedder <file>", "a GGUF embedding model, or any other (default: words of the training queries)")
    .option("-s, --seed <number>", "repeat a fit exactly (default: 1)", number("--seed"));
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const [{ judgeAll }, { foldsOf, splitOf }] = await Promise.all([
    import("../../before/judging/judge-all.js"),
    import("../../before/judging/splits.js"),
  ]);
  const { seed, resamples, threads, html } = flags;
  if (flags.test !== undefined && flags.folds !== undefined) {
    const message = "--folds is for judging one table; with --test there are two. Leave one of them out.";
    throw new LlamafuseError("invalid-option", message, { option: "--folds" });
  }
  if (html !== undefined) checkTarget(html);
  const choices = flags.router?.map(readRouter) ?? allRouters();
  const interrupts = new Interrupts();
  const bar = new StepBar("Fitting");
  let embedder: Embedder | undefined;
  try {
    const train = await tableFor(flags.train, flags);
    const test = flags.test === undefined ? undefined : await tableFor(flags.test, flags);
    embedder = await openEmbedder(flags.embedder);
    const options = { embedder, seed, signal: interrupts.signal };
    const folds = flags.folds ?? 5;
    const splits = test === undefined ? await foldsOf(train, folds, options) : await splitOf(train, test, options);
    const judgement = await judgeAll(choices, splits, {
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
      test: { name: splits.judged.name, rows: splits.judged.rows },
      models: splits.judged.models,
      embedder: splits.splits[0].train.embedder.id,
      ...(test === undefined && { folds }),
      leaked: splits.leaked,
      notes: splits.notes,
    };
    if (html !== undefined) {
      const { renderJudgementHtml } = await import("../../before/judging/html.js");
      await writeFile(html, renderJudgementHtml(`Routers on ${facts.test.name}`, judgement, facts.notes));
      notice(`The report is in ${html}.`);
    }
    if (flags.json) return await writeJson({ ...facts, ...judgement });
    const { renderJudgement } = await import("../route/render.js");
    await write(process.stdout, renderJudgement(judgement, facts, colorsFor(process.stdout)));
  } finally {
    bar.stop();
    interrupts.release();
    await embedder?.dispose?.();
  }
}

async function fitOne(flags: FitFlags): Promise<void> {
  const [{ routerNamed }, { routerFile }, { trainingData }] = await Promise.all([
    import("../../before/registry.js"),
    import("../../before/saved-router.js"),
    import("../../before/training-data.js"),
  ]);
  checkTarget(flags.output);
  const { name, options } = readRouter(flags.router ?? DEFAULT_ROUTER);
  const interrupts = new Interrupts();
  const bar = new StepBar("Fitting");
  let given: Embedder | undefined;
  try {
    given = await openEmbedder(flags.embedder);
    const table = await tableFor(flags.train, flags);
    const { data, embedder, notes } = await trainingData(table, { embedder: given, signal: interrupts.signal });
    const router = routerNamed(name, options);
    const started = performance.now();
    await router.fit(data, {
      seed: flags.seed,
      signal: interrupts.signal,
      onProgress: (fraction) => bar.update(Math.round(100 * fraction), 100, name),
    });
    const fitMs = performance.now() - started;
    bar.stop();
    await writeFile(flags.output, JSON.stringify(routerFile(router, embedder)));
    for (const note of notes) notice(note);
    const facts = { router: name, rows: table.rows, models: router.models, embedder: embedder.id, fitMs };
    if (flags.json) return await writeJson({ ...facts, output: flags.output });
    const told = `${name} on ${facts.rows} queries and ${facts.models.length} models in ${fitMs.toFixed(0)} ms`;
    await write(process.stdout, `${flags.output}: ${told}\n`);
  } finally {
    bar.stop();
    interrupts.release();
    await given?.dispose?.();
  }
}

async function explainOne(file: string, text: string, flags: ExplainFlags): Promise<void> {
  const [{ loadRouter }, { embedQuery }] = await Promise.all([
    import("../../before/saved-router.js"),
    import("../../before/training-data.js"),
  ]);
  const { router, embedder } = await loadRouter(file);
  try {
    const query = await embedQuery(embedder, text);
    const estimate = router.score(query);
    const decision = router.decide(query, readKnob(flags));
    if (flags.json) {
      const cost = Object.fromEntries(router.models.map((model, index) => [model, estimate.cost[index]]));
      return await writeJson({ router: router.info.name, query: text, ...decision, costs: cost });
    }
    const colors = colorsFor(process.stdout);
    const order = Array.from(router.models.keys()).sort((a, b) => estimate.quality[b] - estimate.quality[a]);
    const rows = order.map((index) => [
      decision.models.includes(router.models[index]) ? "→" : "",
      router.models[index],
      estimate.quality[index].toFixed(4),
      String(Number(estimate.cost[index].toPrecision(3))),
    ]);
    await write(process.stdout, `${decision.reason}\n\n`);
    await write(process.stdout, renderTable(rows, { colors, head: ["", "model", "quality", "cost"], right: [2, 3] }));
  } finally {
    await embedder.dispose?.();
  }
}

async function tableFor(file: string, { leaveOut = [], price = [] }: TableFlags): Promise<OutcomeTable> {
  const { readOutcomeTable } = await import("../../before/read-table.js");
  const table = await readOutcomeTable(file);
  for (const model of leaveOut) table.column(model);
  const kept =
    leaveOut.length === 0 ? table : table.selectModels(table.models.filter((each) => !leaveOut.includes(each)));
  return price.length === 0 ? kept : kept.withPrices(readPrices(price));
}

async function openEmbedder(file: string | undefined): Promise<Embedder | undefined> {
  if (file === undefined) return undefined;
  const [{ GgufEmbedder }, { CachedEmbedder }] = await Promise.all([
    import("../../before/embedders/gguf.js"),
    import("../../before/embedders/cached.js"),
  ]);
  return new CachedEmbedder(await GgufEmbedder.open(file));
}
