/** Loading with progress bars, and with an end when a signal comes. */
import type { Ensemble, EnsembleOptions } from "../ensemble.js";
import type { Interrupts } from "./interrupts.js";
import { LoadBars } from "./progress.js";

/** The ensemble, or undefined if a signal stopped the loading; `interrupts.exitCode` then says which. */
export async function loadEnsemble(options: EnsembleOptions, interrupts: Interrupts): Promise<Ensemble | undefined> {
  const { createEnsemble } = await import("../ensemble.js");
  const bars = new LoadBars(options.members.length);
  try {
    return await createEnsemble({ ...options, onProgress: bars.update, signal: interrupts.signal });
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    bars.stop();
    process.stderr.write("llamafuse: Stopped while loading.\n");
    return undefined;
  } finally {
    bars.stop();
  }
}
