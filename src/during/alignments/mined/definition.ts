import { z } from "zod";
import { indexOfMember, memberOption } from "../../member-option.js";
import type { Voice } from "../../method.js";
import type { BuildOptions } from "../build/pool.js";
import { defineAlignment } from "../define-alignment.js";
import { MinedAlignment, type MinedOptions } from "./alignment.js";
import { minedSpaceOf } from "./space.js";

export const mined = defineAlignment({
  name: "mined",
  summary: "One member's tokens, each matched to the nearest token of every other member by edit distance (PackLLM).",
  options: z.strictObject({
    reference: memberOption
      .default("auto")
      .describe(
        'The member that provides the tokens to choose from, by name or index; "auto": the one with the lowest perplexity.',
      ),
  }),
  needs: ({ reference }) => ({ logits: true, promptScores: reference === "auto", goingBack: true }),
  isPositive: "always",
  create: (context, { reference }) => new MinedAlignment(context, { reference, compat: false }),
  build: (voices, { reference }, run) => buildMined(voices, { reference, compat: false }, run),
  laws: { covers: "some" },
});

/** Find the nearest tokens beforehand: for the reference, or for every member that could become it. */
export async function buildMined(
  voices: readonly Voice[],
  { reference, compat }: MinedOptions,
  { onProgress, signal }: BuildOptions,
): Promise<void> {
  const members = voices.map(({ member }) => member);
  const references = reference === "auto" ? members.keys() : [indexOfMember(voices, reference, "reference")];
  const list = [...references];
  for (const [done, index] of list.entries()) {
    const report = (fraction: number) => onProgress?.((done + fraction) / list.length);
    await minedSpaceOf(members, index, compat, { onProgress: report, signal });
  }
}
