/** Who is asked when: the schedules that methods are put together with. A new one is a file here and a line in this list. */
import type { z } from "zod";
import { partSchema } from "../../part-schema.js";
import type { Voice } from "../method.js";
import type { ScheduleDefinition } from "./define-schedule.js";
import { everyStep } from "./every-step.js";
import { type Gate, gate } from "./gate.js";

export const schedules = [everyStep, gate] as const;

export const scheduleOptions = partSchema(schedules, "every-step");

export type ScheduleOptions = z.output<typeof scheduleOptions>;

/** The gate, if the schedule has one. Error: invalid-option (an unknown primary). */
export function gateOf({ name, ...options }: ScheduleOptions, voices: readonly Voice[]): Gate | undefined {
  const schedule = schedules.find((each) => each.name === name) as unknown as ScheduleDefinition;
  return schedule.create(voices, options);
}
