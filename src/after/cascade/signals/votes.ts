/**
 * Votes among sampled answers (Yue and others, "Large Language Model Cascades with Mixture of Thought Representations",
 * arXiv 2310.03094; MurongYue/LLM_MoT_cascade, Evaluation/utils.py).
 *
 *     vote    share of the most frequent answer among all samples; samples without an answer stay in the denominator
 *     verify  whether the most frequent answers of two prompts are equal
 *
 * Equal numbers: both rounded to the smaller number of their decimals, whole numbers counting as five, so that 3.14 equals
 * 3.1, and the relation is not transitive; texts are equal exactly, and a missing answer equals nothing. Votes count exact
 * answers; only `verify` and the comparison with a reference use this equality.
 */

/** null: no answer could be read. */
export type Sample = string | number | null;

export interface Majority {
  answer: Sample;
  /** Its place among the samples, the first of its equals; -1 where there is no answer. */
  place: number;
  /** Its count over the number of samples; 0 without an answer. */
  share: number;
}

/** The most frequent answer, ties to the first seen. */
export function majorityOf(samples: readonly Sample[]): Majority {
  const counts = new Map<Sample, number>();
  for (const sample of samples) if (sample !== null) counts.set(sample, (counts.get(sample) ?? 0) + 1);
  let answer: Sample = null;
  let most = 0;
  for (const [sample, count] of counts) if (count > most) [answer, most] = [sample, count];
  return { answer, place: most === 0 ? -1 : samples.indexOf(answer), share: most / Math.max(1, samples.length) };
}

export function equalAnswers(prediction: Sample, reference: Sample): boolean {
  if (prediction === null || reference === null) return false;
  if (typeof prediction === "string" || typeof reference === "string") return prediction === reference;
  const decimals = Math.min(decimalsOf(prediction), decimalsOf(reference));
  return roundedTo(prediction, decimals) === roundedTo(reference, decimals);
}

const WHOLE_DECIMALS = 5;

function decimalsOf(value: number): number {
  const text = String(value);
  return text.includes(".") ? text.split(".")[1].length : WHOLE_DECIMALS;
}

/** Half to even where the value lies exactly between, as Python rounds; `toFixed` goes away from 0 there. */
function roundedTo(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  const below = Math.floor(value * scale);
  const isBetween = Number.isInteger(value * 2 ** (decimals + 1)) && value * scale - below === 0.5;
  return isBetween ? (below % 2 === 0 ? below : below + 1) / scale : Number(value.toFixed(decimals));
}

/** A sampled text as a vote: a number where it is nothing else, null where it is empty. */
export function voteOf(text: string): Sample {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const number = Number(trimmed.replaceAll(",", ""));
  return Number.isFinite(number) ? number : trimmed;
}
