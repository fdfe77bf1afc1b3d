/** How likely members find each other's answers. */
import type { Candidate } from "./candidate.js";
import type { SelectionContext } from "./define-selection.js";

const encoder = new TextEncoder();

/** Candidates × judges: ln p(answer | prompt) in nats, of the text or of a byte of it. Equal answers are scored once. */
export async function likelihoodTable(
  candidates: readonly Pick<Candidate, "text">[],
  { judges, likelihood }: Pick<SelectionContext, "judges" | "likelihood">,
  per: "text" | "byte",
): Promise<number[][]> {
  const known = new Map<string, number[]>(candidates.map(({ text }) => [text, []]));
  // Member by member, so that each finds the prompt in its cache.
  for (const judge of judges) {
    for (const [text, row] of known) {
      const logProb = await likelihood(judge, text);
      row.push(per === "text" ? logProb : logProb / encoder.encode(text).length);
    }
  }
  return candidates.map(({ text }) => known.get(text)!);
}

/** The mean over all members that can be asked, of a byte. */
export async function meanLikelihoods(candidates: readonly Candidate[], context: SelectionContext): Promise<number[]> {
  const table = await likelihoodTable(candidates, context, "byte");
  return table.map((row) => row.reduce((sum, each) => sum + each, 0) / row.length);
}
