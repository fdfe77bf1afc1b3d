#!/usr/bin/env node
import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { LlamafuseError, unknownName } from "../errors.js";
import { registerBench } from "./bench/command.js";
import { registerCascade } from "./cascade/command.js";
import { registerChat } from "./chat/command.js";
import { registerCompletion } from "./completion/command.js";
import { registerDetermine } from "./determine/command.js";
import { registerEval } from "./eval/command.js";
import { readFormatFlags } from "./format-options.js";
import { registerGenerate } from "./generate/command.js";
/** The command line: wiring only. What a command does is in `commands/`, what a failure looks like in `report-error.ts`. */
import { helpText } from "./help-text.js";
import { registerInit } from "./init/command.js";
import { registerInspect } from "./inspect/command.js";
import { registerMethods } from "./methods/command.js";
import { registerModels } from "./models/command.js";
import { addCommonOptions, readEnsembleFlag } from "./options.js";
import { explained, refuseForeignOptions } from "./reflexes.js";
import { reportError } from "./report-error.js";
import { registerRoute } from "./route/command.js";
import { registerScore } from "./score/command.js";
import { registerServe } from "./serve/command.js";
import { colorsFor } from "./terminal.js";
import { registerTrain } from "./train/command.js";

/** Columns beside the longest flag in which help is still broken into lines. */
const NARROWEST_HELP = 24;

const HELP = `
Examples:
  $ llamafuse generate --chat "What is a young deer?"      the three native experts answer as one
  $ llamafuse generate -m a.gguf -m b.gguf --trace "Once"  your own models, with every member's candidates at each step
  $ llamafuse inspect a.gguf b.gguf                        how far their vocabularies overlap
  $ llamafuse chat -m a.gguf -m b.gguf                     a conversation with both

"llamafuse help COMMAND" says more. stdout carries only the answer, or one JSON document with --json.
Exit codes: 0 done, 2 wrong usage, 3 a file, 4 llama.cpp or memory, 5 a member failed, 6 does not fit, 130 interrupted, 143 ended by SIGTERM.`;

async function main(argv: readonly string[]): Promise<number> {
  const words = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined);
  // One switch for everything that colours, commander and picocolors included.
  if (words.includes("--no-color")) process.env.NO_COLOR = "1";
  // A reader that goes away is noticed by whoever writes next; see reportError.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const program = makeProgram();
  try {
    refuseForeignOptions(words, program);
    if (words.every((word) => word === "--no-color" || word === "--verbose")) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportError(explained(error, words, program), words.includes("--verbose"));
  }
}

function makeProgram(): Command {
  const { bold } = colorsFor(process.stdout);
  const program = new Command("llamafuse")
    .description("Make several GGUF language models answer as one, offline, on llama.cpp.")
    .usage("COMMAND [options]")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ styleTitle: (title) => bold(title), sortOptions: false, minWidthToWrap: NARROWEST_HELP })
    .version(packageJson.version, "-V, --version", "the version")
    .enablePositionalOptions()
    .addHelpText("after", helpText(HELP))
    .hook("preAction", async (_, command) => {
      await readEnsembleFlag(command);
      await readFormatFlags(command);
    });
  addCommonOptions(program);
  registerGenerate(program);
  registerChat(program);
  registerModels(program);
  registerMethods(program);
  registerInspect(program);
  registerBench(program);
  registerEval(program);
  registerDetermine(program);
  registerRoute(program);
  registerCascade(program);
  registerScore(program);
  registerTrain(program);
  registerServe(program);
  registerInit(program);
  registerCompletion(program);
  registerHelp(program);
  return program;
}

/** Commander's own answers an unknown name with the whole help. */
function registerHelp(program: Command): void {
  program
    .helpCommand(false)
    .command("help")
    .summary("show help for a command")
    .argument("[COMMAND...]", "the command, and its subcommand")
    .action((words: string[]) => {
      let command = program;
      for (const word of words) {
        const names = command.commands.map((each) => each.name());
        const found = command.commands.find((each) => each.name() === word);
        if (names.length === 0) {
          const message = `${command.name()} has no subcommands; "llamafuse help ${command.name()}" shows all of it.`;
          throw new LlamafuseError("invalid-option", message, { found: word });
        }
        if (found === undefined) throw unknownName("command", word, names);
        command = found;
      }
      command.outputHelp();
    });
}

process.exit(await main(process.argv.slice(2)));
