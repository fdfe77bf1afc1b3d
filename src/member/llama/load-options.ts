import type { Gpu } from "../../llama/find-library.js";
import type { LlamaParameters } from "../../llama/parameters.js";

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
  gpu?: Gpu;
  logs?: "silent" | "stderr";
  /** Milliseconds without progress before a member is reported as hung. Default 10 minutes. */
  timeoutMs?: number;
  /** 0 … 1 while the weights load. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}
