/**
 * Write the models that the benches measure: `npx tsx scripts/write-bench-models.ts [NAME]…` (default: those missing).
 *
 * They land in .cache/bench-models, with the real vocabularies that extract-vocabularies.ts finds. `step-*` are one
 * small layer under a real vocabulary, so that all but decoding stands out; the two large ones have the shapes of
 * SmolLM 135M and Qwen2 0.5B.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { extractVocabularies } from "./extract-vocabularies.js";
import { type BenchModelShape, writeBenchModel } from "./lib/bench-model.js";

const SMALL: BenchModelShape = { dim: 128, layers: 1, heads: 2, keyValueHeads: 1, feedForward: 256 };

const MODELS: Record<string, { vocabulary: string; shape: BenchModelShape }> = {
  "step-32k": { vocabulary: "llama-spm", shape: SMALL },
  "step-49k": { vocabulary: "starcoder", shape: SMALL },
  "step-128k": { vocabulary: "llama-bpe", shape: SMALL },
  "step-152k": { vocabulary: "qwen2", shape: SMALL },
  "step-262k": { vocabulary: "gemma-4", shape: SMALL },
  "135m-49k": {
    vocabulary: "starcoder",
    shape: { dim: 576, layers: 30, heads: 9, keyValueHeads: 3, feedForward: 1536 },
  },
  "500m-152k": {
    vocabulary: "qwen2",
    shape: { dim: 896, layers: 24, heads: 14, keyValueHeads: 2, feedForward: 4864 },
  },
};

/**
 * Remembered by every model. No word occurs twice, so that following it does not run in a circle, and most are one token
 * in every vocabulary.
 */
const TEXT = [
  "once upon some time there lived young people near small river town under high mountain every morning they",
  "would open their wooden door watch bright yellow sun light green field before going down along narrow road",
  "toward busy market where old men sell fresh bread milk apple cheese fish salt while children play happy games",
  "behind large stone house then one cold winter day heavy white snow covered everything so nobody could find any",
  "food or warm clothes until three strong brothers built great ship from fallen trees crossed wide ocean met",
  "strange king who gave them gold silver red horse black dog iron sword paper map without asking money back home",
  "again after seven long years mother father sister smiled because family was together now dancing singing music",
  "around fire all night telling stories about far lands magic birds deep caves blue ice quiet stars slow wind",
  "soft rain",
].join(" ");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: "string", default: fileURLToPath(new URL("../.cache/bench-models", import.meta.url)) },
  },
});

const unknown = positionals.find((name) => !(name in MODELS));
if (unknown !== undefined) {
  process.stderr.write(`Unknown bench model "${unknown}". Known: ${Object.keys(MODELS).join(", ")}.\n`);
  process.exit(2);
}

const vocabularies = extractVocabularies();
mkdirSync(values.output, { recursive: true });
const missing = Object.keys(MODELS).filter((name) => !existsSync(`${values.output}/${name}.gguf`));
for (const name of positionals.length > 0 ? positionals : missing) {
  const { vocabulary, shape } = MODELS[name];
  const vocabularyFile = `${vocabularies}/ggml-vocab-${vocabulary}.gguf`;
  const path = `${values.output}/${name}.gguf`;
  const started = performance.now();
  // Under another name until it is whole, so that an interrupted run leaves nothing that looks like a model. The text
  // twice: its end is to lead back to its beginning.
  const bytes = writeBenchModel(`${path}.part`, vocabularyFile, shape, ` ${TEXT} ${TEXT}`);
  renameSync(`${path}.part`, path);
  process.stderr.write(
    `${path}: ${(bytes / 2 ** 20).toFixed(1)} MiB in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  );
}
