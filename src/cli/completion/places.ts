/** The command tree as a completion script needs it: at each place of it, what may stand next. */
import type { Command, Option } from "commander";

/** What a value may be: one of these words, a file, a model of this machine, or anything. */
export interface Values {
  words: readonly string[];
  files: boolean;
  models: boolean;
}

export interface Flag {
  /** `-m` and `--member`, or one of them. */
  names: string[];
  summary: string;
  /** Absent where no value follows. */
  value?: Values;
}

export interface Place {
  /** The names of the commands that lead here: `route fit`; empty at the top. */
  path: string;
  commands: { name: string; summary: string }[];
  flags: Flag[];
  /** What its arguments may be. */
  values: Values;
}

/** The words that options and arguments take, by the option's long name or the argument's name in the place. */
export type KnownWords = (place: string, name: string) => readonly string[] | undefined;

export function placesOf(program: Command, known: KnownWords): Place[] {
  const walk = (command: Command, path: string): Place[] => {
    const commands = command.commands.map((each) => ({
      name: each.name(),
      summary: each.summary() || each.description(),
    }));
    const flags = command.options.filter(({ hidden }) => !hidden).map((option) => flagOf(option, path, known));
    const help = { names: ["-h", "--help"], summary: "this help" };
    const values = command.registeredArguments.map((argument) => valuesOf(argument.name(), path, known));
    const here = { path, commands, flags: [...flags, help], values: joined(values) };
    return [here, ...command.commands.flatMap((each) => walk(each, `${path} ${each.name()}`.trim()))];
  };
  return walk(program, "");
}

function flagOf(option: Option, place: string, known: KnownWords): Flag {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const flag = { names, summary: firstClause(option.description) };
  if (!option.required) return flag;
  const words = known(place, option.long ?? "");
  const placeholder = /<([^>]+)>/.exec(option.flags)?.[1] ?? "";
  const value = words === undefined ? valuesOf(placeholder, place, known) : { words, files: false, models: false };
  return { ...flag, value: option.long === "--member" ? { ...value, files: true, models: true } : value };
}

/** By the name of an argument or of an option's value. */
function valuesOf(name: string, place: string, known: KnownWords): Values {
  const files = /^(file|files|folder|task|router|routes|ensemble)$/i.test(name.replace(/\.+$/, ""));
  return { words: known(place, name) ?? [], files, models: place === "inspect" && files };
}

function joined(values: readonly Values[]): Values {
  return {
    words: values.flatMap(({ words }) => words),
    files: values.some(({ files }) => files),
    models: values.some(({ models }) => models),
  };
}

/** A summary has one line beside the flag. */
function firstClause(text: string): string {
  return text.replace(/[;,(:].*$/s, "").trim();
}
