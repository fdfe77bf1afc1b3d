/** What a GGUF model in a worker thread offers: everything; recurrent models read a little more again to go back. */
import { LlamafuseError } from "../../errors.js";
import { type EmbeddingLayer, ggufEmbeddings } from "../embeddings.js";
import { type GoingBack, MAX_TOP, type MemberOffers } from "../offers.js";

/** LLAMA_MAX_SEQ: llama.cpp's own limit on the sequences of a context. */
const MOST_SEQUENCES = 256;
const LAYERS: readonly EmbeddingLayer[] = ["input", "output"];

/** Reads the file's embeddings only when a caller asks for them. */
export function llamaOffers(file: string, tokens: number, goingBack: GoingBack): MemberOffers {
  let embeddings: readonly EmbeddingLayer[] | undefined;
  return {
    logits: true,
    topDepth: Math.min(MAX_TOP, tokens),
    lookup: "all",
    promptScores: true,
    hiddenStates: true,
    branches: MOST_SEQUENCES,
    verify: true,
    goingBack,
    get embeddings() {
      return (embeddings ??= LAYERS.filter((layer) => hasEmbeddings(file, layer, tokens)));
    },
  };
}

function hasEmbeddings(file: string, layer: EmbeddingLayer, tokens: number): boolean {
  try {
    ggufEmbeddings(file, layer, tokens);
    return true;
  } catch (error) {
    if (error instanceof LlamafuseError && error.code === "unsupported-model") return false;
    throw error;
  }
}
