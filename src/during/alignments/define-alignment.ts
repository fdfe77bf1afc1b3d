/** How an alignment is defined: in its own folder, by one call; alignments.ts lists all of them. */
import type { z } from "zod";
import type { Part } from "../../part-schema.js";
import type { MethodLaws } from "../define-method.js";
import type { MethodContext, MethodRun, Voice } from "../method.js";
import type { MethodNeeds } from "../needs.js";
import type { FusionRule } from "../rules/rule.js";
import type { Weighting } from "../weightings/weighting.js";
import type { Alignment } from "./alignment.js";
import type { BuildOptions } from "./build/pool.js";

export interface AlignmentDefinition<Name extends string = string, Schema extends z.ZodObject = z.ZodObject>
  extends Part<Name, Schema> {
  /** One line. */
  readonly summary: string;
  needs(options: z.output<Schema>): MethodNeeds;
  /**
   * Whether every member gives every string of a step a probability above 0, as rules that divide by one need: "always",
   * or only where all have "one-vocabulary", or "never".
   */
  readonly isPositive: "always" | "one-vocabulary" | "never";
  /**
   * The alignment for one request. `onlyLikeliest`: a greedy choice by the weighted mean is all that is wanted. Errors:
   * incompatible-members, invalid-option (a member that is none).
   */
  create?(context: MethodContext, options: z.output<Schema>, wants: { onlyLikeliest: boolean }): Alignment;
  /** In the place of `create`, where the way back to tokens is more than an entry of the space: the whole run. */
  createRun?(
    context: MethodContext,
    options: z.output<Schema>,
    parts: { rule: FusionRule; weighting?: Weighting },
  ): MethodRun;
  /** Build beforehand what takes long. */
  build?(voices: readonly Voice[], options: z.output<Schema>, run: BuildOptions): Promise<void>;
  /** How it keeps the laws of methods with the rule "mean". */
  readonly laws: Omit<MethodLaws<never>, "options">;
}

/** Types: the name and the options' schema. */
export function defineAlignment<const Name extends string, Schema extends z.ZodObject>(
  definition: AlignmentDefinition<Name, Schema>,
): AlignmentDefinition<Name, Schema> {
  return definition;
}
