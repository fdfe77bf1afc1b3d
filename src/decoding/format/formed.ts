/** A step of an answer that has to have a form. */
import type { FusedDistribution, MethodRun, Voice } from "../../during/method.js";
import { LlamafuseError } from "../../errors.js";
import type { Form } from "./form.js";

/**
 * What may be said of a step's distribution; where none of its candidates has the form, of what the members hold most probable
 * among all tokens that have. Errors: incompatible-members where that is none, invalid-option for a method that decides on more
 * than the next step.
 */
export async function formed(
  said: FusedDistribution,
  { form, run, speaking, name }: { form: Form; run: MethodRun; speaking: readonly Voice[]; name: string },
): Promise<{ distribution: FusedDistribution; logShare: number }> {
  if (said.isSettled) {
    throw new LlamafuseError(
      "invalid-option",
      `${name} decides on several pieces at once, so that a format comes too late for it. Take a method that fuses each step, such as unite, gac or bytes.`,
      { option: "format", method: name, allowed: "a method that fuses each step" },
    );
  }
  const found = form.constrain(said);
  if (found !== undefined) return found;
  const wider = await run.among?.((voice) => form.allowedTokens(speaking[voice].member));
  const foundThen = wider && form.constrain(wider);
  if (foundThen !== undefined) return foundThen;
  throw new LlamafuseError(
    "incompatible-members",
    `Nothing that ${name} could say next has the format. Take a method over all tokens, such as gac, or a form with more freedom.`,
    { option: "format", method: name },
  );
}
