/**
 * Mixture of agents (Wang et al., arXiv 2406.04692): layers of answers. Every member answers; in each further layer every member
 * answers again and reads all answers of the layer before; in the last, one member writes the answer from them. 3 layers, as
 * published. `self-moa` (Li et al., arXiv 2502.00674) is the baseline that often does better: one member's own samples, 6 as
 * published, from which it writes the answer.
 *
 * The published code puts the answers into a system message and samples everything at 0.7. Here they stand in the user's message, since
 * not every chat template takes a system message, in words of ours; several samples are drawn at 0.7, and the answer is
 * written as the request says. It ends where a layer agrees on one text.
 */
import { z } from "zod";
import { WRITE_FROM_ANSWERS } from "../../prompts/prompts.js";
import { isBlank } from "../../select/candidate.js";
import { sampling } from "../../select/define-selection.js";
import { judgesOf } from "../../select/judges.js";
import { defineRegeneration, type RegenerationRule } from "../define-regeneration.js";
import { different, heaviestOf, promptsFrom, writeFrom, writerOption, writingPrompt } from "../writing.js";

interface Layering {
  layers: number;
  writer?: string;
  prompt: string;
}

export const moa = defineRegeneration({
  name: "moa",
  summary: "Mixture of agents: members answer in layers, each reading all answers before; one writes the last.",
  source: "arXiv 2406.04692",
  requires: "Two or more answers; members that follow instructions.",
  options: z.strictObject({
    ...sampling(1, 0.7),
    layers: z.int().min(2).max(20).default(3).meta({
      description: "Layers, the first answers and the written one among them.",
    }),
    writer: writerOption,
    prompt: writingPrompt(WRITE_FROM_ANSWERS),
  }),
  create: (layering) => layered(layering),
  laws: [{}, { options: { layers: 2 } }],
});

export const selfMoa = defineRegeneration({
  name: "self-moa",
  summary: "Samples answers of the writing member alone, which then writes the answer from them.",
  source: "arXiv 2502.00674",
  requires: "One, sampled; it follows instructions. Of several, the others are not asked.",
  options: z.strictObject({
    ...sampling(6, 0.7),
    writer: writerOption,
    prompt: writingPrompt(WRITE_FROM_ANSWERS),
  }),
  create: ({ writer, prompt }) => ({
    ...layered({ layers: 2, writer, prompt }),
    proposers: (members) => {
      const judges = Array.from(members.keys());
      return writer === undefined ? [heaviestOf(members, judges)] : judgesOf(writer, { members, judges });
    },
  }),
  laws: [{}],
});

function layered({ layers, writer, prompt }: Layering): RegenerationRule {
  return {
    planned: (first) => first * (layers - 1),
    async *regenerate(candidates, context) {
      let read = different(candidates);
      for (let layer = 1; layer < layers - 1 && read.length > 1; layer++) {
        const prompts = promptsFrom(context, prompt, read);
        const asks = candidates
          .filter(({ member }) => context.alive.includes(member))
          .map(({ member, sample }) => ({ member, sample, prompts }));
        const answers = (yield* context.ask(layer, asks)).filter((each) => !isBlank(each));
        // Contexts that hold no answers leave what there is.
        if (answers.length === 0) break;
        read = different(answers);
      }
      if (read.length === 1) return { best: read[0], reason: "All answers of a layer are the same." };
      const written = yield* writeFrom(context, { writer, prompt, answers: read });
      return { best: read[0], written, read, reason: `Written from ${read.length} different answers.` };
    },
  };
}
