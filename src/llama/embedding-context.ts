/** A llama.cpp context that makes one vector of a text: one sequence, pooled inside the compute graph. */

import { LlamafuseError } from "../errors.js";
import type { Batch, Pointer } from "./bindings.js";
import koffi from "./koffi.js";
import { inLoadTurn } from "./library.js";
import type { LlamaModel } from "./model.js";

/** As llama.cpp numbers LLAMA_POOLING_TYPE. */
export const POOLINGS = ["none", "mean", "cls", "last", "rank"] as const;
export type Pooling = "mean" | "cls" | "last";

/** Longer texts are cut: what an embedding model has not seen in training helps nobody. */
const MOST_TOKENS = 2048;

export class EmbeddingContext {
  /** Tokens of a text at most; further ones are left out. */
  readonly maxTokens: number;
  readonly #batch: Batch;
  readonly #memory: Pointer;
  #pointer: Pointer;

  constructor(
    readonly model: LlamaModel,
    { pooling, threads = 1 }: { pooling: Pooling; threads?: number },
  ) {
    const { functions } = model.llama;
    const params = functions.defaultContextParams();
    this.maxTokens = Math.min(MOST_TOKENS, model.trainedContext || MOST_TOKENS);
    // An encoder reads a text in one piece: llama.cpp ends the process where that does not fit the batch.
    params.n_ctx = params.n_batch = params.n_ubatch = this.maxTokens;
    params.n_seq_max = 1;
    params.n_outputs_max = params.n_outputs_max_per_seq = this.maxTokens;
    params.n_threads = params.n_threads_batch = threads;
    params.embeddings = true;
    params.pooling_type = POOLINGS.indexOf(pooling);
    params.no_perf = true;
    const pointer = inLoadTurn(model.llama, () => functions.contextInit(model.pointer, params));
    if (pointer === null) {
      throw new LlamafuseError(
        "out-of-memory",
        `llama.cpp could not make a context of ${this.maxTokens} tokens for ${model.description}: most often memory is short.`,
        { found: this.maxTokens },
      );
    }
    this.#pointer = pointer;
    this.#memory = functions.memory(pointer);
    this.#batch = functions.batchInit(this.maxTokens, 0, 1);
  }

  /** The pooled vector, as the model makes it (not normalised). Errors: invalid-logits for NaN, member-failed. */
  embed(tokens: Int32Array): Float32Array {
    if (this.#pointer === 0n) throw new LlamafuseError("disposed", "This embedding context has been freed.");
    const { functions } = this.model.llama;
    const count = Math.min(tokens.length, this.maxTokens);
    if (this.#memory) functions.memoryClear(this.#memory, false);
    const batch = this.#batch;
    new Int32Array(koffi.view(batch.token, 4 * count)).set(tokens.subarray(0, count));
    new Int32Array(koffi.view(batch.pos, 4 * count)).set(Int32Array.from({ length: count }, (_, index) => index));
    new Int32Array(koffi.view(batch.n_seq_id, 4 * count)).fill(1);
    for (const slot of new BigUint64Array(koffi.view(batch.seq_id, 8 * count))) {
      new Int32Array(koffi.view(slot, 4))[0] = 0;
    }
    new Int8Array(koffi.view(batch.logits, count)).fill(1);
    batch.n_tokens = count;
    const status = functions.decode(this.#pointer, batch);
    const address = status === 0 ? functions.pooledEmbedding(this.#pointer, 0) : null;
    if (address === null) {
      throw new LlamafuseError(
        "member-failed",
        `llama.cpp could not embed a text of ${count} tokens (status ${status}).`,
        {
          found: status,
        },
      );
    }
    const vector = Float32Array.from(new Float32Array(koffi.view(address, 4 * this.model.embeddingLength)));
    if (vector.every(Number.isFinite)) return vector;
    throw new LlamafuseError("invalid-logits", `${this.model.description} gives a vector that is not finite.`);
  }

  free(): void {
    if (this.#pointer === 0n) return;
    const { functions } = this.model.llama;
    functions.batchFree(this.#batch);
    functions.contextFree(this.#pointer);
    this.#pointer = 0n;
  }
}
