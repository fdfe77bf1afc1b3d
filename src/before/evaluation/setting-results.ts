/** What a choice would have brought on a table where every model's outcome is known. */
import { type Matrix, makeMatrix } from "../../learning/matrix.js";
import type { Choice, Knob } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import type { CurvePoint } from "./curve.js";

/** One setting of the knob. */
export interface OperatingPoint extends CurvePoint {
  knob: Knob;
}

/** Of every setting (row) on every query (column). */
export interface SettingResults {
  knobs: readonly Knob[];
  /** NaN where the chosen model's cell is missing: that query is left out of this setting's means. */
  quality: Matrix;
  cost: Matrix;
  /** The column of the model that answers; -1 where several vote. */
  answering: Int32Array;
}

export function makeResults(knobs: readonly Knob[], queries: number): SettingResults {
  return {
    knobs,
    quality: makeMatrix(knobs.length, queries),
    cost: makeMatrix(knobs.length, queries),
    answering: new Int32Array(knobs.length * queries),
  };
}

/** Writes down what a choice brought on a row of the table, as query number `query` of these results. */
export function record(
  results: SettingResults,
  setting: number,
  query: number,
  table: OutcomeTable,
  row: number,
  choice: Choice,
): void {
  const at = setting * results.quality.shape[1] + query;
  const { quality, cost } = resultOf(table, row, choice);
  results.quality.data[at] = quality;
  results.cost.data[at] = cost;
  results.answering[at] = choice.votes === undefined || choice.members.length === 1 ? choice.members[0] : -1;
}

/**
 * The first member's quality and cost; where members vote, the summed cost and the quality of the answer with the largest
 * weight (ties to the earlier member). A table without answers gives the weighted mean of their qualities.
 */
export function resultOf(table: OutcomeTable, row: number, { members, votes }: Choice): CurvePoint {
  const at = row * table.models.length;
  const [first] = members;
  if (votes === undefined || members.length === 1) {
    return { quality: table.quality.data[at + first], cost: table.cost.data[at + first] };
  }
  const cost = members.reduce((sum, member) => sum + table.cost.data[at + member], 0);
  const heard = members.flatMap((member, place) => {
    const quality = table.quality.data[at + member];
    return Number.isNaN(quality) ? [] : [{ quality, weight: votes[place], answer: table.answers?.[at + member]?.[0] }];
  });
  return { quality: votedQuality(heard), cost };
}

function votedQuality(heard: readonly { quality: number; weight: number; answer?: string }[]): number {
  if (heard.length === 0) return Number.NaN;
  if (heard.every(({ answer }) => answer === undefined)) {
    const total = heard.reduce((sum, { weight }) => sum + weight, 0);
    return heard.reduce((sum, { quality, weight }) => sum + quality * weight, 0) / (total || 1);
  }
  const groups = new Map<string, { quality: number; weight: number }>();
  for (const { answer, quality, weight } of heard) {
    if (answer === undefined) continue;
    const group = groups.get(answer.trim()) ?? { quality, weight: 0 };
    group.weight += weight;
    groups.set(answer.trim(), group);
  }
  let winner: { quality: number; weight: number } | undefined;
  for (const group of groups.values()) if (winner === undefined || group.weight > winner.weight) winner = group;
  return winner!.quality;
}

/** The means of each setting over these queries (default all), without those whose quality is missing. */
export function operatingPoints({ knobs, quality, cost }: SettingResults, rows?: ArrayLike<number>): OperatingPoint[] {
  const queries = quality.shape[1];
  const count = rows?.length ?? queries;
  return knobs.map((knob, setting) => {
    let [qualities, costs, seen] = [0, 0, 0];
    for (let index = 0; index < count; index++) {
      const at = setting * queries + (rows === undefined ? index : rows[index]);
      if (Number.isNaN(quality.data[at])) continue;
      qualities += quality.data[at];
      costs += cost.data[at];
      seen++;
    }
    return { knob, quality: qualities / seen, cost: costs / seen };
  });
}
