/** Vectors of answers, for rules that compare meanings: hashed words, or an embedding model of the user's. */
import { z } from "zod";
import { GgufEmbedder } from "../../before/embedders/gguf.js";
import { hashedWords } from "../../learning/hashed-words.js";
import { type Matrix, matrixOf, rowOf, unitVector } from "../../learning/matrix.js";

const WORDS = "words";

export const embeddingOption = z.string().min(1).default(WORDS).meta({
  description:
    'What answers are embedded by: "words", hashed words and pairs of them, or a GGUF file (an embedding model is best).',
});

export class TextVectors {
  #model: Promise<GgufEmbedder> | undefined;

  constructor(private readonly embedder: string) {}

  /** texts × dimension. Errors: aborted, and those of the model. */
  async of(texts: readonly string[], signal: AbortSignal): Promise<Matrix> {
    if (this.embedder === WORDS) return matrixOf(texts.map(hashedWords));
    this.#model ??= GgufEmbedder.open(this.embedder);
    return await (await this.#model).embed(texts, { signal });
  }

  /** The same with rows of length 1. */
  async unit(texts: readonly string[], signal: AbortSignal): Promise<Matrix> {
    const vectors = await this.of(texts, signal);
    return matrixOf(texts.map((_, row) => unitVector(rowOf(vectors, row))));
  }

  async dispose(): Promise<void> {
    await (await this.#model?.catch(() => undefined))?.dispose();
  }
}
