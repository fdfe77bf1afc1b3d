/**
 * The schedule "gate": a primary member speaks alone while it is sure, and the others are asked only where it is not.
 * GaC's "thresholded" ensembling (arXiv 2406.12585), for any alignment and rule.
 *
 *     fused = p_primary            if max_u p_primary(u) > threshold
 *           = rule(all members)    otherwise
 *
 * p_primary is the primary's distribution in the alignment's space with the primary alone in it.
 */
import { z } from "zod";
import { indexOfMember, memberOption } from "../member-option.js";
import { defineSchedule } from "./define-schedule.js";

export interface Gate {
  /** The index of the primary among the voices. */
  primary: number;
  threshold: number;
}

/** Ours, after secondary reports [unverified]; the released examples of GaC set 1.0, which always fuses. */
export const DEFAULT_THRESHOLD = 0.5;

/** The gate. The released code compares both sides weighted, w·max p > w·τ, which is the same. */
export function primaryDecides(largest: number, threshold: number): boolean {
  return largest > threshold;
}

export const gate = defineSchedule({
  name: "gate",
  summary: "The primary member decides alone while it is sure; otherwise all members take part.",
  options: z.strictObject({
    primary: memberOption.default(0).describe("The primary member, by name or index."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(DEFAULT_THRESHOLD)
      .describe("The primary decides alone above this probability."),
  }),
  create: (voices, { primary, threshold }) => ({ primary: indexOfMember(voices, primary, "primary"), threshold }),
});
