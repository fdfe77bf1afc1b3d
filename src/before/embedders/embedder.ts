/** The embedder contract: texts to vectors of one size, on which all routers are trained. */
import type { Matrix } from "../../learning/matrix.js";
import { checkArgument } from "../../read-options.js";

/** What tells embedders apart: two with the same id give the same vectors. */
export interface EmbedderIdentity {
  /** The kind and a digest of everything that the vectors depend on: "tfidf:1f3a…", "gguf:9bc0…". */
  id: string;
  dimension: number;
}

export interface EmbedOptions {
  signal?: AbortSignal;
  /** From 0 to 1. */
  onProgress?: (fraction: number) => void;
}

export interface Embedder extends EmbedderIdentity {
  /** texts.length × dimension. Errors: aborted, and those of a model. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Matrix>;
  /** JSON from which `restoreEmbedder` makes the same embedder. */
  toJSON(): SavedEmbedder;
  dispose?(): Promise<void>;
}

export interface SavedEmbedder extends EmbedderIdentity {
  kind: string;
  state: unknown;
}

/** Error: invalid-option unless it is an embedder. */
export function checkEmbedder(value: unknown): void {
  checkArgument("The embedder", value, "an embedder, such as TfIdfEmbedder.fit(texts)", () => {
    const { id, dimension, embed } = (value ?? {}) as Partial<Embedder>;
    return typeof id === "string" && Number.isInteger(dimension) && typeof embed === "function";
  });
}
