/** `llamafuse completion`: scripts by which shells complete commands, options, methods and models. */
import type { Command } from "commander";
import { unknownName } from "../../errors.js";
import { helpText } from "../help-text.js";
import { addCommonOptions } from "../options.js";
import { write } from "../terminal.js";
import type { KnownWords } from "./places.js";

const SHELLS = ["bash", "zsh", "fish"];

const EXAMPLES = `
Examples:
  $ source <(llamafuse completion bash)                 bash, in this shell; in ~/.bashrc, in every shell
  $ source <(llamafuse completion zsh)                  zsh, after compinit
  $ llamafuse completion fish > ~/.config/fish/completions/llamafuse.fish

Completes commands, options, methods, routers, files and the models of "llamafuse models". Write the script again after
an update.`;

export function registerCompletion(program: Command): void {
  const command = program
    .command("completion")
    .summary("print a script that completes commands in your shell")
    .description("Print a shell script that completes llamafuse's commands, options, methods and models.")
    .argument("<SHELL>", SHELLS.join(", "));
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (shell: string) => write(process.stdout, await scriptFor(shell, program)));
}

async function scriptFor(shell: string, program: Command): Promise<string> {
  if (!SHELLS.includes(shell)) throw unknownName("shell", shell, SHELLS);
  const { placesOf } = await import("./places.js");
  const places = placesOf(program, await knownWords(program));
  if (shell === "bash") return (await import("./bash.js")).bashScript(places);
  if (shell === "zsh") return (await import("./zsh.js")).zshScript(places);
  return (await import("./fish.js")).fishScript(places);
}

async function knownWords(program: Command): Promise<KnownWords> {
  const [
    { methodInfos },
    { selectionInfos },
    { regenerationInfos },
    { routerInfos },
    { cascadeInfos },
    { METRIC_NAMES },
    { SCHEDULE_CHOICES },
    { LEARNED },
    { benchInfos },
    llama,
  ] = await Promise.all([
    import("../../during/methods.js"),
    import("../../after/select/registry.js"),
    import("../../after/regenerate/registry.js"),
    import("../../before/registry.js"),
    import("../../after/cascade/registry.js"),
    import("../../evaluation/metrics/metrics.js"),
    import("../../ensemble/plan.js"),
    import("../../during/token/switch/learned.js"),
    import("../../../bench/benches.js"),
    import("../../llama/parameters.js"),
  ]);
  const methods = [...methodInfos, ...selectionInfos, ...regenerationInfos].map(({ name }) => name);
  const routers = routerInfos.map(({ name }) => name);
  const cascades = cascadeInfos.map(({ name }) => name);
  const words: Record<string, readonly string[]> = {
    "--method": [...methods, ...routers, ...cascades],
    "--router": routers,
    "--cascade": cascades,
    "--metric": METRIC_NAMES,
    "--schedule": SCHEDULE_CHOICES,
    "--gpu": ["auto", "cuda", "vulkan", "metal", "false"],
    "--gpu-layers": ["max"],
    "--device": ["cpu"],
    "--flash-attention": ["on", "off", "auto"],
    "--cache-type": Object.keys(llama.CACHE_TYPES),
    "--rope-scaling": llama.ROPE_SCALINGS,
    "--mmap": ["on", "off"],
    "--mlock": ["on", "off"],
    "methods NAME": [...methods, ...routers, ...cascades],
    "route list NAME": routers,
    "cascade list NAME": cascades,
    "bench NAME": benchInfos.map(({ name }) => name),
    "train METHOD": Object.keys(LEARNED),
    "help COMMAND": program.commands.map((command) => command.name()),
    TASK: ["native"],
    SHELL: SHELLS,
  };
  return (place, name) => words[`${place} ${name}`] ?? words[name];
}
