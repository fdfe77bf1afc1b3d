/** `llamafuse train`: the switching models of cds and citer. */

import type { Command } from "commander";
import { LEARNED } from "../../during/token/switch/learned.js";
import type { SwitchingMethod } from "../../during/token/switch/saved-model.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import type { MetricName } from "../../evaluation/metrics/metrics.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { loadEnsemble } from "../load-ensemble.js";
import {
  addCommonOptions,
  addMachineOptions,
  addMemberOptions,
  chatOptions,
  type EnsembleFlags,
  ensembleOptions,
  number,
} from "../options.js";
import { StepBar } from "../progress.js";
import { addPromptOptions, type PromptFlags, promptOptions } from "../prompt-options.js";
import { colorsFor, oneLine, say, shellWord, write, writeJson } from "../terminal.js";

interface TrainFlags extends EnsembleFlags, PromptFlags {
  output?: string;
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

/** The flags of each training. */
const FLAGS = {
  cds: { ridge: "--ridge" },
  citer: { rounds: "--rounds", epochs: "--epochs", learningRate: "--learning-rate", compat: "--compat" },
} as const satisfies Record<SwitchingMethod, Partial<Record<keyof TrainFlags, string>>>;

interface Facts extends Record<string, string | number> {
  method: SwitchingMethod;
  output: string;
  seconds: number;
}

const NAMES = Object.keys(LEARNED) as SwitchingMethod[];

const EXAMPLES = `
Examples:
  $ llamafuse train citer -m small.gguf -m large.gguf gsm8k-train.jsonl -o router.json
  $ llamafuse generate -m small.gguf -m large.gguf --method citer --option router=router.json "Once"
  $ llamafuse train cds -m chat.gguf -m base.gguf questions.jsonl --chat -o critical.json
  $ llamafuse generate -m chat.gguf -m base.gguf --method cds --option classifier=critical.json --chat "Who was Bach?"

citer: the first member is the small one, the second the large one. cds: the first is the aligned one, the second the
one that chooses critical tokens. The file works for these two models only.
TASK as in "llamafuse eval": "native", a file, or FORMAT:FILE. Do not evaluate a method on the questions that it was
trained on: native stands for the development questions here, and for the test questions in eval.`;

export function registerTrain(program: Command): void {
  const command = program
    .command("train")
    .summary("train the switching model for cds or citer")
    .description("Train the classifier of cds or the router of citer on the questions of a task.")
    .argument("<METHOD>", NAMES.join(" or "))
    .argument("[TASK...]", "the training questions (default: native, its development questions)");
  addMemberOptions(command, "Members and questions:")
    .option("-o, --output <file>", "where to write the result (required)")
    .option("-l, --limit <count>", "most questions per task, drawn by the seed", number("--limit"))
    .option("--metric <name>", "how to grade answers (default: the task's usual metric)")
    .option("--split <name>", "only questions of this split; native: development (default) or test")
    .option("--chat", "send the prompt as a user message, in each member's own chat template");
  addPromptOptions(command)
    .optionsGroup("Training:")
    .option("-s, --seed <number>", "repeat a training exactly (default: 1)", number("--seed"))
    .option("--rounds <count>", "citer: rounds of data and training (default: 2)", number("--rounds"))
    .option("--epochs <count>", "citer: most epochs per round (default: 1000)", number("--epochs"))
    .option("--learning-rate <value>", "citer: Adam's rate (default: 0.001)", number("--learning-rate"))
    .option("--compat", "citer: use the released code's learning rate, order and final weights")
    .option("--ridge <value>", "cds: strength of the ridge (default: 1)", number("--ridge"))
    .option("--json", "print the result as one JSON document");
  addMachineOptions(command);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (method: string, tasks: string[]) => {
      process.exitCode = await train(method, tasks, command.optsWithGlobals<TrainFlags>());
    });
}

