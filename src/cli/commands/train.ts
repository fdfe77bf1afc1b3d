/** `llamafuse train`: the judges of methods that learn when another member is to speak. */

import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { JudgedMethod } from "../../during/judges/saved-judge.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import type { MetricName } from "../../evaluation/metrics/metrics.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { loadEnsemble } from "../load-ensemble.js";
import {
  addCommonOptions,
  addMachineOptions,
  addMemberOptions,
  type EnsembleFlags,
  ensembleOptions,
  number,
} from "../options.js";
import { StepBar } from "../progress.js";
import { messageOf } from "../report-error.js";
import { write, writeJson } from "../terminal.js";
import { checkTarget } from "../write-target.js";

interface TrainFlags extends EnsembleFlags {
  output: string;
  limit?: number;
  metric?: MetricName;
  split?: string;
  chat?: boolean;
  seed?: number;
  rounds?: number;
  epochs?: number;
  learningRate?: number;
  compat?: boolean;
  ridge?: number;
  json?: boolean;
}

const METHODS: readonly JudgedMethod[] = ["cds", "citer"];

const EXAMPLES = `
Examples:
  $ llamafuse train citer -m small.gguf -m large.gguf gsm8k-train.jsonl -o router.json
  $ llamafuse generate -m small.gguf -m large.gguf --method citer --option router=router.json "Once"
  $ llamafuse train cds -m chat.gguf -m base.gguf questions.jsonl --chat -o critical.json
  $ llamafuse generate -m chat.gguf -m base.gguf --method cds --option classifier=critical.json --chat "Who was Bach?"

citer: the first member is the small one, the second the large one. cds: the first is the aligned one, the second the
one that says critical tokens. The file fits these two models and no others.
TASK as in "llamafuse eval": "native", a file, or FORMAT:FILE. Do not judge a method on the questions that it was
trained on.`;

export function registerTrain(program: Command): void {
  const command = program
    .command("train")
    .summary("train when another member is to speak (cds, citer)")
    .description("Train the token classifier of cds or the router of citer on the questions of a task.")
    .argument("<METHOD>", METHODS.join(" or "))
    .argument("[TASK...]", "what to learn from (default: native)");
  addMemberOptions(command, "Members and questions:")
    .requiredOption("-o, --output <file>", "where to write what was learned")
    .option("-l, --limit <count>", "questions of each task at most, drawn by the seed", number("--limit"))
    .option("--metric <name>", "how answers are graded (default: as usual for the task)")
    .option("--split <name>", "only the questions that the file marks with this split")
    .option("--chat", "ask as a user, in each member's own chat template")
    .optionsGroup("Training:")
    .option("-s, --seed <number>", "repeat a training exactly (default: 1)", number("--seed"))
    .option("--rounds <count>", "citer: rounds of data and training (default: 2)", number("--rounds"))
    .option("--epochs <count>", "citer: epochs of a round at most (default: 1000)", number("--epochs"))
    .option("--learning-rate <value>", "citer: Adam's rate (default: 0.001)", number("--learning-rate"))
    .option("--compat", "citer: rate, order and last weights as in the released code")
    .option("--ridge <value>", "cds: strength of the ridge (default: 1)", number("--ridge"))
    .option("--json", "print what was learned as one JSON document");
  addMachineOptions(command);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (method: string, tasks: string[]) => {
      process.exitCode = await train(method, tasks, command.optsWithGlobals<TrainFlags>());
    });
}

async function train(method: string, words: readonly string[], flags: TrainFlags): Promise<number> {
  if (!METHODS.includes(method as JudgedMethod)) throw unknownName("method to train", method, METHODS);
  const found = flags.member?.length ?? 0;
  if (found !== 2) {
    throw new LlamafuseError(
      "invalid-option",
      `${method} switches between two members; --member was given ${found} times. Name both: -m FIRST -m SECOND.`,
      { option: "member", found, allowed: 2 },
    );
  }
  checkTarget(flags.output);
  const examples = await readExamples(words, flags);
  const interrupts = new Interrupts();
  const bar = new StepBar("Training");
  const ensemble = await loadEnsemble(ensembleOptions(flags), interrupts);
  if (ensemble === undefined) return interrupts.exitCode!;
  try {
    const started = performance.now();
    const options = {
      ...trainingOptions(flags),
      examples,
      signal: interrupts.signal,
      onProgress: (phase: string, done: number, total: number) => bar.update(done, total, phase),
    };
    const [first, second] = ensemble.members;
    const saved =
      method === "cds"
        ? await (await import("../../during/training/train-cds.js")).trainCds(first, second, options)
        : await (await import("../../during/training/train-citer.js")).trainCiter(first, second, options);
    bar.stop();
    await writeFile(flags.output, JSON.stringify(saved));
    const facts = { method, output: flags.output, ...saved.training, seconds: (performance.now() - started) / 1000 };
    if (flags.json) await writeJson(facts);
    else await write(process.stdout, told(facts));
    return 0;
  } catch (error) {
    if (interrupts.exitCode === undefined || !(error instanceof LlamafuseError)) throw error;
    bar.stop();
    process.stderr.write(`llamafuse: ${messageOf(error)}\n`);
    return interrupts.exitCode;
  } finally {
    bar.stop();
    await ensemble.dispose();
    interrupts.release();
  }
}

async function readExamples(words: readonly string[], { metric, split, limit, seed = 0, chat }: TrainFlags) {
  const [{ readTask }, { examplesOf }, { drawQuestions }] = await Promise.all([
    import("../eval/arguments.js"),
    import("../../during/training/example.js"),
    import("../../evaluation/requests.js"),
  ]);
  const tasks = await Promise.all(
    (words.length > 0 ? words : ["native"]).map((word) => readTask(word, { metric, split })),
  );
  return tasks.flatMap((task) => examplesOf(drawQuestions(task, limit, seed), { chat }));
}

function trainingOptions({ seed, rounds, epochs, learningRate, compat, ridge }: TrainFlags) {
  return { seed, rounds, epochs, learningRate, compat, ridge };
}

function told({ method, output, seconds, ...facts }: Record<string, unknown>): string {
  const listed = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  return `${output}: ${method}, ${listed.join(", ")}, ${(seconds as number).toFixed(1)} s\n`;
}
