/** `llamafuse route`: train routers on tables of outcomes, evaluate them, and ask one why it decides as it does. */
import type { Command } from "commander";
import { DEFAULT_ROUTER } from "../../before/default-router.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { registerDescribe } from "./describe.js";
import { registerRouteEval } from "./eval.js";
import { registerExplain } from "./explain.js";
import { registerRouteFit } from "./fit.js";
import { registerList } from "./list.js";

const EXAMPLES = `
From your models and questions to a working router (here the native experts):
  Ask each model, grade the answers, write the table of outcomes:
  $ llamafuse eval native --split development --outcomes outcomes.jsonl
  Compare all routers on it, and fit one (${DEFAULT_ROUTER}, unless -r names another):
  $ llamafuse route eval --train outcomes.jsonl
  $ llamafuse route fit --train outcomes.jsonl -o router.json
  Evaluate it beside every model and the oracle, and use it:
  $ llamafuse eval native -M ${DEFAULT_ROUTER}:router=router.json
  $ llamafuse generate -M ${DEFAULT_ROUTER} -o router=router.json "Question: …"

"llamafuse route list" lists the routers with their options and knobs.`;

export function registerRoute(program: Command): void {
  const route = program
    .command("route")
    .summary("train and evaluate routers, which choose a model for each query")
    .description(
      "Train routers on the results of past queries, evaluate them, and see why a router decides as it does.",
    );
  addCommonOptions(route).addHelpText("after", helpText(EXAMPLES));
  registerList(route);
  registerRouteEval(route);
  registerRouteFit(route);
  registerExplain(route);
  registerDescribe(route);
}
