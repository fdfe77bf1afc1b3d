/** Answers of which one is chosen. */
import type { FinishReason } from "../../decoding/result.js";
import type { Ensemble } from "../../ensemble/ensemble.js";

/** A member that answers by itself. */
export type MemberAlone = Pick<Ensemble, "generate" | "stream" | "score" | "members">;

export interface Candidate {
  /** Who gave it: an index of the members. */
  readonly member: number;
  /** Which of the member's samples, from 0. */
  readonly sample: number;
  /** How it was asked, where a method asks one question in several ways. */
  readonly expert?: string;
  /** Of answers given behind the answers of a round before: which round, from 1. */
  readonly round?: number;
  readonly text: string;
  readonly finishReason: FinishReason;
  /** ln p(answer | prompt) in nats under the member that gave it, the end included where it ended. */
  readonly logProb: number;
  /** Over so many pieces. */
  readonly pieces: number;
}

/** A candidate as results list it. */
export interface CandidateReport {
  /** The member's name. */
  member: string;
  sample: number;
  expert?: string;
  round?: number;
  text: string;
  finishReason: FinishReason;
  /** What the method gave it; higher is better. Absent where it was not compared: empty, or alone. */
  score?: number;
  /** ln p(answer | prompt) in nats under the member that gave it. */
  logProb: number;
}

/** Whether it says anything. */
export function isBlank({ text }: Pick<Candidate, "text">): boolean {
  return text.trim() === "";
}
