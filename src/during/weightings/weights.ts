/** How much each member counts. */
import { LlamafuseError } from "../../errors.js";
import type { Voice } from "../method.js";

/**
 * Weights that sum to 1: w_i / Σ w. Zero silences a member. LlamafuseError "invalid-option" for a negative, infinite or
 * NaN weight, and where none is above zero; `names` are the members' names, for the message.
 */
export function normaliseWeights(weights: readonly number[], names?: readonly string[]): number[] {
  for (const [index, weight] of weights.entries()) {
    if (Number.isFinite(weight) && weight >= 0) continue;
    const member = names?.[index] ?? `number ${index}`;
    throw new LlamafuseError(
      "invalid-option",
      `The weight of member ${member} is ${weight}; it must be a finite number >= 0.`,
      {
        option: "weight",
        member,
        found: String(weight),
        allowed: "a finite number >= 0",
      },
    );
  }
  // Scaled by the largest first, so that no sum of finite weights overflows.
  const largest = Math.max(0, ...weights);
  if (largest === 0) {
    throw new LlamafuseError("invalid-option", "The members' weights are all 0; at least one must be above 0.", {
      option: "weight",
      found: [...weights],
      allowed: "at least one weight above 0",
    });
  }
  const scaled = weights.map((weight) => weight / largest);
  const sum = scaled.reduce((total, weight) => total + weight, 0);
  return scaled.map((weight) => weight / sum);
}

/** Those that take part: weight 0 silences a member, so that it is neither asked nor told. */
export function speakingOf(voices: readonly Voice[]): readonly Voice[] {
  const speaking = voices.filter(({ weight }) => weight > 0);
  if (speaking.length === voices.length) return voices;
  const everyone = voices.map(({ member }) => member.name);
  return speaking.map((voice) => ({ ...voice, everyone }));
}
