/** Which models should vote together, by trying every subset. */
import { LlamafuseError } from "../../errors.js";
import { samplesOf } from "../fitting/votes.js";
import type { OutcomeTable } from "../table/outcome-table.js";

/** 2¹² subsets of every query are some seconds' work. */
const MOST_MODELS = 12;

/** The sampled answers to one query, as numbers. */
interface Ballot {
  /** By model: which answer each sample is. */
  samples: Int32Array[];
  /** By answer. */
  isRight: boolean[];
}

/**
 * The non-empty subset of models whose vote over all their samples is right on most of these rows; the smallest among
 * equals, then the first in the order of the models. A vote goes to the answer seen first among equals. Rows without any
 * answer are left out. Errors: invalid-option for more than 12 models.
 */
export function bestVotingSubset(
  table: OutcomeTable,
  rows: readonly number[],
): { members: number[]; accuracy: number } {
  const models = table.models.length;
  if (models > MOST_MODELS) {
    throw new LlamafuseError(
      "invalid-option",
      `Trying every subset of ${models} models takes too long; ${MOST_MODELS} are possible. Leave models out, or take sets "viable".`,
      { found: models, allowed: MOST_MODELS, option: "sets" },
    );
  }
  const ballots = rows.map((row) => ballotOf(table, row)).filter(({ isRight }) => isRight.length > 0);
  let members: number[] = [];
  let most = -1;
  for (const subset of subsetsOf(models)) {
    const right = ballots.reduce((count, ballot) => count + Number(isVoteRight(ballot, subset)), 0);
    if (right > most) [members, most] = [subset, right];
  }
  return { members, accuracy: most / ballots.length };
}

function ballotOf(table: OutcomeTable, row: number): Ballot {
  const numbers = new Map<string, number>();
  const isRight: boolean[] = [];
  const samples = table.models.map((_, model) =>
    Int32Array.from(samplesOf(table, row, model), (sample) => {
      const known = numbers.get(sample.answer);
      if (known !== undefined) return known;
      numbers.set(sample.answer, isRight.length);
      return isRight.push(sample.isRight) - 1;
    }),
  );
  return { samples, isRight };
}

function isVoteRight({ samples, isRight }: Ballot, subset: readonly number[]): boolean {
  const counts = new Int32Array(isRight.length);
  /** The votes that were counted before an answer's first, to tell which of equals came first. */
  const firsts = new Int32Array(isRight.length).fill(-1);
  let seen = 0;
  for (const model of subset) {
    for (const answer of samples[model]) {
      if (firsts[answer] < 0) firsts[answer] = seen;
      counts[answer]++;
      seen++;
    }
  }
  let winner = -1;
  for (let answer = 0; answer < counts.length; answer++) {
    if (counts[answer] === 0) continue;
    const isFirst = winner < 0 || counts[answer] > counts[winner];
    if (isFirst || (counts[answer] === counts[winner] && firsts[answer] < firsts[winner])) winner = answer;
  }
  return winner >= 0 && isRight[winner];
}

/** By size, then in lexicographic order. */
function* subsetsOf(count: number): Generator<number[]> {
  function* choose(size: number, from: number, chosen: readonly number[]): Generator<number[]> {
    if (size === 0) return yield [...chosen];
    for (let next = from; next <= count - size; next++) yield* choose(size - 1, next + 1, [...chosen, next]);
  }
  for (let size = 1; size <= count; size++) yield* choose(size, 0, []);
}
