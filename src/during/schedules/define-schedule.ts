/** How a schedule is defined: in its own file, by one call; schedules.ts lists all of them. */
import type { z } from "zod";
import type { Part } from "../../part-schema.js";
import type { Voice } from "../method.js";
import type { Gate } from "./gate.js";

export interface ScheduleDefinition<Name extends string = string, Schema extends z.ZodObject = z.ZodObject>
  extends Part<Name, Schema> {
  /** One line. */
  readonly summary: string;
  /** The gate, if it has one. Error: invalid-option (a member that is none). */
  create(voices: readonly Voice[], options: z.output<Schema>): Gate | undefined;
}

/** Types: the name and the options' schema. */
export function defineSchedule<const Name extends string, Schema extends z.ZodObject>(
  definition: ScheduleDefinition<Name, Schema>,
): ScheduleDefinition<Name, Schema> {
  return definition;
}
