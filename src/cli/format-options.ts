/** The options by which commands say what form an answer has to have. */
import type { Command } from "commander";
import type { Format } from "../decoding/format/format.js";
import { LlamafuseError } from "../errors.js";
import { readTextFile } from "./text-input.js";
import type { ToolFlags } from "./tools-option.js";

export interface FormatFlags {
  schema?: string;
  regex?: string;
  grammar?: string;
}

export function addFormatOptions(command: Command): Command {
  return command
    .option("--schema <file>", "answer with JSON of this JSON schema: a file, or the schema itself")
    .option("--regex <pattern>", "answer with a text that matches this regular expression as a whole")
    .option("--grammar <file>", "answer with a text of this grammar, rule root: a file, or the grammar itself");
}

/** Error: invalid-option for two forms at once. */
export function formatOption({ schema, regex, grammar }: FormatFlags): Format | undefined {
  const given = Object.entries({ schema, regex, grammar }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const flags = given.map(([name]) => `--${name}`);
    throw new LlamafuseError(
      "invalid-option",
      `An answer has one form: leave out ${flags.slice(1).join(" and ")}, or ${flags[0]}.`,
      {
        option: flags[1],
        found: flags,
        allowed: "one of --schema, --regex, --grammar",
      },
    );
  }
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Format);
}

/**
 * Reads the files of --schema, --grammar and --tools, so that commands find their contents in the flags. What begins with a
 * brace is a schema itself, with a bracket a list of tools, and what has "::=" is a grammar. Errors: file-unreadable, invalid-text.
 */
export async function readFormatFlags(command: Command): Promise<void> {
  for (const name of ["schema", "grammar", "tools"] as const) {
    const given = command.opts<FormatFlags & ToolFlags>()[name];
    if (given === undefined || /^\s*([{[]|true\s*$)|::=/.test(given)) continue;
    command.setOptionValue(name, await readNamedFile(name, given));
  }
}

const ITSELF = {
  schema: "a file with the schema, or give the schema itself, which begins with {",
  grammar: 'a file with the grammar, or give the grammar itself, which has "::="',
  tools: "a file with the list of tools, or give the list itself, which begins with [",
} as const;

async function readNamedFile(name: keyof typeof ITSELF, given: string): Promise<string> {
  try {
    return await readTextFile(given);
  } catch (error) {
    if (!(error instanceof LlamafuseError) || error.code !== "file-unreadable") throw error;
    const message = `--${name}: ${error.message} Name ${ITSELF[name]}.`;
    throw new LlamafuseError(error.code, message, { ...error.details, option: `--${name}` }, error.cause);
  }
}
