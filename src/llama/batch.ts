/** A llama_batch of tokens, filled through views on its memory. */
import type { Batch, LlamaFunctions } from "./bindings.js";
import koffi from "./koffi.js";

export class TokenBatch {
  readonly #batch: Batch;
  readonly #token: Int32Array;
  readonly #position: Int32Array;
  readonly #sequenceCount: Int32Array;
  /** The sequence-id slot of each entry (llama.cpp allocates one array per entry). */
  readonly #sequences: readonly Int32Array[];
  readonly #wantsLogits: Int8Array;

  constructor(
    private readonly functions: LlamaFunctions,
    size: number,
  ) {
    const batch = functions.batchInit(size, 0, 1);
    this.#batch = batch;
    this.#token = new Int32Array(koffi.view(batch.token, 4 * size));
    this.#position = new Int32Array(koffi.view(batch.pos, 4 * size));
    this.#sequenceCount = new Int32Array(koffi.view(batch.n_seq_id, 4 * size));
    this.#wantsLogits = new Int8Array(koffi.view(batch.logits, size));
    const slots = new BigUint64Array(koffi.view(batch.seq_id, 8 * size));
    this.#sequences = Array.from(slots, (address) => new Int32Array(koffi.view(address, 4)));
  }

  set(entry: number, token: number, position: number, sequence: number, wantsLogits: boolean): void {
    this.#token[entry] = token;
    this.#position[entry] = position;
    this.#sequenceCount[entry] = 1;
    this.#sequences[entry][0] = sequence;
    this.#wantsLogits[entry] = wantsLogits ? 1 : 0;
  }

  /** Its first entries, for llama.cpp. */
  ofSize(count: number): Batch {
    this.#batch.n_tokens = count;
    return this.#batch;
  }

  free(): void {
    this.functions.batchFree(this.#batch);
  }
}
