/** Another method, router or cascade over the members that are loaded. */
import type { Members } from "../../ensemble/members.js";
import { LlamafuseError } from "../../errors.js";
import type { Answering } from "../load-ensemble.js";
import { readMethod } from "../method-words.js";
import { StepBar } from "../progress.js";

/** `word`: NAME or NAME:OPTION=VALUE,… Errors: those of `createEnsemble`; invalid-option where a router or cascade loads the members. */
export async function withMethod(members: Members | undefined, word: string): Promise<Answering> {
  if (members === undefined) {
    const message = `This conversation uses a router or a cascade, which loads members as it asks them. To fuse members, start "llamafuse chat" again with --method.`;
    throw new LlamafuseError("invalid-option", message, { found: word, option: "/method" });
  }
  const { createEnsemble } = await import("../../systems.js");
  const method = readMethod(word);
  const bar = new StepBar("Building");
  try {
    const onProgress = ({ fraction }: { fraction: number }) => bar.update(Math.round(100 * fraction), 100, method.name);
    return await createEnsemble({ members, method, onProgress });
  } finally {
    bar.stop();
  }
}

/** What the members are: `fused`, `routed`, `selected` or `asked in turn`. */
export function manner(answering: Answering): string {
  if ("router" in answering) return "routed";
  if ("cascade" in answering) return "asked in turn";
  return "plan" in answering ? "fused" : "selected";
}
