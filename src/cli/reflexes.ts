/** Options that hands know from llama.cpp, Ollama and other programs, and what they are called here. */
import { type Command, CommanderError } from "commander";
import { LlamafuseError } from "../errors.js";

/** Ours, and what others call it. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "--temperature": "--temp",
  "--context-size": "-c --ctx-size --n-ctx --num-ctx --max-model-len",
  "--gpu-layers": "-ngl --n-gpu-layers --num-gpu",
  "--max-tokens": "--n-predict --predict --num-predict --max-new-tokens --max-completion-tokens",
  "--member": "--model --models -mu --model-url",
  "--member hf:USER/REPO": "-hf -hfr --hf-repo --hf",
  "--repetition-penalty": "--repeat-penalty",
  "--repetition-window": "--repeat-last-n",
  "--typical-p": "--typical",
  "--top-n-sigma": "--top-nsigma",
  "--dynamic-temperature-range": "--dynatemp-range",
  "--dynamic-temperature-exponent": "--dynatemp-exp",
  "--dry-window": "--dry-penalty-last-n",
  "--dry-breakers": "--dry-sequence-breaker",
  "--mirostat-tau": "--mirostat-ent",
  "--mirostat-eta": "--mirostat-lr",
  "--system": "-sys --system-prompt",
  "--stop": "-r --reverse-prompt",
  "--chat": "-cnv --conversation",
  "--device": "-dev",
  "--main-gpu": "-mg",
  "--tensor-split": "-ts --split-mode",
  "--flash-attention": "-fa --flash-attn",
  "--cache-type": "-ctk -ctv --cache-type-k --cache-type-v",
  "--lora": "--lora-scaled",
  "--rope-scaling": "--rope-scale --rope-freq-scale --yarn-orig-ctx",
  "--mmap": "--no-mmap",
  "--json": "--format",
  PROMPT: "-p --prompt",
};

const OURS = new Map(
  Object.entries(OTHER_NAMES).flatMap(([ours, others]) => others.split(" ").map((name) => [name, ours])),
);

/**
 * Short options of several letters: commander would read `-ngl 99` as `-n gl`, and `-hf` as a question for help.
 * Errors: invalid-option.
 */
export function refuseForeignOptions(words: readonly string[], program: Command): void {
  const { command, flags } = readWords(words, program);
  for (const flag of flags) {
    if (/^-\w{2,}$/.test(flag) && OURS.has(flag)) throw unknownOption(flag, command);
  }
}

/** Commander's error, or a better one where it is about an option that has another name here. */
export function explained(error: unknown, words: readonly string[], program: Command): unknown {
  if (!(error instanceof CommanderError) || error.code !== "commander.unknownOption") return error;
  const [, flag] = /unknown option '([^']+)'/.exec(error.message) ?? [];
  if (flag === undefined) return error;
  const { command } = readWords(words, program);
  return nameHere(flag, command) === undefined ? error : unknownOption(flag, command);
}

function unknownOption(flag: string, command: Command): LlamafuseError {
  const ours = nameHere(flag, command);
  const cure =
    ours === "PROMPT" ? `Give the prompt as the last word: llamafuse ${command.name()} … "Once"` : `Use ${ours}`;
  const message = `Unknown option '${flag}'. ${ours === undefined ? `"llamafuse ${command.name()} --help" lists the options` : cure}.`;
  return new LlamafuseError("invalid-option", message, { found: flag, nearest: ours });
}

/** What the option is called here; undefined where the command has nothing of the kind. */
function nameHere(flag: string, command: Command): string | undefined {
  const [name] = flag.split("=");
  const dashes = name.replaceAll("_", "-");
  const ours = OURS.get(dashes) ?? (dashes === name ? undefined : dashes);
  if (ours === "PROMPT") return takesPrompt(command) ? ours : undefined;
  return ours !== undefined && optionsOf(command).has(ours.split(" ")[0]) ? ours : undefined;
}

function takesPrompt(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.name() === "PROMPT");
}

/** Every flag of the command, and whether a value follows it. */
function optionsOf(command: Command): Map<string, boolean> {
  const pairs = command.options.flatMap(({ short, long, required }) =>
    [short, long].flatMap((flag) => (flag === undefined ? [] : [[flag, required] as const])),
  );
  return new Map(pairs);
}

/** The command that the words name, and the options among them that are no values of others. */
function readWords(words: readonly string[], program: Command): { command: Command; flags: string[] } {
  let command = program;
  const flags: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word.startsWith("-")) {
      flags.push(word);
      if (optionsOf(command).get(word)) at++;
    } else {
      command = command.commands.find((each) => each.name() === word) ?? command;
    }
  }
  return { command, flags };
}
