/** What may be asked of a member that offers less than all. */
import { LlamafuseError } from "../errors.js";
import type { Vocabulary } from "../vocabulary/vocabulary.js";
import type { Preparation } from "./member.js";
import type { MemberOffers } from "./offers.js";

/** Errors: incompatible-members for a preparation that the member does not offer, invalid-option for one that is none. */
export function checkPreparation(
  member: string,
  { projection, hidden, branches = 1 }: Preparation,
  offers: MemberOffers,
  vocabulary: Vocabulary,
): void {
  if (projection !== undefined && projection.map.length !== vocabulary.size) {
    throw new LlamafuseError(
      "invalid-option",
      `A projection for member "${member}" maps ${projection.map.length} tokens; its vocabulary has ${vocabulary.size}.`,
      { member, found: projection.map.length, allowed: vocabulary.size },
    );
  }
  if (projection !== undefined && !offers.logits) throw notOffered(member, "all logits", "logits");
  if (hidden && !offers.hiddenStates) {
    throw new LlamafuseError(
      "incompatible-members",
      `Member "${member}" has no hidden states. Use a GGUF model, or a scripted member with the option hidden.`,
      { member, option: "hidden" },
    );
  }
  if (branches > offers.branches) throw notOffered(member, `${branches} branches`, "branches");
}

/** The error of a member that is asked for what it does not offer. */
export function notOffered(member: string, what: string, offer: keyof MemberOffers): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `Member "${member}" does not offer ${what} (offers.${offer}). Use another member, or a method that does not need this.`,
    { member, option: offer },
  );
}
