/** `llamafuse serve`: ensembles behind the OpenAI API. */

import type { Command } from "commander";
import { MOST_SLOTS } from "../../ensemble/load-options.js";
import { LlamafuseError } from "../../errors.js";
import { parseGpu } from "../../llama/find-library.js";
import { onAbort } from "../../on-abort.js";
import type { RunningServer, ServeOptions, ServerEvent } from "../../server/serve.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions, collect, number } from "../options.js";
import { messageOf } from "../report-error.js";
import { oneLine, say } from "../terminal.js";

interface ServeFlags {
  ensemble?: string[];
  host: string;
  port: number;
  apiKeyFile?: string;
  allowHost?: string[];
  allowOrigin?: string[];
  memory?: number;
  preload?: boolean;
  queue?: number;
  deadline?: number;
  slots?: number;
  gpu?: string;
  verbose?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse serve                                       the native experts as the model llamafuse/native
  $ llamafuse serve --ensemble coder.json --ensemble writer.json --preload
  $ curl localhost:8080/v1/chat/completions -H "Content-Type: application/json" -d '{"model": "llamafuse/native", "messages": [{"role": "user", "content": "What is a young deer?"}]}'

A model is called as its file is, without .json: fusion methods and routers alike, as "llamafuse init" writes them.
A model loads when it is first asked for, and the least recently used one leaves where memory ends.
Without keys, only requests from this machine to its own names are answered, and no pages of other origins.
SIGHUP reads ensemble and key files again. SIGTERM and Ctrl-C let answers end first, for 30 seconds; a second one does not.`;

const MEBIBYTE = 2 ** 20;
const LAST_PORT = 65_535;
/** Timers count milliseconds in 31 bits. */
const LONGEST_DEADLINE = 2_000_000;

export function registerServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("answer over HTTP as OpenAI's API does")
    .description("Serve ensembles as models of the OpenAI API, with a playground for browsers.")
    .optionsGroup("Models:")
    .option(
      "--ensemble <file>",
      'JSON file of a model, as "llamafuse init" writes it; repeatable (default: the native experts)',
      collect,
    )
    .option("--preload", "load all models before the first request")
    .option("--memory <MiB>", "memory for models (default: half of the machine's)", number("--memory"))
    .option("--gpu <backend>", "auto, cuda, vulkan, metal or false (default: auto)")
    .optionsGroup("Address:")
    .option("--host <address>", "where to listen; others than this machine need --api-key-file", "127.0.0.1")
    .option("--port <number>", "0 takes a free one", number("--port"), 8080)
    .optionsGroup("Who may ask:")
    .option("--api-key-file <file>", "keys, one a line; a request needs one of them as bearer token")
    .option("--allow-host <name>", "answer requests for this name, too; repeatable", collect)
    .option(
      "--allow-origin <origin>",
      "let pages of this origin ask, such as https://chat.example; repeatable",
      collect,
    )
    .optionsGroup("Load:")
    .option(
      "--slots <count>",
      "requests that a model answers side by side (default: as its file says, or 1)",
      number("--slots"),
    )
    .option("--queue <count>", "requests that may wait for a model (default: 64)", number("--queue"))
    .option("--deadline <seconds>", "longest time of a request, waiting included (default: 600)", number("--deadline"));
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async () => {
      process.exitCode = await serve(command.optsWithGlobals<ServeFlags>());
    });
}

async function serve(flags: ServeFlags): Promise<number> {
  // The server's packages are loaded by this command alone.
  const { startServer } = await import("../../server/serve.js");
  const interrupts = new Interrupts();
  let server: RunningServer;
  try {
    server = await startServer(optionsOf(flags));
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    return interrupts.exitCode;
  }
  const reload = async () => {
    try {
      await server.reload();
      say("llamafuse: Read the files again.");
    } catch (error) {
      say(`llamafuse: Nothing was changed. ${messageOf(error)}`);
    }
  };
  process.on("SIGHUP", reload);
  say(`llamafuse: Listening on ${server.address}`);
  await aborted(interrupts.signal);
  say("llamafuse: Ending when the answers under way are done; the same signal again ends them.");
  process.off("SIGHUP", reload);
  await server.close();
  return 0;
}

function optionsOf(flags: ServeFlags): ServeOptions {
  const { ensemble, host, port, apiKeyFile, allowHost, allowOrigin, memory, preload, queue, deadline } = flags;
  checkInteger("--port", port, 0, LAST_PORT);
  checkInteger("--queue", queue, 0);
  checkInteger("--memory", memory, 1);
  checkInteger("--slots", flags.slots, 1, MOST_SLOTS);
  checkInteger("--deadline", deadline, 1, LONGEST_DEADLINE);
  return {
    ensembles: ensemble,
    host,
    port,
    apiKeyFile,
    allowedHosts: allowHost?.map((name) => name.toLowerCase()),
    allowedOrigins: allowOrigin,
    memory: memory === undefined ? undefined : memory * MEBIBYTE,
    preload,
    limits: {
      ...(queue !== undefined && { waiting: queue }),
      ...(deadline !== undefined && { deadlineMs: deadline * 1000 }),
    },
    slots: flags.slots,
    gpu: flags.gpu === undefined ? undefined : parseGpu(flags.gpu),
    logs: flags.verbose ? "stderr" : "silent",
    onEvent: (event) => say(lineOf(event)),
  };
}

function checkInteger(flag: string, value: number | undefined, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  const allowed =
    most === Number.MAX_SAFE_INTEGER ? `a whole number of ${least} or more` : `a whole number from ${least} to ${most}`;
  throw new LlamafuseError("invalid-option", `${flag} needs ${allowed}; found ${value}.`, {
    option: flag,
    found: value,
    allowed,
  });
}

/** What the server does by itself, and what clients are not told of. */
function lineOf(event: ServerEvent): string {
  if (event.what === "request-failed") return `llamafuse: Request ${event.requestId} failed: ${messageOf(event.error)}`;
  const name = oneLine(event.model);
  if (event.what === "failed") return `llamafuse: Model ${name} cannot be loaded: ${messageOf(event.error)}`;
  return `llamafuse: Model ${name} ${event.what}.`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
