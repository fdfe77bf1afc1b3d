/**
 * Embeddings by a GGUF model through llama.cpp: an embedding model pools as its metadata says and gets the prefix of its
 * card; any other model gives the mean of its last layer's states. Vectors have length 1, in single precision.
 */
import { createHash } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { contentHash } from "../../content-identity.js";
import { LlamafuseError } from "../../errors.js";
import { type Matrix, makeMatrix, rowOf, unitVector } from "../../learning/matrix.js";
import { checkModel, type ModelFile } from "../../llama/check-model.js";
import { EmbeddingContext, POOLINGS, type Pooling } from "../../llama/embedding-context.js";
import type { Gpu } from "../../llama/find-library.js";
import { type Llama, loadLlama } from "../../llama/library.js";
import { LlamaModel } from "../../llama/model.js";
import { resolveModel } from "../../member/resolve-model.js";
import { TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

export const GGUF = "gguf";

export interface GgufEmbedderOptions {
  /** Put before every text. Default: what the model's card asks of queries, where its name is known; else nothing. */
  prefix?: string;
  /** Default: as the file's metadata says; "mean" where it says nothing. */
  pooling?: Pooling;
  /** Default: the cores of the machine. */
  threads?: number;
  gpu?: Gpu;
  logs?: "silent" | "stderr";
}

const state = z.strictObject({ model: z.string(), prefix: z.string(), pooling: z.enum(["mean", "cls", "last"]) });

/** Prefixes for queries, by what a model's name begins with or contains; from the models' cards. */
const PREFIXES: readonly [name: RegExp, prefix: string][] = [
  [/nomic-embed-text/i, "search_query: "],
  [/(^|[-_ /])(multilingual-)?e5-/i, "query: "],
  [/bge-(small|base|large)-en/i, "Represent this sentence for searching relevant passages: "],
  [/mxbai-embed/i, "Represent this sentence for searching relevant passages: "],
  [/snowflake-arctic-embed|arctic-embed/i, "Represent this sentence for searching relevant passages: "],
  [/embeddinggemma/i, "task: search result | query: "],
];

export class GgufEmbedder implements Embedder {
  readonly id: string;
  readonly dimension: number;
  #disposed = false;

  private constructor(
    private readonly context: EmbeddingContext,
    private readonly source: z.infer<typeof state>,
    digest: string,
  ) {
    this.dimension = context.model.embeddingLength;
    const settings = JSON.stringify([digest, source.prefix, source.pooling, context.maxTokens]);
    this.id = `${GGUF}:${createHash("sha256").update(settings).digest("hex").slice(0, 16)}`;
  }

  /**
   * Load a model: a path, or an `hf:` or `https:` URI. Errors: file-unreadable, invalid-model, unsupported-model,
   * out-of-memory.
   *
   * ```ts
   * const embedder = await GgufEmbedder.open("nomic-embed-text-v1.5.Q8_0.gguf");
   * const vectors = await embedder.embed(["What is a young deer?"]);
   * ```
   */
  static async open(model: string, options: GgufEmbedderOptions = {}): Promise<GgufEmbedder> {
    const facts = await checkModel(await resolveModel(model), { embedding: true });
    const digest = await contentHash(facts.parts);
    const llama = loadLlama({ gpu: options.gpu, logs: options.logs });
    const load = () => GgufEmbedder.#load(llama, model, facts, digest, options);
    return llama.loadTurns === undefined ? load() : await llama.loadTurns.holdLater(load);
  }

  static #load(llama: Llama, model: string, facts: ModelFile, digest: string, options: GgufEmbedderOptions) {
    const loaded = LlamaModel.load(llama, facts.path);
    try {
      const name = facts.name ?? path.basename(facts.path);
      const prefix = options.prefix ?? prefixOf(name);
      const pooling = options.pooling ?? poolingOf(loaded.metadata(`${facts.architecture}.pooling_type`), facts.path);
      const context = new EmbeddingContext(loaded, { pooling, threads: options.threads ?? os.availableParallelism() });
      return new GgufEmbedder(context, { model, prefix, pooling }, digest);
    } catch (error) {
      loaded.free();
      throw error;
    }
  }

  /** A text that is longer than the model's context is cut at its end. Between texts the event loop gets its turn. */
  async embed(texts: readonly string[], { signal, onProgress }: EmbedOptions = {}): Promise<Matrix> {
    const { context } = this;
    const { tokenizer } = context.model;
    const embeddings = makeMatrix(texts.length, this.dimension);
    for (const [row, text] of texts.entries()) {
      await setImmediate();
      if (signal?.aborted) throw new LlamafuseError("aborted", "Embedding was stopped.");
      if (this.#disposed) throw new LlamafuseError("disposed", "This embedder has been disposed.");
      const tokens = cut(
        tokenizer.encodeWhole(Buffer.from(this.source.prefix + text)),
        context.maxTokens,
        tokenizer.vocabulary,
      );
      // A model without a token for the beginning has none for an empty text.
      if (tokens.length > 0) rowOf(embeddings, row).set(Float32Array.from(unitVector(context.embed(tokens))));
      onProgress?.((row + 1) / texts.length);
    }
    return embeddings;
  }

  toJSON(): SavedEmbedder {
    return { kind: GGUF, id: this.id, dimension: this.dimension, state: this.source };
  }

  static async restore(saved: unknown): Promise<GgufEmbedder> {
    const { model, prefix, pooling } = state.parse(saved);
    return await GgufEmbedder.open(model, { prefix, pooling });
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.context.free();
    this.context.model.free();
  }
}

/** The first tokens; a special one that ends a text, where the tokenizer puts one, stays at the end. */
function cut(tokens: Int32Array, most: number, vocabulary: Vocabulary): Int32Array {
  if (tokens.length <= most) return tokens;
  const kept = tokens.slice(0, most);
  const last = tokens[tokens.length - 1];
  if (vocabulary.classOf(last) !== TokenClass.text) kept[most - 1] = last;
  return kept;
}

export function prefixOf(name: string): string {
  return PREFIXES.find(([pattern]) => pattern.test(name))?.[1] ?? "";
}

/** The pooling of a metadata value; a model that scores pairs (rank) makes no vectors. */
function poolingOf(value: string | undefined, file: string): Pooling {
  const pooling = POOLINGS[Number(value ?? 0)] ?? "none";
  if (pooling === "rank") {
    throw new LlamafuseError(
      "unsupported-model",
      `${file} ranks pairs of texts and makes no vectors. Use an embedding model.`,
      {
        file,
        found: pooling,
      },
    );
  }
  return pooling === "none" ? "mean" : pooling;
}
