/** What the scripts for bash and zsh share: functions of plain shell that answer for a place. */
import type { Place, Values } from "./places.js";

/**
 *     _llamafuse_commands PLACE        the commands below it, a line each: name, tab, what it does
 *     _llamafuse_flags PLACE           its flags, likewise
 *     _llamafuse_value PLACE FLAG      what the flag's value may be; fails where no value follows
 *     _llamafuse_arguments PLACE       what its arguments may be
 *
 * What a value may be is told as lines: `models`, `files`, or `=WORD`.
 */
export function answers(places: readonly Place[]): string {
  const lines = (pairs: readonly { name: string; summary: string }[]) =>
    pairs.map(({ name, summary }) => `${name}\t${summary}`);
  const flags = ({ flags: own }: Place) =>
    own.flatMap(({ names, summary }) => lines(names.map((name) => ({ name, summary }))));
  const byFlag = places.flatMap(({ path, flags: own }) =>
    own.flatMap(({ names, value }) => (value === undefined ? [] : [{ names, path, kinds: kindsOf(value) }])),
  );
  return [
    shellFunction(
      "commands",
      places.map((place) => [[quoted(place.path)], lines(place.commands)]),
    ),
    shellFunction(
      "flags",
      places.map((place) => [[quoted(place.path)], flags(place)]),
    ),
    shellFunction(
      "arguments",
      places.map((place) => [[quoted(place.path)], kindsOf(place.values)]),
    ),
    shellFunction(
      "value",
      byFlag.map(({ names, path, kinds }) => [names.map((name) => quoted(`${path} ${name}`)), kinds]),
      '"$1 $2"',
      "*) return 1 ;;",
    ),
  ].join("\n");
}

function shellFunction(
  name: string,
  cases: readonly (readonly [patterns: readonly string[], lines: readonly string[]])[],
  subject = '"$1"',
  otherwise = "",
): string {
  const arms = cases.map(([patterns, lines]) => {
    const said = lines.length === 0 ? ":" : `printf '%s\\n' ${lines.map(quoted).join(" ")}`;
    return `    ${patterns.join("|")}) ${said} ;;\n`;
  });
  return `_llamafuse_${name}() {\n  case ${subject} in\n${arms.join("")}${otherwise && `    ${otherwise}\n`}  esac\n}\n`;
}

export function kindsOf({ words, files, models }: Values): string[] {
  return [...words.map((word) => `=${word}`), ...(models ? ["models"] : []), ...(files ? ["files"] : [])];
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
