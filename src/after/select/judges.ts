/** Members that judge answers: who they are, and what they are asked. */
import { z } from "zod";
import { unknownName } from "../../errors.js";
import type { SelectionContext } from "./define-selection.js";

export const judgeOption = z.string().min(1).optional().meta({
  description: "The member that judges.",
  usual: "every member, with equal votes",
});

export function promptOption(prompt: string, places: string) {
  return z
    .string()
    .min(1)
    .default(prompt)
    .meta({
      description: `What a judge is asked, with ${places} filled in.`,
      usual: "as docs/selections.md shows",
    });
}

/**
 * Indexes of the members that judge: the one that is named, all others where it failed. Error: invalid-option for a name that
 * no member has.
 */
export function judgesOf(
  judge: string | undefined,
  { members, judges }: Pick<SelectionContext, "members" | "judges">,
): readonly number[] {
  if (judge === undefined) return judges;
  const index = memberNamed(judge, members);
  return judges.includes(index) ? [index] : judges;
}

/** Its index. Error: invalid-option. */
export function memberNamed(name: string, members: SelectionContext["members"]): number {
  const index = members.findIndex((member) => member.name === name);
  if (index >= 0) return index;
  throw unknownName(
    "member",
    name,
    members.map((member) => member.name),
  );
}
