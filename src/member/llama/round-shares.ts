/**
 * How many tokens each text gets of a round: the one decode that texts share.
 *
 * Max-min fairness: all get the same share, and what one does not need is divided among the others. So whoever has little to
 * read has it read at once, beside however long a prompt. Where somebody takes a step of an answer, prompts get no more than
 * PROMPT_SHARE tokens together, so that steps do not wait for long.
 */

/** As much as a step of an answer may have to read: what was fed back, and what that changed. */
export const STEP_TOKENS = 16;
/** Tokens of prompts in a round of steps. */
export const PROMPT_SHARE = 128;

/** Tokens for each of these, of which each has at least one to read; `most`: tokens of a decode, one for each at least. */
export function sharesOf(rests: readonly number[], most: number): number[] {
  const steps = rests.filter((rest) => rest <= STEP_TOKENS);
  const isMixed = steps.length > 0;
  let left = isMixed ? Math.min(most, PROMPT_SHARE + steps.reduce((sum, rest) => sum + rest, 0)) : most;
  const shares = rests.map(() => 0);
  const ascending = rests.map((_, index) => index).sort((a, b) => rests[a] - rests[b] || a - b);
  for (const [place, index] of ascending.entries()) {
    const share = Math.max(1, Math.floor(left / (ascending.length - place)));
    shares[index] = Math.min(rests[index], share);
    left -= shares[index];
  }
  return shares;
}
