/** Another method over the members that are loaded. */
import type { RoutedEnsemble } from "../../before/live/routed-ensemble.js";
import { LlamafuseError } from "../../errors.js";
import type { Answering } from "../load-ensemble.js";
import { readMethod } from "../method-words.js";
import { StepBar } from "../progress.js";

/** `word`: NAME or NAME:OPTION=VALUE,… Errors: invalid-option; those of what the method builds. */
export async function withMethod(loaded: Answering, word: string): Promise<Answering> {
  if (isRouted(loaded)) {
    const message = `A router answers here, and loads the members that it chooses. To fuse them, start "llamafuse chat" again with --method.`;
    throw new LlamafuseError("invalid-option", message, { found: word, option: "/method" });
  }
  const [{ Ensemble }, { methodNamed }, { speakingOf }, { refuseRouterAlone }] = await Promise.all([
    import("../../ensemble/ensemble.js"),
    import("../../during/methods.js"),
    import("../../during/weightings/weights.js"),
    import("../../before/live/routed-method.js"),
  ]);
  const options = readMethod(word);
  await refuseRouterAlone(options.name);
  const method = methodNamed(options);
  const bar = new StepBar("Building");
  try {
    const onProgress = (fraction: number) => bar.update(Math.round(100 * fraction), 100, options.name);
    await method.build(speakingOf(loaded.voices), { onProgress });
  } finally {
    bar.stop();
  }
  return new Ensemble(loaded.voices, method, loaded.plan, loaded.combiner);
}

export function isRouted(answering: Answering): answering is RoutedEnsemble {
  return "router" in answering;
}
