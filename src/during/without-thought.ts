import type { Voice } from "./method.js";

/** What is left of the tokens that a member holds when its thought is left out: nobody else has read that. */
export function withoutThought(held: readonly number[], thought: Voice["thought"]): number[] {
  return thought === undefined ? [...held] : [...held.slice(0, thought[0]), ...held.slice(thought[1])];
}
