/** The weightings that methods are put together with. New ones are a file here and a line in this list. */
import type { z } from "zod";
import { partSchema } from "../../part-schema.js";
import type { WeightingDefinition } from "./define-weighting.js";
import { given } from "./given.js";
import { perplexity } from "./perplexity.js";
import { perplexitySearch } from "./perplexity-search.js";

export const weightings = [given, perplexity, perplexitySearch] as const;

export const weightingOptions = partSchema(weightings, "given");

export type WeightingOptions = z.output<typeof weightingOptions>;

/** The weighting that these options name, and their own options. */
export function weightingOf({ name, ...options }: WeightingOptions): {
  weighting: WeightingDefinition;
  options: Record<string, unknown>;
} {
  const weighting = weightings.find((each) => each.name === name) as unknown as WeightingDefinition;
  return { weighting, options };
}
