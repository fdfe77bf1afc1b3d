/** Every selection by its name. A new one is a file that defines it (define-selection.ts) and a line in this list. */
import { ruleNamed, type Selecting, type SelectionInfo, type SelectionMethod } from "./define-selection.js";
import { agentForest } from "./methods/agent-forest.js";
import { bestOfInfinity } from "./methods/best-of-infinity.js";
import { bestOfN } from "./methods/best-of-n.js";
import { crossLikelihood } from "./methods/cross-likelihood.js";
import { mbr } from "./methods/mbr.js";
import { more } from "./methods/more.js";
import { pairRanker } from "./methods/pair-ranker.js";
import { peerReview } from "./methods/peer-review.js";
import { selfConsistency } from "./methods/self-consistency.js";
import { smoothie } from "./methods/smoothie.js";
import { weightedVote } from "./methods/weighted-vote.js";

/** What there is to choose from, in the order of the documentation. */
export const selections = [
  agentForest,
  selfConsistency,
  bestOfInfinity,
  mbr,
  weightedVote,
  bestOfN,
  smoothie,
  pairRanker,
  more,
  peerReview,
  crossLikelihood,
] as const;

type Registered = (typeof selections)[number];
type GivenTo<Of> = Of extends SelectionMethod<string, infer Given> ? Given : never;

export type SelectionName = Registered["info"]["name"];

/** A selection and its options, chosen by `name`: `{ name: "agent-forest", samples: 5 }`. */
export type SelectionOptions = {
  [Each in Registered as Each["info"]["name"]]: { name: Each["info"]["name"] } & GivenTo<Each>;
}[SelectionName];

export const selectionInfos: readonly SelectionInfo[] = selections.map(({ info }) => info);

/** The selection that these options name. Error: invalid-option. */
export function selectionNamed(options: SelectionOptions): Selecting {
  return ruleNamed(selections as readonly SelectionMethod[], "selection", options);
}
