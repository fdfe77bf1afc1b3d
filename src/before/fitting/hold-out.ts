/** A part of the training queries that a router does not learn from, to calibrate on. */

import { drawOrder } from "../../learning/draws.js";
import type { Matrix } from "../../learning/matrix.js";
import { RandomGenerator } from "../../random.js";

/**
 * Row numbers, each part in rising order. At least one row is fitted for each model that has labels at all, and at least
 * one is held out unless there is a single row.
 */
export function holdOut(labels: Matrix, share: number, seed: number): { fitted: number[]; held: number[] } {
  const [rows, models] = labels.shape;
  const order = Array.from(drawOrder(new RandomGenerator(seed), rows));
  const held = new Set(order.slice(0, Math.min(rows - 1, Math.max(1, Math.round(share * rows)))));
  for (let model = 0; model < models; model++) {
    const labelled = order.filter((row) => !Number.isNaN(labels.data[row * models + model]));
    if (labelled.length > 0 && labelled.every((row) => held.has(row))) held.delete(labelled[0]);
  }
  const all = Array.from({ length: rows }, (_, row) => row);
  return { fitted: all.filter((row) => !held.has(row)), held: all.filter((row) => held.has(row)) };
}
