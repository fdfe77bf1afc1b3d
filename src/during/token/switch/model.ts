/** The judge contract: reads the leader of a switch at every step and says whether the other member is to speak. */
import type { Member, Preparation } from "../../../member/member.js";

export interface Judge {
  /** What it reads of the leader's output beside the logits. */
  readonly needs: Partial<Pick<Preparation, "top" | "hidden">>;
  /** Called once, before the members begin. Error: incompatible-members where it was made for other models. */
  begin?(leader: Member, other: Member): void;
  /** A score of the leader's present output, which is up to date. What it means is the method's business. */
  score(leader: Member): number;
  /** Bytes were chosen; none for the end. */
  heard?(bytes: Uint8Array): void;
}

/**
 * A trained judge from its file. What reads it is loaded with it, since most runs need neither. Errors: file-unreadable,
 * invalid-data.
 */
export async function loadJudge(file: string, method: "cds" | "citer"): Promise<Judge> {
  const { readJudge } = await import("./saved-model.js");
  return readJudge(file, method);
}

/** Whether an option's value is a judge of the caller's own. */
export function isJudge(value: unknown): value is Judge {
  const judge = value as Partial<Judge> | null;
  return typeof judge === "object" && judge !== null && typeof judge.score === "function" && judge.needs !== undefined;
}
