/** How likely members find each other's answers. */
import type { Candidate } from "./candidate.js";
import type { SelectionContext } from "./define-selection.js";

const encoder = new TextEncoder();

/** Candidates × judges: ln p(answer | prompt) a byte, in nats. Equal answers are scored once. */
export async function likelihoodTable(
  candidates: readonly Pick<Candidate, "text">[],
  { judges, likelihood }: Pick<SelectionContext, "judges" | "likelihood">,
): Promise<number[][]> {
  const known = new Map<string, number[]>(candidates.map(({ text }) => [text, []]));
  // Member by member, so that each finds the prompt in its cache.
  for (const judge of judges) {
    for (const [text, row] of known) row.push((await likelihood(judge, text)) / encoder.encode(text).length);
  }
  return candidates.map(({ text }) => known.get(text)!);
}

/** The mean over all members that can be asked. */
export async function meanLikelihoods(candidates: readonly Candidate[], context: SelectionContext): Promise<number[]> {
  const table = await likelihoodTable(candidates, context);
  return table.map((row) => row.reduce((sum, each) => sum + each, 0) / row.length);
}
