/** `llamafuse cascade list`: the cascades there are, and what each one takes. */
import type { Command } from "commander";
import type { AnswerDetail, CascadeInfo } from "../../after/cascade/cascade.js";
import { unknownName } from "../../errors.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { renderMeanings, renderTable } from "../table.js";
import { type Colors, colorsFor, write, writeJson } from "../terminal.js";

const EXAMPLES = `
Examples:
  $ llamafuse cascade list        all cascades, one per line, and the knobs
  $ llamafuse cascade list mot    one cascade with its options and knobs
  $ llamafuse cascade fit --train outcomes.jsonl -c mot:samples=3 -o cascade.json`;

/** What each knob of a cascade does, for people. */
const KNOBS: Record<string, string> = {
  threshold: "keep an answer whose score is at least this, else ask the next model",
  lambda: "λ: a higher price of cost asks fewer models; in quality per unit of the table's cost",
  budget: "the mean cost of a query, all calls counted (c3po: the cost that few queries exceed)",
};

const NEEDS: Record<AnswerDetail, string> = {
  logProbs: "token log-probabilities",
  classProbabilities: "probabilities of choices",
  samples: "several samples",
  verifier: "a verifier's confidence",
  answers: "short answers",
};

export function registerCascadeList(cascade: Command): void {
  const command = cascade
    .command("list")
    .summary("list the cascades, their options and their knobs")
    .description("List the cascades that --cascade names, or describe one with its options and knobs.")
    .argument("[NAME]", "the cascade to describe")
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (name: string | undefined, flags: { json?: boolean }) => {
      const { cascadeInfos } = await import("../../after/cascade/registry.js");
      const colors = colorsFor(process.stdout);
      if (name === undefined)
        return flags.json ? writeJson(cascadeInfos) : write(process.stdout, renderAll(cascadeInfos, colors));
      const info = cascadeInfos.find((each) => each.name === name);
      if (info === undefined) {
        throw unknownName(
          "cascade",
          name,
          cascadeInfos.map((each) => each.name),
        );
      }
      return flags.json ? writeJson(info) : write(process.stdout, renderCascade(info, colors));
    });
}

function renderAll(infos: readonly CascadeInfo[], colors: Colors): string {
  const rows = infos.map(({ name, summary, knobs, needs, source }) => [
    colors.bold(name),
    summary,
    needs.map((need) => NEEDS[need]).join(", ") || "any of these",
    knobs.join(", "),
    source,
  ]);
  const table = renderTable(rows, {
    colors,
    head: ["cascade", "what it does", "reads", "knobs", "source"],
    wrap: [1, 2, 4],
  });
  return `${table}\n${renderKnobs(Object.keys(KNOBS), colors)}\n${colors.dim('"llamafuse cascade list NAME" lists the options of one cascade.')}\n`;
}

/** One cascade with everything that it takes. */
export function renderCascade(
  { name, summary, source, options, knobs, trainingFree }: CascadeInfo,
  colors: Colors,
): string {
  const how = colors.dim(`(--cascade ${name}:OPTION=VALUE,…)`);
  const training = trainingFree ? "Works without a fit." : 'Must be fitted: "llamafuse cascade fit".';
  const title = `${colors.bold(name)}  a cascade: ${summary}\n${training}\n${colors.dim(source)}`;
  return `${title}\n\n${colors.bold("Options")} ${how}\n${renderMeanings(options, colors)}\n${renderKnobs(knobs, colors)}`;
}

function renderKnobs(knobs: readonly string[], colors: Colors): string {
  const how = colors.dim("(set at most one: cascade explain --threshold 0.5, generate -M NAME -o threshold=0.5)");
  const meanings = Object.fromEntries(knobs.map((knob) => [knob, KNOBS[knob]]));
  return `${colors.bold("Knobs")} ${how}\n${renderMeanings(meanings, colors)}`;
}
