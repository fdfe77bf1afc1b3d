/** How weights are defined: in their own file, by one call; weightings.ts lists all of them. */
import type { z } from "zod";
import type { Part } from "../../part-schema.js";
import type { Alignment } from "../alignments/alignment.js";
import type { Voice } from "../method.js";
import type { MethodNeeds } from "../needs.js";
import type { Weighting } from "./weighting.js";

export interface WeightingDefinition<Name extends string = string, Schema extends z.ZodObject = z.ZodObject>
  extends Part<Name, Schema> {
  /** One line. */
  readonly summary: string;
  /** Beside what the alignment needs. Default: nothing. */
  needs?(options: z.output<Schema>): MethodNeeds;
  /** The weights of one request. Error: invalid-option where they do not go with the alignment. */
  create(voices: readonly Voice[], options: z.output<Schema>, alignment?: Alignment): Weighting;
}

/** Types: the name and the options' schema. */
export function defineWeighting<const Name extends string, Schema extends z.ZodObject>(
  definition: WeightingDefinition<Name, Schema>,
): WeightingDefinition<Name, Schema> {
  return definition;
}
