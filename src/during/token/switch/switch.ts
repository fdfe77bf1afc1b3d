/** What the methods share that switch between two members. */
import type { Voice } from "../../method.js";
import { haveOneVocabulary, type MethodNeeds } from "../../needs.js";
import type { SwitchParts } from "./run.js";

/** The laws that a switch cannot keep. */
export const SWITCHED = {
  order: "one member leads; the other chooses where the switching model says so",
  weights: "the members have roles instead of weights",
  end: "one member decides each step",
  "greedy-sums": "a greedy step asks the deciding member only for its likeliest token",
} as const;

/** Members with one vocabulary hand each other tokens, others text. */
export function needsOfSwitch(voices: readonly Voice[]): MethodNeeds {
  return { logits: true, goingBack: !haveOneVocabulary(voices) };
}

/** Load the switching model and see that it was made for these members. */
export async function buildSwitch(
  voices: readonly Voice[],
  { leader, other, model }: Pick<SwitchParts, "leader" | "other" | "model">,
): Promise<void> {
  const loaded = typeof model === "function" ? await model() : model;
  loaded.begin?.(voices[leader].member, voices[other].member);
}
