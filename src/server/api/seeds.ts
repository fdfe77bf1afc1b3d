/** Of several answers to one request, each has a seed of its own, so that they differ and repeat. */
import { MAX_SEED } from "../../random.js";

/** Nothing where the request has no seed. */
export function seedOf({ seed }: { seed?: number }, copy: number): { seed?: number } {
  return seed === undefined ? {} : { seed: (seed + copy) % MAX_SEED };
}
