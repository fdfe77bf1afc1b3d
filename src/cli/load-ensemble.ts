/** Loading with progress bars, and with an end when a signal comes. */
import type { RoutedEnsemble } from "../before/live/routed-ensemble.js";
import type { Ensemble } from "../ensemble/ensemble.js";
import type { EnsembleOptions } from "../systems.js";
import type { Interrupts } from "./interrupts.js";
import { LoadBars } from "./progress.js";

/** Members that are fused, or a router with its members: what `--method` names. */
export type Answering = Ensemble | RoutedEnsemble;

export const loadAnswering: (options: EnsembleOptions, interrupts: Interrupts) => Promise<Answering | undefined> =
  loadEnsemble;

/** The ensemble, or undefined if a signal stopped the loading; `interrupts.exitCode` then says which. */
export async function loadEnsemble(options: EnsembleOptions, interrupts: Interrupts): Promise<Ensemble | undefined> {
  const { createEnsemble } = await import("../systems.js");
  const bars = new LoadBars(options.members.length);
  let isLoading = true;
  // A router loads members later, too, when other things stand on the screen.
  const onProgress: EnsembleOptions["onProgress"] = (progress) => isLoading && bars.update(progress);
  try {
    return await createEnsemble({ ...options, onProgress, signal: interrupts.signal });
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    bars.stop();
    process.stderr.write("llamafuse: Stopped while loading.\n");
    return undefined;
  } finally {
    isLoading = false;
    bars.stop();
  }
}
