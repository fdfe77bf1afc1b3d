import { z } from "zod";
import { MAX_TOP } from "../../../member/offers.js";
import { indexOfMember, memberOption } from "../../member-option.js";
import { defineAlignment } from "../define-alignment.js";
import { SimilarityAlignment } from "./alignment.js";

const options = z.strictObject({
  main: memberOption.default(0).describe("The member whose vocabulary is used, by name or index."),
  k: z.int().min(1).max(MAX_TOP).default(320).describe("Most probable tokens of each member that take part."),
  similar: z.int().min(1).max(64).default(10).describe("Main-member tokens kept for each token of another member."),
  leastSimilarity: z.number().min(0).max(2).default(0.1).describe("Ignore similarities below this."),
  neighbourhood: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe("Nearest source tokens used to correct for hubs, which are targets similar to every token."),
});

export const similarity = defineAlignment({
  name: "similarity",
  summary: "The main member's tokens; the others' tokens map to those with the most similar embeddings (EVA).",
  options,
  needs: () => ({ logits: true, embeddings: "output", goingBack: true }),
  isPositive: "never",
  create: (context, given) => {
    const main = indexOfMember(context.voices, given.main, "main");
    return new SimilarityAlignment(context, main, given.k, { ...choiceOf(given), published: false });
  },
  build: async (voices, given, run) => {
    const main = indexOfMember(voices, given.main, "main");
    const members = voices.map(({ member }) => member);
    await SimilarityAlignment.build(members, main, { ...choiceOf(given), published: false }, run);
  },
  laws: {
    covers: "some",
    exempt: {
      order: "the main member's tokens are the space",
      agreement: "likeness is not identity: what a member says of one token goes in part to others like it",
    },
  },
});

/** In this order of keys, which is part of what a built matrix is known by. */
export function choiceOf({ neighbourhood, similar, leastSimilarity }: z.output<typeof options>) {
  return { neighbourhood, similar, leastSimilarity };
}
