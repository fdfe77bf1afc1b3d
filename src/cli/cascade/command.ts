/** `llamafuse cascade`: cascades fitted on tables of outcomes, judged, and asked why they defer. */
import type { Command } from "commander";
import { DEFAULT_CASCADE } from "../../after/cascade/default-cascade.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { registerCascadeEval } from "./eval.js";
import { registerCascadeExplain } from "./explain.js";
import { registerCascadeFit } from "./fit.js";
import { registerCascadeList } from "./list.js";

const EXAMPLES = `
Without training: ask the small model, and the large one where the small one
is unsure (here: tokens less likely than a geometric mean of 0.74):
  $ llamafuse generate -m small.gguf -m large.gguf \\
      -M log-probability -o threshold=-0.3 "…"

From your models and questions to a fitted cascade:
  Ask each model, grade the answers, write what they show of their doubts:
  $ llamafuse eval native --split development --outcomes outcomes.jsonl --details
  Compare all cascades on it, and fit one (${DEFAULT_CASCADE}, unless -c names
  another):
  $ llamafuse cascade eval --train outcomes.jsonl
  $ llamafuse cascade fit --train outcomes.jsonl -o cascade.json
  See where it defers and what that costs, and use it:
  $ llamafuse cascade explain cascade.json --table outcomes.jsonl
  $ llamafuse generate -M ${DEFAULT_CASCADE} -o cascade=cascade.json "Question: …"

"llamafuse cascade list" lists the cascades with their options and knobs.
A cascade's cost counts every call: rejected answers, samples, verifications.`;

export function registerCascade(program: Command): void {
  const cascade = program
    .command("cascade")
    .summary("fit and judge cascades, which ask a cheap model first and a dear one where needed")
    .description("Fit cascades on the results of past queries, judge them, and see where and why they defer.");
  addCommonOptions(cascade).addHelpText("after", helpText(EXAMPLES));
  registerCascadeList(cascade);
  registerCascadeEval(cascade);
  registerCascadeFit(cascade);
  registerCascadeExplain(cascade);
}
