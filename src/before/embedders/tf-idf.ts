/**
 * The offline embedder: hashed TF-IDF, projected to few dimensions by latent semantic analysis, both fitted on the
 * training queries alone. Needs no model, repeats exactly, and is the default.
 *
 *     e(x) = Vᵀ tfidf(x), scaled to length 1; zeros for a text without any known term
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { LlamafuseError } from "../../errors.js";
import { finish } from "../../learning/finish.js";
import { dot, type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { type PackedNumbers, pack, packedNumbers, unpack } from "../../learning/packed-numbers.js";
import { savedTfIdf, TfIdf, type TfIdfOptions } from "../../learning/tf-idf.js";
import { project, svdSteps } from "../../learning/truncated-svd.js";
import { checkTexts, checkWatching, readPlain, refuse } from "../../read-options.js";
import { inSteps, pauseFit } from "../fitting/fit-steps.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

export const TF_IDF = "tfidf";

/** Texts that are embedded between pauses. */
const ROWS_A_STEP = 256;

export interface TfIdfEmbedderOptions extends Pick<TfIdfOptions, "features" | "leastTexts"> {
  /** Dimensions at most; fewer where the texts span fewer. Default 128. */
  dimension?: number;
  /** Of the range finder. Default 1. */
  seed?: number;
}

const state = z.strictObject({ tfIdf: savedTfIdf, vectors: packedNumbers });

export class TfIdfEmbedder implements Embedder {
  readonly id: string;

  private constructor(
    private readonly tfIdf: TfIdf,
    /** features × dimension, in single precision. */
    private readonly vectors: Matrix,
  ) {
    this.id = `${TF_IDF}:${createHash("sha256").update(JSON.stringify(this.#state())).digest("hex").slice(0, 16)}`;
  }

  static fit(texts: readonly string[], options: TfIdfEmbedderOptions = {}): TfIdfEmbedder {
    return finish(TfIdfEmbedder.#steps(texts, options));
  }

  /** The same in parts, between which the thread's other work runs. Errors: also aborted. */
  static fitInSteps(
    texts: readonly string[],
    { signal, ...options }: TfIdfEmbedderOptions & { signal?: AbortSignal } = {},
  ): Promise<TfIdfEmbedder> {
    return inSteps(TfIdfEmbedder.#steps(texts, options), signal);
  }

  static *#steps(texts: readonly string[], options: TfIdfEmbedderOptions): Generator<void, TfIdfEmbedder> {
    checkTexts("The texts to fit on", texts);
    const { dimension = 128, seed = 1, features, leastTexts } = readPlain("The options of an embedder", options);
    for (const [name, value] of Object.entries({ dimension, features, leastTexts }))
      if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) refuse(name, value, "an integer >= 1");
    checkSamplerOptions({ seed });
    yield;
    const shared = TfIdf.fit(texts, options);
    // Few and very different texts: what they have of their own is all there is to go by.
    const tfIdf = shared.size > 0 ? shared : TfIdf.fit(texts, { ...options, leastTexts: 1 });
    yield;
    const rows = texts.map((text) => tfIdf.transform(text));
    yield;
    const vectors = yield* svdSteps(rows, tfIdf.size, dimension, seed);
    if (vectors.shape[1] === 0) {
      throw new LlamafuseError(
        "invalid-data",
        `The ${texts.length} queries have no words, so nothing can be learned from their words. Check the table, or use an embedding model.`,
        { found: texts.length },
      );
    }
    return new TfIdfEmbedder(tfIdf, rounded(vectors));
  }

  get dimension(): number {
    return this.vectors.shape[1];
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Matrix> {
    checkTexts("The texts to embed", texts);
    const { onProgress, signal } = readPlain("The options of embed", options);
    checkWatching(options);
    const embeddings = makeMatrix(texts.length, this.dimension);
    for (const [row, text] of texts.entries()) {
      if (row % ROWS_A_STEP === 0) await pauseFit({ signal }, 0);
      const vector = project(this.vectors, this.tfIdf.transform(text));
      const length = Math.sqrt(dot(vector, vector)) || 1;
      rowOf(embeddings, row).set(vector.map((value) => value / length));
    }
    onProgress?.(1);
    return embeddings;
  }

  toJSON(): SavedEmbedder {
    return { kind: TF_IDF, id: this.id, dimension: this.dimension, state: this.#state() };
  }

  static restore(saved: unknown): TfIdfEmbedder {
    const { tfIdf, vectors } = state.parse(saved);
    const data = Float64Array.from(unpack(vectors, "float32"));
    return new TfIdfEmbedder(TfIdf.restore(tfIdf), makeMatrix(vectors.shape[0], vectors.shape[1], data));
  }

  #state(): { tfIdf: z.infer<typeof savedTfIdf>; vectors: PackedNumbers } {
    const vectors = pack(Float32Array.from(this.vectors.data), this.vectors.shape);
    return { tfIdf: this.tfIdf.toJSON(), vectors };
  }
}

/** As a file will hold it, so that a saved embedder gives the very same vectors. */
function rounded(matrix: Matrix): Matrix {
  return makeMatrix(matrix.shape[0], matrix.shape[1], Float64Array.from(Float32Array.from(matrix.data)));
}
