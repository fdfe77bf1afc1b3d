/**
 * PackLLM: members weighted by how well they foretell the prompt (Mavromatis, Karypis and Karypis, "Pack of LLMs: Model
 * Fusion at Test-Time via Perplexity Optimization", arXiv 2404.11531): alignment "mined", rule "product", weights
 * "perplexity" (sim) or "perplexity-search" (opt).
 *
 *     p(x) = softmax(Σ_i λ_i z_i(map_i(x)))        x: tokens of the reference, λ from the prompt, Σ λ_i = 1
 *
 * A softmax of weighted logits is the normalised product of the distributions to these powers, so the rule is the geometric
 * mixture. See alignments/mined.ts for the map and weightings/perplexity.ts for λ. Defaults: sim, τ = 1, the member with
 * the lowest perplexity as reference, the prompt's λ kept through the answer (as the paper has it); `refresh` computes
 * them anew from prompt and answer.
 *
 * sim measures each member on its own tokens; with `compat`, as the released code does, all read the reference's tokens
 * mapped one by one, prompt and answer. opt needs the members at the same tokens and always measures so, on the last
 * places of the prompt that fit 512 MiB; each place is one decode of one token. The released code only scores given
 * answers, with weights from prompt and answer together; generating with the prompt's weights is ours after the paper.
 */
import { z } from "zod";
import type { BuildOptions } from "../alignments/build/pool.js";
import { MinedAlignment } from "../alignments/mined/alignment.js";
import { minedSpaceOf } from "../alignments/mined/space.js";
import { FusionRun } from "../fusion-run.js";
import { indexOfMember } from "../gate.js";
import type { MethodContext, MethodInfo, Voice } from "../method.js";
import { LogLinearRule } from "../rules/log-linear.js";
import { createWeighting } from "../weightings/kinds.js";

export const packllmInfo: MethodInfo = {
  name: "packllm",
  summary: "Perplexity: a product of the members, weighted by how well each foretells the prompt.",
  source: "arXiv 2404.11531",
  requires: "Any vocabularies.",
  options: {
    variant: '"sim" (default): weights from the perplexities; "opt": a search for the mixture of least perplexity.',
    tau: "With sim: τ, below 1 for sharper weights. Default 1.",
    refresh: "Compute the weights anew after so many steps. Default 0: never.",
    reference: 'The member whose tokens are chosen, by name or index. Default "auto": the lowest perplexity.',
    compat: "As released: the others read the reference's tokens mapped one by one. Default false.",
  },
};

export const packllmOptions = z
  .strictObject({
    variant: z.enum(["sim", "opt"]).default("sim"),
    tau: z.number().positive().optional(),
    refresh: z.int().min(0).default(0),
    reference: z.union([z.string(), z.int().min(0)]).default("auto"),
    compat: z.boolean().default(false),
  })
  .refine(({ variant, tau }) => variant === "sim" || tau === undefined, {
    path: ["tau"],
    error: 'is used only with variant "sim"',
  });

export type PackllmOptions = z.output<typeof packllmOptions>;

export function createPackllm(context: MethodContext, options: PackllmOptions): FusionRun {
  const { variant, tau = 1, refresh, reference, compat } = options;
  const alignment = new MinedAlignment(context, { reference, compat });
  const weights =
    variant === "sim"
      ? ({ name: "perplexity", tau, refresh } as const)
      : ({ name: "perplexity-search", refresh } as const);
  return new FusionRun(context, {
    alignment,
    rule: new LogLinearRule(),
    weighting: createWeighting(context.voices, weights, alignment),
  });
}

/** Find the nearest tokens beforehand: for the reference, or for every member that could become it. */
export async function buildPackllm(
  voices: readonly Voice[],
  { reference, compat }: PackllmOptions,
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
