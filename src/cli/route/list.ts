/** `llamafuse route list`: the routers there are, and what each one takes. */
import type { Command } from "commander";
import { KNOB_MEANINGS } from "../../before/allocation/choose.js";
import type { KnobName, RouterInfo } from "../../before/router.js";
import { unknownName } from "../../errors.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { renderMeanings, renderTable } from "../table.js";
import { type Colors, colorsFor, write, writeJson } from "../terminal.js";

const EXAMPLES = `
Examples:
  $ llamafuse route list        all routers, one per line, and the knobs
  $ llamafuse route list knn    one router with its options and knobs
  $ llamafuse route fit --train outcomes.jsonl -r knn:k=20 -o router.json`;

export function registerList(route: Command): void {
  const command = route
    .command("list")
    .summary("list the routers, their options and their knobs")
    .description("List the routers that --router names, or describe one with its options and knobs.")
    .argument("[NAME]", "the router to describe")
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (name: string | undefined, flags: { json?: boolean }) => {
      const { routerInfos } = await import("../../before/registry.js");
      const colors = colorsFor(process.stdout);
      if (name === undefined)
        return flags.json ? writeJson(routerInfos) : write(process.stdout, renderAll(routerInfos, colors));
      const names = routerInfos.map((each) => each.name);
      const info = routerInfos.find((each) => each.name === name);
      if (info === undefined) throw unknownName("router", name, names);
      return flags.json ? writeJson(info) : write(process.stdout, renderRouter(info, colors));
    });
}

function renderAll(infos: readonly RouterInfo[], colors: Colors): string {
  const rows = infos.map(({ name, summary, knobs, source }) => [colors.bold(name), summary, knobs.join(", "), source]);
  const table = renderTable(rows, { colors, head: ["router", "what it does", "knobs", "source"], wrap: [1, 2, 3] });
  const knobs = renderKnobs(Object.keys(KNOB_MEANINGS) as KnobName[], colors);
  return `${table}\n${knobs}\n${colors.dim('"llamafuse route list NAME" lists the options of one router.')}\n`;
}

/** One router with everything that it takes. */
export function renderRouter({ name, summary, source, options, knobs }: RouterInfo, colors: Colors): string {
  const how = colors.dim(`(--router ${name}:OPTION=VALUE,…)`);
  const title = `${colors.bold(name)}  a router: ${summary}\n${colors.dim(source)}`;
  return `${title}\n\n${colors.bold("Options")} ${how}\n${renderMeanings(options, colors)}\n${renderKnobs(knobs, colors)}`;
}

function renderKnobs(knobs: readonly KnobName[], colors: Colors): string {
  const meanings = Object.fromEntries(knobs.map((knob) => [knob, KNOB_MEANINGS[knob]]));
  const how = colors.dim("(set at most one: route explain --lambda 5, generate -M NAME -o lambda=5)");
  return `${colors.bold("Knobs")} ${how}\n${renderMeanings(meanings, colors)}`;
}
