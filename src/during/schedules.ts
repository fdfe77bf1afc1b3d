/** The schedules that methods are put together from, by name: who is asked when. */
import { z } from "zod";
import { partSchema } from "../part-schema.js";
import { DEFAULT_THRESHOLD, type Gate, indexOfMember } from "./gate.js";
import type { Voice } from "./method.js";

/** `every-step`, or `gate` with `primary` and `threshold`. */
export const scheduleOptions = partSchema(
  [
    z.strictObject({ name: z.literal("every-step") }),
    z.strictObject({
      name: z.literal("gate"),
      primary: z.union([z.string(), z.int().min(0)]).default(0),
      threshold: z.number().min(0).max(1).default(DEFAULT_THRESHOLD),
    }),
  ],
  "every-step",
);

export type ScheduleOptions = z.output<typeof scheduleOptions>;

/** The gate, if the schedule has one. Error: invalid-option (a primary that is no member). */
export function gateOf(options: ScheduleOptions, voices: readonly Voice[]): Gate | undefined {
  if (options.name === "every-step") return undefined;
  return { primary: indexOfMember(voices, options.primary, "primary"), threshold: options.threshold };
}
