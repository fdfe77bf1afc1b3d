/** Which of its sets a bench measures: those that are named, or all whose files are there. Never an empty table. */
import { existsSync } from "node:fs";
import path from "node:path";
import { LlamafuseError, unknownName } from "../src/errors.js";
import { nativeModel } from "../src/native-models.js";

export interface NamedSet {
  name: string;
}

/** Files that a set needs and that are not there, and the command that makes them or what else helps. */
export interface Missing {
  files: readonly string[];
  cure: string;
}

export interface Chosen<Set extends NamedSet> {
  sets: Set[];
  /** A line for each set that was left out. */
  notes: string[];
}

/**
 * The sets to run. Errors: invalid-option for a name that is not in `all`; file-unreadable where a named set, or every
 * set, lacks files.
 */
export function chooseSets<Set extends NamedSet>(
  bench: string,
  all: readonly Set[],
  names: readonly string[] | undefined,
  missingOf: (set: Set) => Missing | undefined,
): Chosen<Set> {
  const known = all.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownName(`set of bench ${bench}`, unknown, known);
  const notes: string[] = [];
  let first: Missing | undefined;
  const sets = all.filter((set) => {
    if (names?.includes(set.name) === false) return false;
    const missing = missingOf(set);
    if (missing === undefined) return true;
    if (names !== undefined) throw missingFiles(`The set "${set.name}" of bench ${bench}`, missing);
    notes.push(`${set.name} left out: ${missing.files.join(", ")} missing (${missing.cure})`);
    first ??= missing;
    return false;
  });
  if (sets.length === 0 && first !== undefined) throw missingFiles(`Every set of bench ${bench}`, first);
  return { sets, notes };
}

/** `missingOf` for sets of files with one cure; undefined where all are there. */
export function missingAmong(files: readonly string[], cureFor: (file: string) => string): Missing | undefined {
  const missing = files.filter((file) => !existsSync(file));
  return missing.length === 0 ? undefined : { files: missing, cure: cureFor(missing[0]) };
}

/** A place in the project's folder, wherever the bench was started from. */
export function projectPath(...parts: string[]): string {
  projectFolder ??= path.dirname(path.dirname(nativeModel("robin").path));
  return path.resolve(projectFolder, ...parts);
}
let projectFolder: string | undefined;

function missingFiles(who: string, { files, cure }: Missing): LlamafuseError {
  const more = files.length > 1 ? ` and ${files.length - 1} more` : "";
  const message = `${who} needs ${files[0]}${more}: missing. ${cure}.`;
  return new LlamafuseError("file-unreadable", message, { found: files, cure });
}

/** The sentence that names the script that makes what is missing. An installed package comes without the scripts. */
export function scriptCure(script: string): string {
  const file = `scripts/${script}`;
  if (!existsSync(projectPath(file))) return `Clone the project, and run npx tsx ${file} there`;
  return `Run npx tsx ${file} in ${projectPath()}`;
}
