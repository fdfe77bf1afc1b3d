/** What drives a switch: it reads the leader at every step and gives the score by which the other member speaks or not. */
import type { Member, Preparation } from "../../../member/member.js";

export interface SwitchingModel {
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
 * A trained switching model from its file. What reads it is loaded with it, since most runs need neither. Errors:
 * file-unreadable, invalid-data.
 */
export async function loadSwitchingModel(file: string, method: "cds" | "citer"): Promise<SwitchingModel> {
  const { readSwitchingModel } = await import("./saved-model.js");
  return readSwitchingModel(file, method);
}

/** Whether an option's value is a switching model of the caller's own. */
export function isSwitchingModel(value: unknown): value is SwitchingModel {
  const model = value as Partial<SwitchingModel> | null;
  return typeof model === "object" && model !== null && typeof model.score === "function" && model.needs !== undefined;
}
