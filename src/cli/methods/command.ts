/** `llamafuse methods`: the methods there are, and what each one takes. */

import type { Command } from "commander";
import type { MethodInfo } from "../../during/method.js";
import { unknownName } from "../../errors.js";
import { renderCascade } from "../cascade/list.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { renderRouter } from "../route/list.js";
import { renderMeanings, renderTable } from "../table.js";
import { type Colors, colorsFor, write, writeJson } from "../terminal.js";

interface MethodsFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse methods                                     all methods, one per line
  $ llamafuse methods unite                               one method with its options and defaults
  $ llamafuse generate --method unite --option k=5 "Once"  use it

With one member, all methods give the same result.
A router or a cascade can take the place of a method: see "llamafuse route list"
and "llamafuse cascade list".`;

export function registerMethods(program: Command): void {
  const command = program
    .command("methods")
    .summary("list methods, selections and regenerations and their options")
    .description(
      "List the fusion methods, selections and regenerations that --method names, or describe one with its options.",
    )
    .argument("[NAME]", "the method to describe")
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (name: string | undefined, flags: MethodsFlags) => {
      const [{ methodInfos }, { selectionInfos }, { regenerationInfos }] = await Promise.all([
        import("../../during/methods.js"),
        import("../../after/select/registry.js"),
        import("../../after/regenerate/registry.js"),
      ]);
      const kinds = { method: methodInfos, selection: selectionInfos, regeneration: regenerationInfos };
      const infos = Object.values(kinds).flat();
      const colors = colorsFor(process.stdout);
      if (name === undefined) return flags.json ? writeJson(infos) : write(process.stdout, renderAll(kinds, colors));
      const info = infos.find((each) => each.name === name);
      if (info === undefined) {
        const [{ routerInfos }, { cascadeInfos }] = await Promise.all([
          import("../../before/registry.js"),
          import("../../after/cascade/registry.js"),
        ]);
        const router = routerInfos.find((each) => each.name === name);
        const cascade = cascadeInfos.find((each) => each.name === name);
        const names = infos.map((each) => each.name);
        if (router === undefined && cascade === undefined) throw unknownName("method", name, names);
        if (flags.json) return writeJson(router ?? cascade);
        return write(process.stdout, router ? renderRouter(router, colors) : renderCascade(cascade!, colors));
      }
      return flags.json ? writeJson(info) : write(process.stdout, renderOne(info, colors));
    });
}

function renderAll(kinds: Readonly<Record<string, readonly MethodInfo[]>>, colors: Colors): string {
  const tableOf = (infos: readonly MethodInfo[], head: string) =>
    renderTable(
      infos.map(({ name, summary, requires, source }) => [colors.bold(name), summary, requires, source]),
      { colors, head: [head, "what it does", "members need", "source"], wrap: [1, 2, 3] },
    );
  const tables = Object.entries(kinds).map(([kind, infos]) => `${tableOf(infos, kind)}\n`);
  return `${tables.join("")}${colors.dim('"llamafuse methods NAME" lists the options of one.')}\n${colors.dim('Routers and cascades also go behind --method: "llamafuse route list", "llamafuse cascade list".')}\n`;
}

function renderOne({ name, summary, requires, source, options, parts = {} }: MethodInfo, colors: Colors): string {
  const facts = renderTable(
    [
      ["members need", requires],
      ["source", source],
    ].map(([label, text]) => [colors.dim(label), text]),
    { colors, wrap: [1], indent: "  " },
  );
  return `${colors.bold(name)}  ${summary}\n\n${facts}\n${colors.bold("Options")} ${colors.dim("(--option name=value)")}\n${renderMeanings(options, colors)}${renderParts(parts, colors)}`;
}

/** The options of the parts that a method can be put together from. */
function renderParts(parts: NonNullable<MethodInfo["parts"]>, colors: Colors): string {
  const rows = Object.entries(parts).flatMap(([option, kinds]) =>
    Object.entries(kinds).flatMap(([kind, texts]) =>
      Object.entries(texts).map(([name, text]) => [colors.cyan(`${option}.${name}`), kind, text]),
    ),
  );
  if (rows.length === 0) return "";
  const table = renderTable(rows, { colors, head: ["option", "of", "what it is"], wrap: [2], indent: "  " });
  return `\n${colors.bold("Options of parts")} ${colors.dim("(--option alignment=union --option alignment.feedback=piece)")}\n${table}`;
}
