/**
 * The library's messages name its own options; a person at a shell knows them as flags. All of that is translated here: the
 * library names no flag, and no command translates by itself.
 */
import type { LlamafuseError } from "../errors.js";
import { samplerFlags } from "./sampler-flags.js";

/** Option → flag. */
const FLAGS: Readonly<Record<string, string>> = {
  maxTokens: "--max-tokens",
  ...samplerFlags,
  threads: "--threads",
  resamples: "--resamples",
  folds: "--folds",
  price: "--price",
  contextSize: "--context-size",
  gpu: "--gpu",
  gpuLayers: "--gpu-layers",
  device: "--device",
  mainGpu: "--main-gpu",
  tensorSplit: "--tensor-split",
  flashAttention: "--flash-attention",
  cacheType: "--cache-type",
  loraAdapters: "--lora",
  ropeScaling: "--rope-scaling",
  isolate: "--isolate",
  topDepth: "--top-depth",
  servedModel: "--served-model",
  timeoutMs: "--timeout-ms",
  slots: "--slots",
  onMemberFailure: "--on-member-failure",
  templateVariables: "--template-var",
  thinking: "--thinking",
  healing: "--healing",
  limit: "--limit",
  lanes: "--lanes",
  metric: "--metric",
  split: "--split",
  rounds: "--rounds",
  epochs: "--epochs",
  learningRate: "--learning-rate",
  ridge: "--ridge",
  stop: "--stop",
  maxGap: "--max-gap",
  maxLengthRatio: "--max-length-ratio",
  most: "--most",
};

/** What the library's messages give as an example, and what one types. */
const EXAMPLES: readonly [ofLibrary: RegExp, atShell: string][] = [
  [/router: "([^"]+)"/, "-o router=$1"],
  [/members: \[\{ name: "([^"]+)", model: "[^"]+" \}\]/, "-m $1.gguf"],
  [/members: \["([^"]+)"\]/, "-m $1"],
  [/\{ model: "([^"]+)", loraAdapters: \["([^"]+)"\] \}/, "-m $1 --lora $2"],
  [/prices: \{ "([^"]+)": COST \}/, "--price $1=COST"],
  [/\bGgufEmbedder\.open\b/, '--embedder FILE of "llamafuse route fit"'],
  [/\bfit: true\b/, "--fit"],
  [/\bfolds: (\d+)/, "--folds $1"],
  [/\bchat: true\b/, "--chat"],
  [/\blogs: "stderr"/, "--verbose"],
];

/** Names that are no words of English stand for options wherever they are written, but for fields of files and of objects. */
const OPTION_NAMES = Object.keys(FLAGS).filter((name) => /[A-Z]/.test(name));

/** The error's message with flags in the place of options. */
export function inFlags({ message, details }: LlamafuseError): string {
  const told = EXAMPLES.reduce((text, [ofLibrary, atShell]) => text.replace(ofLibrary, atShell), message);
  const { option, method, field, ensembleFile } = details;
  // What a file says has the file's names; options of a method stand behind -o and may have a flag's name (temperature).
  if (field !== undefined || ensembleFile !== undefined || method !== undefined) return told;
  // A word of English stands for the option where the message begins with it, or first names it.
  const own = typeof option === "string" && Object.hasOwn(FLAGS, option) && !OPTION_NAMES.includes(option);
  return OPTION_NAMES.reduce((text, name) => asFlag(text, name, "g"), own ? asFlag(told, option, "") : told);
}

function asFlag(text: string, option: string, flags: "g" | ""): string {
  const value = new RegExp(`(?<![-\\w.\\["'/])${option}: "([^"]+)"`, flags);
  const name = new RegExp(`(?<![-\\w.\\["'/])${option}(?![\\w:])`, flags);
  return text.replace(value, `${FLAGS[option]} $1`).replace(name, FLAGS[option]!);
}
