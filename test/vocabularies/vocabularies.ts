/** The real vocabularies that llama.cpp tests its tokenizers with, loaded as vocabulary-only models. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { extractVocabularies, hasGit } from "../../scripts/extract-vocabularies.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";

/** Every one of a model that generates text; the others (bert-bge, nomic-bert-moe) are encoders'. */
export const VOCABULARIES = [
  "aquila",
  "baichuan",
  "command-r",
  "deepseek-coder",
  "deepseek-llm",
  "falcon",
  "gemma-4",
  "gpt-2",
  "gpt-neox",
  "llama-bpe",
  "llama-spm",
  "mpt",
  "phi-3",
  "qwen2",
  "qwen35",
  "refact",
  "starcoder",
] as const;
export type VocabularyName = (typeof VOCABULARIES)[number];

/** Those without conformance vectors. */
export const WITHOUT_VECTORS: readonly string[] = ["aquila", "baichuan", "gpt-neox"];

/** Multiplies the sizes of random samples. */
export const THOROUGHNESS = process.env.LLAMAFUSE_THOROUGH === "1" ? 20 : 1;

/** The folder with the vocabularies, or undefined where they cannot be had. */
export const folder = hasGit() ? extractVocabularies() : undefined;
if (folder === undefined) console.log("Skipped: the tests with llama.cpp's vocabularies need git to extract them.");

export function loadVocabulary(name: VocabularyName): LlamaModel {
  return LlamaModel.load(loadLlama({ gpu: false }), fileOf(name), { vocabularyOnly: true });
}

/** llama.cpp's own vectors: texts and the ids that they are to become. */
export function vectorsOf(name: VocabularyName): { text: string; ids: number[] }[] {
  const texts = readFileSync(`${fileOf(name)}.inp`, "utf8").split("\n__ggml_vocab_test__\n");
  const lines = readFileSync(`${fileOf(name)}.out`, "utf8").split("\n");
  return texts.map((text, index) => ({ text, ids: lines[index].split(" ").filter(Boolean).map(Number) }));
}

function fileOf(name: VocabularyName): string {
  return path.join(folder!, `ggml-vocab-${name}.gguf`);
}
