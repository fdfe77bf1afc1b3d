/** Output that can only be one of a few texts: how a model's belief is shared among them. */
import type { PromptInput } from "../../decoding/prompt.js";
import type { Ensemble } from "../../ensemble/ensemble.js";

/**
 * P(text | prompt) / Σ P(any of the texts | prompt): the model's own distribution, given that it says one of them. All 0
 * where it can say none. The prompt is read once. Texts of which one begins another need an end that tells them apart.
 */
export async function continuationShares(
  model: Pick<Ensemble, "score">,
  prompt: PromptInput,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<Float64Array> {
  const logProbs = new Float64Array(texts.length);
  for (const [index, text] of texts.entries()) {
    const score = await model.score(prompt, text, { signal, reusePrompt: index > 0 });
    logProbs[index] = score.logProb;
  }
  const largest = Math.max(...logProbs);
  if (largest === Number.NEGATIVE_INFINITY) return new Float64Array(texts.length);
  const shares = logProbs.map((logProb) => Math.exp(logProb - largest));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}
