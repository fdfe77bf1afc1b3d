/**
 * The schedule "gate": a primary member speaks alone while it is sure, and the others are asked only where it is not.
 * GaC's "thresholded" ensembling (arXiv 2406.12585), for any alignment and rule.
 *
 *     fused = p_primary            if max_u p_primary(u) > threshold
 *           = rule(all members)    otherwise
 *
 * p_primary is the primary's distribution in the alignment's space with the primary alone in it.
 */
import { LlamafuseError, unknownName } from "../errors.js";
import type { Voice } from "./method.js";

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

/**
 * The index of the voice with this name or place among all members. LlamafuseError "invalid-option" if there is none, or
 * it is silenced; `role` is what the option calls it.
 */
export function indexOfMember(voices: readonly Voice[], wanted: string | number, role: string): number {
  const speaking = voices.map(({ member }) => member.name);
  const names = voices[0].everyone ?? speaking;
  const place = typeof wanted === "number" ? wanted : names.indexOf(wanted);
  if (place >= 0 && place < names.length) {
    const index = names === speaking ? place : speaking.indexOf(names[place]);
    if (index < 0) throw silencedMember(names[place], role, speaking);
    return index;
  }
  if (typeof wanted === "string") throw unknownName(`${role} member`, wanted, names);
  throw new LlamafuseError(
    "invalid-option",
    `There is no member ${wanted}: ${role} must be 0 … ${names.length - 1}, or a name: ${names.join(", ")}.`,
    { option: role, found: wanted, allowed: `0 … ${names.length - 1}, or a name: ${names.join(", ")}` },
  );
}

/** An option, or its default, names a member of weight 0. */
export function silencedMember(name: string, role: string, speaking: readonly string[]): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `Member "${name}" cannot be ${role}: its weight is 0, which silences it. Give it a weight above 0, or name another: ${speaking.join(", ")}.`,
    { option: role, found: name, allowed: speaking },
  );
}
