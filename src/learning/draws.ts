/** What training draws from a seeded generator: normal numbers and orders. */
import type { RandomGenerator } from "../random.js";

/** Standard normal, by Box and Muller; takes two uniform draws. */
export function drawNormal(random: RandomGenerator): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** 0 … count − 1 in a random order (Fisher and Yates). */
export function drawOrder(random: RandomGenerator, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
