/** Options that all cascades share. */
import { z } from "zod";

export const chainShape = { chain: z.array(z.string()).min(1).optional() };

export const CHAIN_TEXT = "Models in the order in which they are asked. Default: all, by rising mean cost.";

/** Of a score cascade: at one end of the threshold nothing defers, at the other everything. */
export const THRESHOLD_ENDS = {
  first: { threshold: Number.NEGATIVE_INFINITY },
  last: { threshold: Number.POSITIVE_INFINITY },
};
