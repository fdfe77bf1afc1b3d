/**
 * Why llama.cpp failed, in its own words.
 *
 * It says why in its log alone, and the log belongs to the whole process: a JavaScript callback there can stop two threads
 * for ever. So a failed load is tried once more in a process of its own, whose log is read. That costs a second load, and
 * only where the first one has failed.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { processFile } from "../package-files.js";
import type { ContextOptions } from "./context.js";
import type { Llama } from "./library.js";
import type { LlamaParameters } from "./parameters.js";

/** What a process of this kind is told, as JSON. */
export interface FailedLoad {
  gpu: string | false;
  file: string;
  model: LlamaParameters & { vocabularyOnly?: boolean };
  /** Where the model could be loaded and its context not. */
  context?: Omit<ContextOptions, "stopFlag" | "mayContinue">;
}

/** The process is one that looks for words: it looks no further. */
export const LOOKING_VARIABLE = "LLAMAFUSE_LAST_WORDS";
/** A large model takes as long to be read again. */
const TIMEOUT_MS = 60_000;
const MOST_LOG_BYTES = 16 * 2 ** 20;
/** Lines that say that something failed and not what. */
const EMPTY_WORDS = /^(?:[\w:~]+: )?(?:failed to load model|failed to initialize the context|error loading model)\W*$/i;
const TROUBLE =
  /error|fail|unable|cannot|can't|could not|not (?:enough|supported|found|within)|out of (?:device )?memory|invalid|missing|mismatch|wrong|requires|does not|unknown|unsupported|GGML_ASSERT|insufficient/i;

/** llama.cpp's last words on a load that failed; undefined where it says nothing more. */
export function lastWords(llama: Llama, load: Omit<FailedLoad, "gpu">): string | undefined {
  if (process.env[LOOKING_VARIABLE] !== undefined) return undefined;
  const script = processFile("load-words");
  if (!existsSync(script)) return undefined;
  const told: FailedLoad = { gpu: llama.files.gpu, ...load };
  const { stderr } = spawnSync(process.execPath, [script, JSON.stringify(told)], {
    env: { ...process.env, [LOOKING_VARIABLE]: "1", ELECTRON_RUN_AS_NODE: "1" },
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    timeout: TIMEOUT_MS,
    maxBuffer: MOST_LOG_BYTES,
  });
  return wordsIn(stderr ?? "");
}

/** The last line of a log that says what went wrong, without the names of functions before it. */
export function wordsIn(log: string): string | undefined {
  const lines = log.split("\n").map((line) => line.trim());
  const line = lines.findLast((one) => TROUBLE.test(one) && !EMPTY_WORDS.test(one) && !one.startsWith("at "));
  return line
    ?.replace(/^(?:[\w:~<>]+: )+(?=\S)/, "")
    .replace(/^error loading model: /, "")
    .replace(/^(?:[\w:~]+: )+/, "")
    .replace(/\.$/, "");
}
