/** Options that name a member, by its name or its place among all. */
import { z } from "zod";
import { LlamafuseError, unknownName } from "../errors.js";
import type { Voice } from "./method.js";

/** The member with this name or index. */
export const memberOption = z.union([z.string(), z.int().min(0)]);

/**
 * The index of the voice with this name or place among all members. LlamafuseError "invalid-option" if no member fits, or
 * its weight is 0; `role` is the option's word for it.
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
    `Member ${wanted} does not exist: ${role} must be 0 … ${names.length - 1}, or a name: ${names.join(", ")}.`,
    { option: role, found: wanted, allowed: `0 … ${names.length - 1}, or a name: ${names.join(", ")}` },
  );
}

/** An option, or its default, names a member of weight 0. */
export function silencedMember(name: string, role: string, speaking: readonly string[]): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `Member "${name}" cannot be ${role}: its weight is 0, so it takes no part. Give it a weight above 0, or name another: ${speaking.join(", ")}.`,
    { option: role, found: name, allowed: speaking },
  );
}
