/** `llamafuse route describe`: a router from words alone, without a table. */
import type { Command } from "commander";
import type { RouteToModel } from "../../before/embedders/described-routes.js";
import { LlamafuseError } from "../../errors.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { waitingNotice } from "../progress.js";
import { write, writeJson } from "../terminal.js";

interface DescribeFlags {
  model: string;
  output: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cat routes.json
  [{ "name": "code", "description": "writing programs", "model": "coder" },
   { "name": "other", "description": "everything else", "model": "talker" }]
  $ llamafuse route describe routes.json --model namer.gguf -o router.json
  $ llamafuse generate -m coder.gguf -m talker.gguf \\
      -M arch-router -o router=router.json "Why does this loop never end?"

The model reads the descriptions and the query and can only answer with a
route's name. In the file, "model" is a member's name.`;

export function registerDescribe(route: Command): void {
  const command = route
    .command("describe")
    .summary("make a router from descriptions of routes, without a table")
    .description("Make a router from described routes: a language model names the route that a query belongs to.")
    .argument("<ROUTES>", "a JSON file: [{ name, description, model }, …]")
    .requiredOption("--model <file>", "the model that names the route: a GGUF file, a native model's name, or a URI")
    .requiredOption("-o, --output <file>", "where to write the router; an existing file is replaced")
    .option("--json", "print the result as one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action((file: string) => describeRoutes(file, command.optsWithGlobals<DescribeFlags>()));
}

async function describeRoutes(file: string, { model, output, json }: DescribeFlags): Promise<void> {
  const [{ routesTo }, { routerFile }] = await Promise.all([
    import("../../before/embedders/described-routes.js"),
    import("../../before/saved-router.js"),
  ]);
  checkTarget(output);
  const routes = await readRoutes(file);
  const stopWaiting = waitingNotice("Loading the model …");
  try {
    const { router, embedder } = await routesTo(model, routes);
    try {
      await writeWhole(output, JSON.stringify(routerFile(router, embedder)));
    } finally {
      await embedder.dispose?.();
    }
    stopWaiting();
    const facts = { router: router.info.name, routes: routes.map(({ name }) => name), models: router.models };
    if (json) return await writeJson({ ...facts, model, output });
    await write(process.stdout, `${output}: ${facts.routes.length} routes to ${facts.models.join(", ")}\n`);
  } finally {
    stopWaiting();
  }
}

async function readRoutes(file: string): Promise<RouteToModel[]> {
  const [{ readText }, { z }, { describedRoute }, { problemOf, sentenceOf }] = await Promise.all([
    import("../../records.js"),
    import("zod"),
    import("../../before/embedders/route-probabilities.js"),
    import("../../zod-problem.js"),
  ]);
  const text = await readText(file);
  const refuse = (problem: string): never => {
    throw new LlamafuseError(
      "invalid-data",
      `${file} has no routes: ${problem}. It should be JSON: [{ "name", "description", "model" }, …].`,
      { file, found: problem },
    );
  };
  try {
    const json: unknown = JSON.parse(text);
    const schema = z.array(describedRoute.extend({ model: z.string().min(1) }));
    const result = schema.safeParse(json);
    if (result.success) return result.data;
    return refuse(sentenceOf(problemOf(result.error, json, { schema })));
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(`not JSON (${error.message})`);
    throw error;
  }
}