async function train(name: string, words: readonly string[], flags: TrainFlags): Promise<number> {
  const method = NAMES.find((known) => known === name);
  if (method === undefined) throw unknownName("method to train", name, NAMES);
  await checkFlags(method, flags);
  const found = (flags.member ?? flags.file?.members ?? []).length;
  if (found !== 2) {
    throw new LlamafuseError(
      "invalid-option",
      `${method} switches between two members; --member was given ${found} times. Name both: -m FIRST -m SECOND.`,
      { option: "member", found, allowed: 2 },
    );
  }
  const { output } = flags;
  if (output === undefined) {
    throw new LlamafuseError(
      "invalid-option",
      `The ${LEARNED[method]} needs a file to be written to. Name one: -o ${LEARNED[method]}.json.`,
      { option: "output" },
    );
  }
  checkTarget(output);
  const examples = await readExamples(words, flags);
  const interrupts = new Interrupts();
  const bar = new StepBar("Training");
  const ensemble = await loadEnsemble({ ...ensembleOptions(flags), method: undefined }, interrupts);
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
        ? await (await import("../../training/train-cds.js")).trainCds(first, second, options)
        : await (await import("../../training/train-citer.js")).trainCiter(first, second, options);
    bar.stop();
    await writeWhole(output, JSON.stringify(saved));
    const facts = { method, output, ...saved.training, seconds: (performance.now() - started) / 1000 };
    if (flags.json) await writeJson(facts);
    else
      await write(process.stdout, `${told(facts)}\nUse it:\n  ${colorsFor(process.stdout).cyan(use(method, flags))}\n`);
    return 0;
  } catch (error) {
    if (interrupts.exitCode === undefined || !(error instanceof LlamafuseError)) throw error;
    bar.stop();
    say("llamafuse: Stopped.");
    return interrupts.exitCode;
  } finally {
    bar.stop();
    await ensemble.dispose();
    interrupts.release();
  }
}

async function readExamples(words: readonly string[], flags: TrainFlags) {
  const { metric, split, limit, seed = 0 } = flags;
  const { chat } = chatOptions(flags);
  const [{ readDevelopmentTasks }, { examplesOf }, { drawQuestions }] = await Promise.all([
    import("../eval/arguments.js"),
    import("../../training/example.js"),
    import("../../evaluation/requests.js"),
  ]);
  const tasks = await readDevelopmentTasks(words, { metric, split });
  for (const message of tasks.flatMap(({ skipped = [] }) => skipped)) {
    say(`llamafuse: skipped: ${oneLine(message)}`);
  }
  const reading = promptOptions(flags);
  return tasks.flatMap((task) => examplesOf(drawQuestions(task, limit, seed), { chat, ...reading }));
}

function trainingOptions({ seed, rounds, epochs, learningRate, compat, ridge }: TrainFlags) {
  return { seed, rounds, epochs, learningRate, compat, ridge };
}

/** What was learned from, and what came of it. */
function told({ method, output, seconds, ...facts }: Facts): string {
  const source = `${facts.tokens} tokens of ${facts.used} right answers (${facts.examples} questions)`;
  const result =
    method === "citer"
      ? `The small member will do for ${facts.smallWillDo} of them; at ${facts.bothWrong} both members were wrong.`
      : `Of ${facts.heldBackTokens} tokens held back, ${facts.heldBackCritical} are critical; it takes ${facts.heldBackFound} for critical, ${facts.heldBackFoundCritical} of them rightly.`;
  return `${oneLine(output)}: a ${LEARNED[method]} for ${method}, from ${source}, in ${seconds.toFixed(1)} s.\n${result}`;
}

/** The command that answers with the file. */
function use(method: SwitchingMethod, { member = [], ensemble, output = "", chat }: TrainFlags): string {
  const named = member.map((model) => `-m ${shellWord(oneLine(model))}`).join(" ");
  const members = named === "" && ensemble !== undefined ? `--ensemble ${shellWord(oneLine(ensemble))}` : named;
  const file = shellWord(oneLine(`${LEARNED[method]}=${output}`));
  return `llamafuse generate ${members} -M ${method} -o ${file}${chat ? " --chat" : ""} "…"`;
}

/** LlamafuseError "invalid-option" for options of the other method and numbers out of range. */
async function checkFlags(method: SwitchingMethod, flags: TrainFlags): Promise<void> {
  for (const other of NAMES) {
    if (other === method) continue;
    const given = Object.entries(FLAGS[other]).find(([name]) => flags[name as keyof TrainFlags] !== undefined);
    if (given === undefined) continue;
    const allowed = Object.values(FLAGS[method]);
    throw new LlamafuseError(
      "invalid-option",
      `${given[1]} applies to training ${other}. Leave it out; training ${method} takes ${allowed.join(", ")}.`,
      { option: given[1], allowed },
    );
  }
  const { checkNumbers } = await import("../../training/options.js");
  checkNumbers(trainingOptions(flags));
}
