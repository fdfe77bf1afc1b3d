/**
 * Dawid–Skene EM: who of several voters is right, without labels (Dawid and Skene, Applied Statistics 1979).
 *
 *     M:  π_k = mean_i T_ik,      C^j_kl = (s + Σ_{i: j voted l} T_ik) / Σ_l (…)      s: smoothing
 *     E:  T_ik ∝ π_k Π_{j voted on i} C^j_{k, vote_ij}
 *
 * T starts as each item's shares of votes. Numbers are as in github.com/dallascard/dawid_skene; smoothing is ours.
 */
import { logSumExp } from "../statistics.js";

/** A class, or null where the voter said nothing. */
export type Vote = number | null;

export interface DawidSkeneOptions {
  classes: number;
  /** Default 100. */
  iterations?: number;
  /** Ends when no posterior changes by more. Default 0: only `iterations` do. */
  tolerance?: number;
  /** Added to each cell of the confusions. Default 0. */
  smoothing?: number;
  /** T to start from, items × classes. Default: shares of votes. */
  initial?: readonly (readonly number[])[];
}

export interface DawidSkene {
  /** Items × classes. */
  posteriors: number[][];
  /** Voters × true class × said class. */
  confusion: number[][][];
  priors: number[];
  /** The likeliest class of each item; the lower of equals. */
  labels: number[];
  /** Σ_i ln Σ_k π_k Π C, in nats. */
  logLikelihood: number;
}

/** Posteriors this close are equal. */
const EQUAL = 1e-10;

/** votes: items × voters. */
export function dawidSkene(
  votes: readonly (readonly Vote[])[],
  { classes, iterations = 100, tolerance = 0, smoothing = 0, initial }: DawidSkeneOptions,
): DawidSkene {
  let posteriors = initial?.map((row) => [...row]) ?? votes.map((item) => sharesOf(item, classes));
  let fitted = { priors: [] as number[], confusion: [] as number[][][] };
  let logLikelihood = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    fitted = maximise(votes, posteriors, classes, smoothing);
    const logs = votes.map((item) => logJoint(item, fitted));
    logLikelihood = logs.reduce((sum, row) => sum + logSumExp(row), 0);
    const next = logs.map((row) => normalised(row, fitted.priors));
    const change = Math.max(0, ...next.flatMap((row, item) => row.map((p, k) => Math.abs(p - posteriors[item][k]))));
    posteriors = next;
    if (change < tolerance) break;
  }
  return { posteriors, ...fitted, labels: posteriors.map(likeliestClass), logLikelihood };
}

/** The posterior of one more item under what was fitted. */
export function posteriorOf(item: readonly Vote[], fitted: Pick<DawidSkene, "priors" | "confusion">): number[] {
  return normalised(logJoint(item, fitted), fitted.priors);
}

export function likeliestClass(posterior: readonly number[]): number {
  return posterior.reduce((best, p, k) => (p > posterior[best] + EQUAL ? k : best), 0);
}

function sharesOf(item: readonly Vote[], classes: number): number[] {
  const said = item.filter((vote) => vote !== null);
  if (said.length === 0) return Array<number>(classes).fill(1 / classes);
  return Array.from({ length: classes }, (_, k) => said.filter((vote) => vote === k).length / said.length);
}

function maximise(
  votes: readonly (readonly Vote[])[],
  posteriors: readonly (readonly number[])[],
  classes: number,
  smoothing: number,
) {
  const priors = Array.from(
    { length: classes },
    (_, k) => posteriors.reduce((sum, row) => sum + row[k], 0) / posteriors.length,
  );
  const confusion = Array.from({ length: votes[0]?.length ?? 0 }, (_, voter) =>
    Array.from({ length: classes }, (_, truth) => {
      const row = Array<number>(classes).fill(smoothing);
      for (const [item, said] of votes.entries()) {
        const vote = said[voter];
        if (vote !== null) row[vote] += posteriors[item][truth];
      }
      const mass = row.reduce((sum, each) => sum + each, 0);
      return row.map((each) => (mass > 0 ? each / mass : 1 / classes));
    }),
  );
  return { priors, confusion };
}

function logJoint(item: readonly Vote[], { priors, confusion }: Pick<DawidSkene, "priors" | "confusion">): number[] {
  return priors.map((prior, truth) =>
    item.reduce<number>(
      (sum, vote, voter) => (vote === null ? sum : sum + Math.log(confusion[voter][truth][vote])),
      Math.log(prior),
    ),
  );
}

/** Where every class is impossible, the prior. */
function normalised(logs: readonly number[], priors: readonly number[]): number[] {
  const total = logSumExp(logs);
  return total === Number.NEGATIVE_INFINITY ? [...priors] : logs.map((log) => Math.exp(log - total));
}
