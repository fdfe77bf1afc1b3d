/** The script for fish. */

import type { Flag, Place } from "./places.js";
import { kindsOf } from "./shell.js";

export function fishScript(places: readonly Place[]): string {
  const rules = places.flatMap((place) => {
    const at = `-n ${quoted(`__llamafuse_at ${quoted(place.path)}`)}`;
    const commands = place.commands.map(
      ({ name, summary }) => `complete -c llamafuse -f ${at} -a ${quoted(name)} -d ${quoted(summary)}`,
    );
    const flags = place.flags.map((flag) => `complete -c llamafuse ${at} ${flagRule(flag)} -d ${quoted(flag.summary)}`);
    const values = kindsOf(place.values);
    const files = place.values.files ? "-F" : "-f";
    const own = values.length === 0 ? [] : [`complete -c llamafuse ${at} ${files} -a ${quoted(listOf(values))}`];
    return [...commands, ...flags, ...own];
  });
  return `# Completion of llamafuse for fish.
#   llamafuse completion fish > ~/.config/fish/completions/llamafuse.fish

# Whether the commands on the line so far are these.
function __llamafuse_at
    set -l place
    set -l known ${places
      .filter(({ path }) => path !== "")
      .map(({ path }) => quoted(path))
      .join(" ")}
    for word in (commandline -opc)[2..-1]
        set -l next (string trim -- "$place $word")
        contains -- "$next" $known; and set place "$next"
    end
    test "$place" = "$argv[1]"
end

function __llamafuse_models
    llamafuse models --names 2>/dev/null
end

complete -c llamafuse -f
${rules.join("\n")}
`;
}

function flagRule({ names, value }: Flag): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ");
  if (value === undefined) return `-f ${flags}`;
  const list = listOf(kindsOf(value));
  return `-r ${value.files ? "-F" : "-f"} ${flags}${list === "" ? "" : ` -a ${quoted(list)}`}`;
}

/** Words, and a command that prints more of them. */
function listOf(kinds: readonly string[]): string {
  return kinds
    .flatMap((kind) => (kind === "files" ? [] : kind === "models" ? ["(__llamafuse_models)"] : [kind.slice(1)]))
    .join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
