/** Every failure as one line on stderr, and as an exit code. */
import { CommanderError } from "commander";
import { LlamafuseError } from "../errors.js";
import { maskSecrets } from "../secrets.js";
import { inFlags } from "./in-flags.js";
import { interruptCode } from "./interrupts.js";
import { oneLine, say } from "./terminal.js";

/** What a program exits with that failed for a reason nobody foresaw. */
const UNEXPECTED = 1;
/** Wrong usage; the same as "invalid-option" in errors.ts. */
const USAGE = 2;

/** Write the error and return the exit code. */
export function reportError(error: unknown, verbose: boolean): number {
  // The reader of stdout (`| head`) has seen enough.
  if ((error as NodeJS.ErrnoException)?.code === "EPIPE") return 0;
  // Commander's way of saying that help or the version was shown.
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  say(`llamafuse: ${messageOf(error)}`);
  if (verbose) writeStack(error);
  if (error instanceof LlamafuseError) {
    // Stopped by a signal, it ends with that signal's code.
    return error.code === "aborted" ? (interruptCode() ?? error.exitCode) : error.exitCode;
  }
  return error instanceof CommanderError ? USAGE : UNEXPECTED;
}

export function messageOf(error: unknown): string {
  if (error instanceof CommanderError) return usageMessage(error);
  if (error instanceof LlamafuseError) return oneLine(inFlags(error));
  const message = error instanceof Error ? error.message : String(error);
  return `${oneLine(message)} (this is a bug or a system error; --verbose shows where)`;
}

/** Too many words for a command that takes a text. */
const TEXT_COMMAND = /too many arguments for '(generate|explain)'/;

function usageMessage(error: CommanderError): string {
  const message = oneLine(error.message.replace(/^error: /, ""));
  const hint = TEXT_COMMAND.test(error.message) ? " Put a text with spaces in quotes." : "";
  return `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.?$/, ".")}${hint}`;
}

function writeStack(error: unknown): void {
  for (let each = error; each instanceof Error; each = each.cause) {
    say(maskSecrets(`${each === error ? "" : "caused by "}${each.stack}`));
    if (each instanceof LlamafuseError) say(`${JSON.stringify({ code: each.code, details: each.details })}`);
  }
}
