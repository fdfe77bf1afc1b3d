import type { Gpu } from "../../llama/find-library.js";
import type { LlamaParameters } from "../../llama/parameters.js";
import type { SlotGroup } from "./slot-queue.js";

export interface LlamaMemberOptions extends LlamaParameters {
  /** Path of a GGUF file that `checkModel` has passed. */
  model: string;
  /** Default: the file's name without its ending. */
  name?: string;
  threads?: number;
  /** Tokens that fit; default 4096 or what the model was trained for if that is less. */
  contextSize?: number;
  /** For its chat template, in every request. */
  templateVariables?: Readonly<Record<string, unknown>>;
  /** Tokens read in one decode. Not an option of an ensemble: tests cross the borders of batches with short prompts. */
  batchSize?: number;
  /** Run it in a process of its own. Default: in a thread of this one. */
  isolate?: boolean;
  /**
   * Texts that it holds side by side, each with a context of `contextSize`. Default 1. A model that cannot take tokens back,
   * or that runs in a process of its own, holds one whatever this says.
   */
  slots?: number;
  /** Whom it decodes with, where it has several slots. Default: nobody. */
  group?: SlotGroup;
  gpu?: Gpu;
  logs?: "silent" | "stderr";
  /** Milliseconds without progress before a member is reported as hung. Default 10 minutes. */
  timeoutMs?: number;
  /** 0 … 1 while the weights load. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}
