/** The weights that methods are put together with, by name. */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { partSchema } from "../../part-schema.js";
import type { Alignment } from "../alignments/alignment.js";
import { MinedAlignment } from "../alignments/mined/alignment.js";
import type { Voice } from "../method.js";
import { ownLosses, PromptWeights, perplexityWeights, searchWeights } from "./perplexity.js";
import type { Weighting } from "./weighting.js";

const refresh = z.int().min(0).default(0);

/** `given` (the members' own), `perplexity` or `perplexity-search` (PackLLM's sim and opt). */
export const weightOptions = partSchema(
  [
    z.strictObject({ name: z.literal("given") }),
    z.strictObject({ name: z.literal("perplexity"), tau: z.number().positive().default(1), refresh }),
    z.strictObject({ name: z.literal("perplexity-search"), refresh }),
  ],
  "given",
);

export type WeightOptions = z.output<typeof weightOptions>;

/** Undefined for the members' own. Error: invalid-option (a search in a space that is not PackLLM's). */
export function createWeighting(
  voices: readonly Voice[],
  options: WeightOptions,
  alignment?: Alignment,
): Weighting | undefined {
  switch (options.name) {
    case "given":
      return undefined;
    case "perplexity": {
      const given = voices.map(({ weight }) => weight);
      const losses = () => (alignment instanceof MinedAlignment ? alignment.losses() : ownLosses(voices));
      return new PromptWeights(async () => perplexityWeights(await losses(), options.tau, given), options.refresh);
    }
    case "perplexity-search": {
      if (!(alignment instanceof MinedAlignment)) {
        throw new LlamafuseError(
          "invalid-option",
          'The weights "perplexity-search" compare mixtures token by token and need one sequence of tokens for all members. Use the alignment "mined", or the weights "perplexity".',
          { option: "weights", found: options.name, allowed: ["given", "perplexity"] },
        );
      }
      const search = async () => {
        const { rows, targets } = await alignment.replay();
        return searchWeights(rows, targets).weights;
      };
      return new PromptWeights(search, options.refresh);
    }
  }
}
