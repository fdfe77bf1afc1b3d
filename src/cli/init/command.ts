/** `llamafuse init`: write an ensemble into a file. */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { GenerateOptions } from "../../decoding/request.js";
import type { MethodOptions } from "../../during/methods.js";
import { ensembleFileText } from "../../ensemble-file/write.js";
import { LlamafuseError } from "../../errors.js";
import { writeWholeSync } from "../../files.js";
import { helpText } from "../help-text.js";
import {
  addCommonOptions,
  addEnsembleOptions,
  addSamplingOptions,
  chatOptions,
  type EnsembleFlags,
  ensembleOptions,
  memberOptions,
  type SamplingFlags,
  samplingOptions,
} from "../options.js";
import { oneLine, shellWord, write } from "../terminal.js";

interface InitFlags extends EnsembleFlags, SamplingFlags {
  chat?: boolean;
  system?: string;
  force?: boolean;
}

const DEFAULT_FILE = "ensemble.json";

const EXAMPLES = `
Examples:
  $ llamafuse init                                                   choose models and a method at a terminal
  $ llamafuse init -m a.gguf -m b.gguf -w 2 -w 1 -M unite:k=20 -t 0.7 --chat
  $ llamafuse init experts.json -m robin -m wren -M gac
  $ llamafuse generate --ensemble ensemble.json "Why is the sky blue?"

Commands with --member also accept --ensemble FILE; command-line options override the file. Paths in the file
are relative to its folder. In a program: createEnsemble(await readEnsembleFile("ensemble.json")).`;

export function registerInit(program: Command): void {
  const command = program
    .command("init")
    .summary("write an ensemble into a file")
    .description("Write members, method and defaults into a JSON file that every command and the library read.")
    .argument("[FILE]", `where to write (default: ${DEFAULT_FILE})`);
  addEnsembleOptions(command);
  addSamplingOptions(command)
    .option("--chat", "send the prompt as a user message, in each member's own chat template")
    .option("--system <text>", "system message; implies --chat")
    .optionsGroup("File:")
    .option("--force", "replace an existing file");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (file: string | undefined) => init(file ?? DEFAULT_FILE, command.optsWithGlobals<InitFlags>()));
}

async function init(file: string, flags: InitFlags): Promise<void> {
  if (existsSync(file) && !flags.force) {
    throw new LlamafuseError(
      "invalid-option",
      `${file} already exists. Name another file, or replace it with --force.`,
      {
        file,
        option: "force",
      },
    );
  }
  const asks = flags.member === undefined && flags.file === undefined && process.stdin.isTTY && process.stderr.isTTY;
  const chosen = asks ? { ...flags, ...(await (await import("./ask.js")).askForEnsemble(flags)) } : flags;
  const { method, schedule, gpu, onMemberFailure } = ensembleOptions(chosen);
  await check(chosen);
  const members = memberOptions(chosen).map(({ name, ...member }) =>
    chosen.member === undefined && chosen.file === undefined
      ? { ...member, model: name! }
      : { ...member, ...(name !== undefined && { name }) },
  );
  const request = withSchemaWrittenOut({ ...samplingOptions(chosen), ...chatOptions(chosen) });
  writeWholeSync(
    file,
    ensembleFileText(file, {
      members,
      method: nameFirst((method ?? { name: "unite" }) as MethodOptions),
      schedule,
      gpu,
      onMemberFailure,
      request,
    }),
  );
  const use = `llamafuse ${request.chat ? "chat" : "generate"} --ensemble ${shellWord(oneLine(file))}${request.chat ? "" : ' "Once"'}`;
  await write(process.stdout, `${oneLine(file)} is written. Use it:\n  ${use}\n`);
}

function nameFirst({ name, ...options }: MethodOptions): MethodOptions {
  return { name, ...options } as MethodOptions;
}

/** A schema stands in the file as JSON, for people to read and change, and not as a string of it. */
function withSchemaWrittenOut(request: GenerateOptions): GenerateOptions {
  const { format } = request;
  if (format === undefined || !("schema" in format) || typeof format.schema !== "string") return request;
  return { ...request, format: { schema: JSON.parse(format.schema) } };
}

/** Whatever is wrong is said before anything is written. */
async function check(flags: InitFlags): Promise<void> {
  const [{ checkLoadOptions }, { checkOnMemberFailure }, { checkDefaults }, { checkSystem }] = await Promise.all([
    import("../../ensemble/load-options.js"),
    import("../../decoding/member-failure.js"),
    import("../../decoding/request.js"),
    import("../../systems.js"),
  ]);
  const { method, logs: _, onMemberFailure, ...load } = ensembleOptions(flags);
  checkOnMemberFailure(onMemberFailure);
  checkLoadOptions(Object.fromEntries(Object.entries(load).filter(([, value]) => value !== undefined)));
  checkDefaults({ ...samplingOptions(flags), ...chatOptions(flags) });
  if (typeof method === "object") await checkSystem(method);
}
