/** What a request says of thinking, and the check that it makes sense. */
import { refuse } from "../../read-options.js";

/**
 * - `"off"`: no thoughts. Templates with a switch for thinking have it off; a member that begins a thought all the same
 *   has it closed at once, empty.
 * - `"private"`: each member that thinks does so by itself before the answer, for as long as its context has room beside
 *   the answer.
 * - `{ budget }`, or the number alone: the same, and a thought that reaches so many tokens is closed.
 */
export type Thinking = "off" | "private" | number | { budget: number };

const ALLOWED = '"off", "private" or a number of tokens';

/** A copy. Errors: invalid-option. */
export function checkThinking(given: unknown): Thinking | undefined {
  if (given === undefined || given === "off" || given === "private") return given;
  if (typeof given === "number") return checkThinking({ budget: given });
  if (typeof given !== "object" || given === null) return refuse("thinking", given, ALLOWED);
  const { budget, ...others } = given as Record<string, unknown>;
  if (!(Number.isSafeInteger(budget) && (budget as number) >= 0) || Object.keys(others).length > 0)
    return refuse("thinking", given, `${ALLOWED}, with an integer of at least 0`);
  return { budget: budget as number };
}

/** Tokens that a thought may have. */
export function budgetOf(thinking: Thinking): number {
  if (thinking === "off") return 0;
  if (typeof thinking === "number") return thinking;
  return thinking === "private" ? Number.POSITIVE_INFINITY : thinking.budget;
}
