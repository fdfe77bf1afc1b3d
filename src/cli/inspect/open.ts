/** A file to inspect: its facts, its vocabulary and its tokenizer, whatever kind of file it is. */
import path from "node:path";
import { LlamafuseError } from "../../errors.js";
import { checkModel, type ModelFile } from "../../llama/check-model.js";
import { loadLlama } from "../../llama/library.js";
import { memoryNeeds, type NeedsOptions } from "../../llama/memory-needs.js";
import { LlamaModel } from "../../llama/model.js";
import { mostCheckpoints } from "../../member/llama/checkpoints.js";
import { readTokenizerJson } from "../../vocabulary/tokenizer-json.js";
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import type { PromptReader } from "./prompts.js";

/** What one file says about itself. A fact that it does not hold is absent. */
export interface InspectedFacts {
  file: string;
  kind: "model" | "vocabulary" | "tokenizer.json";
  fileBytes?: number;
  architecture?: string;
  parameters?: number;
  quantization?: string;
  layers?: number;
  embeddingLength?: number;
  contextLength?: number;
  /** What the tokenizer is, as the file names it: "llama (SentencePiece)", "gpt2 (byte-level BPE), qwen2". */
  tokenizer: string;
  /** Vocabulary size, special and unused tokens included. */
  tokens: number;
  bosText?: string;
  eosText?: string;
  /** Every token that ends a generation, as llama.cpp knows them. */
  endTexts?: string[];
  chatTemplate?: boolean;
  /** Bytes that a member of it needs; absent for what cannot be one. */
  memory?: InspectedMemory;
}

export interface InspectedMemory {
  weights: number;
  /** The key-value cache of `contextSize` tokens. */
  cache: number;
  contextSize: number;
  /** Of a recurrent model: bytes of a saved state that it can go back to, and how many a member keeps at most. */
  checkpoints?: { bytes: number; most: number };
}

export interface Inspected {
  facts: InspectedFacts;
  vocabulary: Vocabulary;
  /** Token ids of a text, without special tokens. */
  encode(text: string): Iterable<number>;
  /** How it reads prompts; absent for a tokenizer alone. */
  reader?: Pick<PromptReader, "facts" | "encode">;
}

export async function openForInspection(
  file: string,
  logs: "silent" | "stderr",
  options: NeedsOptions = {},
): Promise<Inspected> {
  return file.toLowerCase().endsWith(".json") ? openTokenizerJson(file) : await openGguf(file, logs, options);
}

function openTokenizerJson(file: string): Inspected {
  const { vocabulary, encode, spelling } = readTokenizerJson(file);
  const facts: InspectedFacts = { file, kind: "tokenizer.json", tokenizer: spelling, tokens: vocabulary.size };
  return { facts, vocabulary, encode };
}

async function openGguf(file: string, logs: "silent" | "stderr", options: NeedsOptions): Promise<Inspected> {
  const checked = await checkModel(file, { vocabularyOnly: true });
  const full = checked.gguf.tensors.length > 0 ? await checkedFully(checked) : undefined;
  const model = LlamaModel.load(loadLlama({ logs }), checked.path, { vocabularyOnly: true });
  const { tokenizer } = model;
  const { vocabulary } = tokenizer;
  const textOrNone = (id: number) => (id < 0 ? undefined : tokenizer.textOf(id));
  const facts: InspectedFacts = {
    file: checked.path,
    kind: full === undefined ? "vocabulary" : "model",
    fileBytes: checked.bytes,
    architecture: checked.architecture,
    parameters: checked.parameters || undefined,
    quantization: full?.quantization,
    layers: checked.layers || undefined,
    embeddingLength: checked.embeddingLength || undefined,
    contextLength: checked.contextLength || undefined,
    tokenizer: tokenizerName(checked),
    tokens: vocabulary.size,
    bosText: textOrNone(checked.tokenizer.bos),
    eosText: textOrNone(checked.tokenizer.eos),
    endTexts: vocabulary.endTokens.map((id) => tokenizer.textOf(id)),
    chatTemplate: checked.chatTemplate !== undefined,
    memory: full && memoryOf(full.path, vocabulary.size, options),
  };
  return {
    facts,
    vocabulary,
    encode: (text) => tokenizer.encode(Buffer.from(text), { parseSpecial: false, addBos: false }),
    reader: {
      facts: {
        trainedContext: model.trainedContext,
        embeddingLength: model.embeddingLength,
        chatTemplate: checked.chatTemplate,
        bosText: tokenizer.bosText,
        eosText: tokenizer.eosText,
      },
      encode: (prompt) => tokenizer.encode(prompt.text, prompt),
    },
  };
}

function memoryOf(file: string, tokens: number, options: NeedsOptions): InspectedMemory {
  const { weights, cache, contextSize, state } = memoryNeeds(file, options);
  // With the logits of each.
  const bytes = state + 4 * tokens;
  return { weights, cache, contextSize, ...(state > 0 && { checkpoints: { bytes, most: mostCheckpoints(bytes) } }) };
}

/** A model that cannot write text (an embedding model) still has a vocabulary; a damaged one is an error. */
async function checkedFully({ path: file }: ModelFile): Promise<ModelFile | undefined> {
  try {
    return await checkModel(file);
  } catch (error) {
    if (error instanceof LlamafuseError && error.code === "unsupported-model") return undefined;
    throw error;
  }
}

function tokenizerName({ tokenizer: { model, kind, pre } }: ModelFile): string {
  const family = { spm: "SentencePiece", bpe: "byte-level BPE", other: undefined }[kind];
  return `${model}${family === undefined ? "" : ` (${family})`}${pre === undefined ? "" : `, ${pre}`}`;
}

/** File names without their ending, numbered where equal; a tokenizer.json is named after its folder. */
export function uniqueNames(files: readonly string[]): string[] {
  const taken = new Set<string>();
  return files.map((file) => {
    const own = path.basename(file).replace(/\.(gguf|json)$/i, "");
    const base = own === "tokenizer" ? path.basename(path.dirname(path.resolve(file))) || own : own;
    let name = base;
    for (let copy = 2; taken.has(name); copy++) name = `${base}-${copy}`;
    taken.add(name);
    return name;
  });
}
