/** A model's weights and vocabulary in llama.cpp. */

import { LlamafuseError } from "../errors.js";
import { type Pointer, progressCallback } from "./bindings.js";
import { chatTemplateIn } from "./chat-template.js";
import koffi from "./koffi.js";
import { inLoadTurn, type Llama } from "./library.js";
import { failedAdapter, failedLoad } from "./load-errors.js";
import { type LoadedAdapters, withModelParams } from "./model-params.js";
import { type LlamaParameters, loraAdaptersOf } from "./parameters.js";
import { LlamaTokenizer } from "./tokenizer.js";

export interface ModelOptions extends LlamaParameters {
  /** Read only the vocabulary and metadata. */
  vocabularyOnly?: boolean;
  /** Called with 0 … 1 while the weights load; return false to stop. */
  onProgress?: (fraction: number) => boolean;
  /** Asked while another thread loads on the same GPU; return false to stop waiting. */
  mayContinue?: () => boolean;
}

export class LlamaModel {
  readonly tokenizer: LlamaTokenizer;
  readonly trainedContext: number;
  readonly embeddingLength: number;
  readonly layers: number;
  readonly parameters: number;
  /** Bytes of all tensors. */
  readonly bytes: number;
  /** As llama.cpp describes it: "llama 1B Q8_0". */
  readonly description: string;
  /** Whether the key-value cache can drop its last tokens; recurrent models cannot. */
  readonly canRollBack: boolean;
  /** LoRA adapters, which contexts add to the weights; they are freed with the model. */
  adapters: LoadedAdapters = { pointers: new BigUint64Array(), scales: new Float32Array() };
  #pointer: Pointer;

  private constructor(
    readonly llama: Llama,
    pointer: Pointer,
    readonly file: string,
  ) {
    const { functions } = llama;
    this.#pointer = pointer;
    this.tokenizer = new LlamaTokenizer(
      functions,
      functions.modelVocab(pointer),
      this.metadata("tokenizer.ggml.pre") ?? this.metadata("tokenizer.ggml.model"),
    );
    this.trainedContext = functions.modelContextTrain(pointer);
    this.embeddingLength = functions.modelEmbedding(pointer);
    this.layers = functions.modelLayers(pointer);
    this.parameters = Number(functions.modelParameters(pointer));
    this.bytes = Number(functions.modelSize(pointer));
    this.canRollBack = !functions.modelIsRecurrent(pointer) && !functions.modelIsHybrid(pointer);
    const text = Buffer.alloc(256);
    this.description = text.toString("utf8", 0, functions.modelDescription(pointer, text, text.length)).trim();
  }

  /** Load a GGUF file that `checkModel` has passed. Blocks this thread. */
  static load(llama: Llama, file: string, options: ModelOptions = {}): LlamaModel {
    const { functions } = llama;
    let stopped = false;
    // The callback runs on the thread that loads, so a JavaScript function is safe here.
    const callback =
      options.onProgress === undefined
        ? null
        : koffi.register((fraction: number) => {
            stopped ||= options.onProgress?.(fraction) === false;
            return !stopped;
          }, koffi.pointer(progressCallback));
    try {
      const pointer = withModelParams(llama, options, (params) => {
        params.vocab_only = options.vocabularyOnly ?? false;
        params.progress_callback = callback as Pointer | null;
        return inLoadTurn(llama, () => functions.modelLoad(file, params), options.mayContinue);
      });
      if (stopped) {
        if (pointer !== null) functions.modelFree(pointer);
        throw new LlamafuseError("aborted", `Loading ${file} was stopped.`, { file });
      }
      if (pointer === null) throw failedLoad(llama, file, options);
      try {
        const model = new LlamaModel(llama, pointer, file);
        model.#loadAdapters(file, options);
        return model;
      } catch (error) {
        functions.modelFree(pointer);
        throw error;
      }
    } finally {
      if (callback !== null) koffi.unregister(callback as never);
    }
  }

  /** Errors: invalid-model for an adapter that llama.cpp does not take. */
  #loadAdapters(base: string, options: ModelOptions): void {
    const adapters = loraAdaptersOf(options);
    const pointers = adapters.map(({ file }) => {
      const pointer = this.llama.functions.adapterLoad(this.pointer, file);
      if (pointer === null) throw failedAdapter(this.llama, file, options, base);
      return pointer;
    });
    this.adapters = {
      pointers: BigUint64Array.from(pointers),
      scales: Float32Array.from(adapters, ({ scale }) => scale),
    };
  }

  get pointer(): Pointer {
    if (this.#pointer === 0n) throw new LlamafuseError("disposed", "This model has been freed.");
    return this.#pointer;
  }

  get chatTemplate(): string | undefined {
    return chatTemplateIn((key) => this.metadata(key));
  }

  /** A metadata value as text, or undefined. */
  metadata(key: string): string | undefined {
    const buffer = Buffer.alloc(1024);
    const length = this.llama.functions.modelMetaValue(this.pointer, key, buffer, buffer.length);
    if (length < 0) return undefined;
    if (length < buffer.length) return buffer.toString("utf8", 0, length);
    const larger = Buffer.alloc(length + 1);
    this.llama.functions.modelMetaValue(this.pointer, key, larger, larger.length);
    return larger.toString("utf8", 0, length);
  }

  free(): void {
    if (this.#pointer === 0n) return;
    const pointer = this.#pointer;
    this.#pointer = 0n;
    this.llama.functions.modelFree(pointer);
  }
}
