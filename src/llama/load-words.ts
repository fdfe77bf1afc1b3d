/** A process that loads what could not be loaded, so that llama.cpp's log says why on its stderr: see last-words.ts. */
import { LlamaContext } from "./context.js";
import type { Gpu } from "./find-library.js";
import type { FailedLoad } from "./last-words.js";
import { loadLlama } from "./library.js";
import { LlamaModel } from "./model.js";

const { gpu, file, model, context } = JSON.parse(process.argv[2] ?? "{}") as FailedLoad;
try {
  const loaded = LlamaModel.load(loadLlama({ gpu: gpu as Gpu, logs: "stderr" }), file, model);
  if (context !== undefined) new LlamaContext(loaded, context).free();
  loaded.free();
} catch {
  // That it fails is known; the log has said why.
}
