/** A GGUF model in the thread that runs it, and the texts that it holds side by side. */
import type { Kernels } from "../../kernels/kernels.js";
import { type ContextOptions, LlamaContext } from "../../llama/context.js";
import type { Llama } from "../../llama/library.js";
import { explainedContext } from "../../llama/load-errors.js";
import { LlamaModel } from "../../llama/model.js";
import { SharedContext } from "../../llama/shared-context.js";
import { type EngineOptions, LlamaEngine } from "./engine.js";
import { READ_AT_ONCE } from "./token-cache.js";

/** The engines of one model: as many as it holds texts side by side, all in one context. */
export class LlamaEngines {
  readonly all: readonly LlamaEngine[];
  /** Where there are several. */
  readonly shared: SharedContext | undefined;

  /** `mayContinue`: of each text. Models that cannot take tokens back hold one text. Errors: those of loading. */
  constructor(
    llama: Llama,
    kernels: Kernels,
    options: EngineOptions,
    mayContinue: readonly (() => boolean)[] = [options.mayContinue],
  ) {
    const model = LlamaModel.load(llama, options.file, options);
    let context: LlamaContext | SharedContext | undefined;
    try {
      const slots = model.canRollBack ? mayContinue.length : 1;
      const given: ContextOptions = { ...options, outputs: READ_AT_ONCE };
      if (slots === 1) {
        const alone = (context = new LlamaContext(model, given));
        this.all = [new LlamaEngine(model, kernels, options, alone)];
      } else {
        const shared = (context = this.shared = new SharedContext(model, { ...given, sequences: slots }));
        this.all = shared.sequences.map(
          (sequence, slot) => new LlamaEngine(model, kernels, { ...options, mayContinue: mayContinue[slot] }, sequence),
        );
      }
    } catch (error) {
      if (context instanceof SharedContext) context.context.free();
      else context?.free();
      model.free();
      throw explainedContext(error, llama, options.file, options);
    }
  }

  get first(): LlamaEngine {
    return this.all[0];
  }

  /** Nobody holds a text any more. */
  clear(): void {
    for (const engine of this.all) engine.forget();
    this.shared?.clear();
  }

  /**
   * Have a text begin with what is most of it in another's cells, where that is more than its own cells have; nothing is
   * computed for it.
   */
  shareBeginning(engine: LlamaEngine): void {
    let [most, source]: [number, LlamaEngine | undefined] = [engine.common(engine), undefined];
    for (const other of this.all) {
      const common = other === engine ? 0 : engine.common(other);
      if (common > most) [most, source] = [common, other];
    }
    if (source !== undefined) engine.copyBeginning(source, most);
  }

  free(): void {
    for (const engine of this.all) engine.freeBranches();
    if (this.shared === undefined) this.first.freeContext();
    else this.shared.context.free();
    this.first.model.free();
  }
}
