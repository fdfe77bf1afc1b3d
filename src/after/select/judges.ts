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

/** Indexes of the members that judge. Error: invalid-option for a name that no member has. */
export function judgesOf(judge: string | undefined, { members, judges }: SelectionContext): readonly number[] {
  if (judge === undefined) return judges;
  const index = members.findIndex(({ name }) => name === judge);
  if (index < 0)
    throw unknownName(
      "member",
      judge,
      members.map(({ name }) => name),
    );
  return [index];
}
