import { z } from "zod";
import { defineSchedule } from "./define-schedule.js";

export const everyStep = defineSchedule({
  name: "every-step",
  summary: "All members are asked at every step.",
  options: z.strictObject({}),
  create: () => undefined,
});
