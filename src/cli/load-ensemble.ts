/** Loading with progress bars, and with an end when a signal comes. */

import type { CascadedEnsemble } from "../after/cascade/live/cascaded-ensemble.js";
import type { RegeneratedEnsemble } from "../after/regenerate/regenerated-ensemble.js";
import type { SelectedEnsemble } from "../after/select/selected-ensemble.js";
import type { RoutedEnsemble } from "../before/live/routed-ensemble.js";
import type { Ensemble } from "../ensemble/ensemble.js";
import type { LoadOptions } from "../ensemble/load-options.js";
import type { Members } from "../ensemble/members.js";
import type { EnsembleOptions } from "../systems.js";
import type { Interrupts } from "./interrupts.js";
import { LoadBars } from "./progress.js";
import { say } from "./terminal.js";

/** What `--method` names: a fusion method, selection, regeneration, router or cascade, with its members. */
export type Answering = Ensemble | RoutedEnsemble | SelectedEnsemble | RegeneratedEnsemble | CascadedEnsemble;

export const loadAnswering: (options: EnsembleOptions, interrupts: Interrupts) => Promise<Answering | undefined> =
  loadEnsemble;

/** The ensemble, or undefined if a signal stopped the loading; `interrupts.exitCode` then says which. */
export async function loadEnsemble(options: EnsembleOptions, interrupts: Interrupts): Promise<Ensemble | undefined> {
  const { createEnsemble } = await import("../systems.js");
  return await whileLoading(options, interrupts, (given: EnsembleOptions) => createEnsemble(given));
}

/** Members, and whoever answers with them first: other methods can stand over the same members later. */
export interface Company {
  /** Undefined where a router or cascade loads members as it asks them. */
  members: Members | undefined;
  answering: Answering;
  dispose(): Promise<void>;
}

/** The same with the members kept apart from the method. */
export async function loadCompany(options: EnsembleOptions, interrupts: Interrupts): Promise<Company | undefined> {
  const { method, onMemberFailure, ...load } = options;
  const [{ routerInfos }, { cascadeInfos }] = await Promise.all([
    import("../before/registry.js"),
    import("../after/cascade/registry.js"),
  ]);
  const name = typeof method === "object" ? ("name" in method ? method.name : method.method.info.name) : method;
  if ([...routerInfos, ...cascadeInfos].some((info) => info.name === name)) {
    const answering = await loadAnswering(options, interrupts);
    return answering && { members: undefined, answering, dispose: () => answering.dispose() };
  }
  const [{ checkSystem, createEnsemble }, { loadMembers }] = await Promise.all([
    import("../systems.js"),
    import("../ensemble/members.js"),
  ]);
  if (typeof method === "object") await checkSystem(method);
  return await whileLoading(load, interrupts, async ({ onProgress, signal, ...given }) => {
    const members = await loadMembers({ ...given, onProgress, signal });
    try {
      const answering = await createEnsemble({ members, method, onMemberFailure, onProgress, signal });
      return { members, answering, dispose: () => members.dispose() };
    } catch (error) {
      await members.dispose();
      throw error;
    }
  });
}

async function whileLoading<Options extends LoadOptions, Result>(
  options: Options,
  interrupts: Interrupts,
  load: (options: Options) => Promise<Result>,
): Promise<Result | undefined> {
  const bars = new LoadBars(options.members.length);
  let isLoading = true;
  // A router loads members later, too, when other things stand on the screen.
  const onProgress: LoadOptions["onProgress"] = (progress) => isLoading && bars.update(progress);
  try {
    return await load({ ...options, onProgress, signal: interrupts.signal });
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    bars.stop();
    say("llamafuse: Stopped while loading.");
    return undefined;
  } finally {
    isLoading = false;
    bars.stop();
  }
}
