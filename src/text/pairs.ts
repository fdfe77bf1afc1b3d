import { LlamafuseError } from "../errors.js";

/** LlamafuseError "invalid-option" unless every hypothesis has its list of references, at least one. */
export function checkPairs(hypotheses: readonly string[], references: readonly (readonly string[])[]): void {
  if (hypotheses.length !== references.length) {
    throw new LlamafuseError(
      "invalid-option",
      `Found ${hypotheses.length} hypotheses and ${references.length} lists of references. Give one list for each hypothesis.`,
      { found: references.length, allowed: hypotheses.length },
    );
  }
  const without = references.findIndex((list) => list.length === 0);
  if (without >= 0) {
    throw new LlamafuseError("invalid-option", `Hypothesis ${without} has no reference; give at least one.`, {
      hypothesis: without,
      found: 0,
      allowed: "at least 1 reference",
    });
  }
}
