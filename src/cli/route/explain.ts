/** `llamafuse route explain`: what a saved router decides, and why. */
import type { Command } from "commander";
import { KNOB_MEANINGS } from "../../before/allocation/choose.js";
import { helpText } from "../help-text.js";
import { addCommonOptions, number } from "../options.js";
import { renderTable } from "../table.js";
import { colorsFor, write, writeJson } from "../terminal.js";
import { type KnobFlags, readKnob } from "./arguments.js";

interface ExplainFlags extends KnobFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse route explain router.json "Question: What is 3 plus 4?"
  $ llamafuse route explain router.json --lambda 300 "Question: …"

Ask in the form that the training table's queries have.
Costs are in the unit of the table; one that "llamafuse eval --outcomes" wrote
counts billions of parameters × tokens. "llamafuse route list" says which
knobs a router takes.`;

export function registerExplain(route: Command): void {
  const command = route
    .command("explain")
    .summary("show which model a saved router chooses for a query, and why")
    .description("Show a saved router's estimates for a query, and its decision.")
    .argument("<ROUTER>", "a file written by route fit")
    .argument("<QUERY>", "the query")
    .optionsGroup("Knob (one at most):")
    .option("--lambda <value>", KNOB_MEANINGS.lambda, number("--lambda"))
    .option("--threshold <value>", KNOB_MEANINGS.threshold, number("--threshold"))
    .option("--budget <cost>", KNOB_MEANINGS.budget, number("--budget"))
    .option("--preference <share>", KNOB_MEANINGS.preference, number("--preference"))
    .optionsGroup("Report:")
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action((file: string, query: string) => explainOne(file, query, command.optsWithGlobals<ExplainFlags>()));
}

async function explainOne(file: string, text: string, flags: ExplainFlags): Promise<void> {
  const [{ loadRouter }, { embedQuery }] = await Promise.all([
    import("../../before/saved-router.js"),
    import("../../before/fitting/training-data.js"),
  ]);
  const { router, embedder } = await loadRouter(file);
  try {
    const query = await embedQuery(embedder, text);
    const estimate = router.score(query);
    const decision = router.decide(query, readKnob(flags));
    if (flags.json) {
      const cost = Object.fromEntries(router.models.map((model, index) => [model, estimate.cost[index]]));
      return await writeJson({ router: router.info.name, query: text, ...decision, costs: cost });
    }
    const colors = colorsFor(process.stdout);
    const isChosen = router.models.map((model) => decision.models.includes(model));
    const order = Array.from(router.models.keys()).sort(
      (a, b) => estimate.quality[b] - estimate.quality[a] || Number(isChosen[b]) - Number(isChosen[a]),
    );
    const rows = order.map((index) => [
      isChosen[index] ? "→" : "",
      router.models[index],
      estimate.quality[index].toFixed(4),
      String(Number(estimate.cost[index].toPrecision(3))),
    ]);
    await write(process.stdout, `${decision.reason}\n\n`);
    await write(process.stdout, renderTable(rows, { colors, head: ["", "model", "score", "cost"], right: [2, 3] }));
  } finally {
    await embedder.dispose?.();
  }
}
