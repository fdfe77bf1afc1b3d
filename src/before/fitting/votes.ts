/** Models that answer together: what a vote over the answers in a table would have brought. */
import type { OutcomeTable } from "../table/outcome-table.js";

/** A sampled answer, and whether it was right. */
export interface Sample {
  answer: string;
  isRight: boolean;
}

/** A graded answer of at least this quality counts as right. */
export const RIGHT = 0.5;

/** What a model answered to a query; empty where the table has no answer of it. */
export function samplesOf(table: OutcomeTable, row: number, model: number): Sample[] {
  const cell = row * table.models.length + model;
  const qualities = table.sampleQuality?.[cell];
  return (table.answers?.[cell] ?? []).map((answer, sample) => ({
    answer: answer.trim(),
    isRight: (qualities?.[sample] ?? table.quality.data[cell]) >= RIGHT,
  }));
}

/** The answer with the largest sum of weights; the first seen among equals. Undefined without ballots. */
export function weightedVote(
  ballots: Iterable<{ samples: readonly Sample[]; weight: number }>,
): (Sample & { weight: number }) | undefined {
  const tally = new Map<string, Sample & { weight: number }>();
  for (const { samples, weight } of ballots) {
    for (const sample of samples) {
      const known = tally.get(sample.answer);
      if (known === undefined) tally.set(sample.answer, { ...sample, weight });
      else known.weight += weight;
    }
  }
  let winner: (Sample & { weight: number }) | undefined;
  for (const entry of tally.values()) if (winner === undefined || entry.weight > winner.weight) winner = entry;
  return winner;
}

/**
 * Whether the majority of each model's sampled answers is right, 0 or 1; NaN where its quality is missing. Without
 * answers, or with a single one: whether the quality is at least 0.5.
 */
export function majorityRight(table: OutcomeTable, row: number, model: number): number {
  const quality = table.quality.data[row * table.models.length + model];
  if (Number.isNaN(quality)) return Number.NaN;
  const samples = samplesOf(table, row, model);
  const winner = samples.length > 1 ? weightedVote([{ samples, weight: 1 }]) : undefined;
  return Number(winner?.isRight ?? quality >= RIGHT);
}
