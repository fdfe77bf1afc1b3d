/** `llamafuse models`: the models of this machine. */
import type { Command } from "commander";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { colorsFor, write, writeJson } from "../terminal.js";

interface ModelsFlags {
  json?: boolean;
  names?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse models                                    every model of this machine
  $ llamafuse models qwen                               those with "qwen" in their name
  $ llamafuse models --json | jq -r '.models[].file'    their files
  $ llamafuse generate -m qwen2.5-0.5b -m llama3.2:1b "Once"   two of them as one

Looks in the Hugging Face cache (HF_HOME, HF_HUB_CACHE), Ollama's store (OLLAMA_MODELS), LM Studio, the caches of
llama.cpp (LLAMA_CACHE) and node-llama-cpp, our own downloads (LLAMAFUSE_MODELS) and the native models, nowhere
else. --member accepts these names, or a part that fits only one of them. Only the header of each file is read.`;

export function registerModels(program: Command): void {
  const command = program
    .command("models")
    .summary("list the models of this machine")
    .description("List the GGUF models that this machine has, whichever program downloaded them.")
    .argument("[PART]", "only models with this text in their name")
    .option("--names", "print only names, one per line, without reading the files")
    .option("--json", "print one JSON document: models, unusable files, and the folders searched");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (part: string | undefined, flags: ModelsFlags) => {
      const only = ({ name }: { name: string }) =>
        part === undefined || name.toLowerCase().includes(part.toLowerCase());
      if (flags.names) return write(process.stdout, await names(only));
      const { listModels } = await import("../../model-stores/list-models.js");
      const listing = await listModels({ only });
      if (flags.json) return writeJson(listing);
      const { renderListing } = await import("./render.js");
      return write(process.stdout, renderListing(listing, part, colorsFor(process.stdout)));
    });
}

async function names(only: (model: { name: string }) => boolean): Promise<string> {
  const { findModels } = await import("../../model-stores/find-models.js");
  const { models } = findModels();
  return models
    .filter(only)
    .map(({ label }) => `${label}\n`)
    .join("");
}
