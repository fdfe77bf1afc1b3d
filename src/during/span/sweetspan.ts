/**
 * SweetSpan (Xu, Chen, Wu and Zhang, "Hit the Sweet Spot! Span-Level Ensemble for Large Language Models", arXiv 2409.18583).
 * Round by round, each member writes a span of a fixed number of words, all members say how perplexing they find each span,
 * scores that are not to be trusted are left out, and the span of the smallest mean perplexity is appended:
 *
 *     V(s) = { PPL_j(s) }     max V / min V > λ  ⇒  all copies of max and min are left out; where nothing is left, of max alone
 *     s* = argmin mean V(s), the first among equals
 *
 * The paper's code was not published. The filter, and λ = 10, are those of the code of arXiv 2601.06022 (AdaFuse), which
 * carries it without using it. `judges: "others"` keeps a member from judging its own span, which it wrote because it found
 * it likely (ours).
 */
import { z } from "zod";
import { defineMethod } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { firstSmallest, meanOf, PER, perplexity } from "./candidate.js";
import { afterWords } from "./ends.js";
import { type Round, type SpanChooser, SpanRun } from "./run.js";
import { REQUIRES, SPAN_EXEMPT, SPAN_NEEDS } from "./span-method.js";
import type { SpanTeam } from "./team.js";
import { writeUntil } from "./writers.js";

const options = z.strictObject({
  words: z.int().min(1).max(256).default(4).describe("Words of a span."),
  lambda: z
    .number()
    .min(1)
    .default(10)
    .describe("Scores of a span whose largest is more than this times the smallest lose both."),
  judges: z
    .enum(["all", "others"])
    .default("all")
    .describe('Who judges a span: "all" members (published), or the "others" than those that wrote it.'),
  per: z.enum(PER).default("token").describe('Perplexity per "token" of its judge (published), "byte" or "word".'),
});

type Options = z.output<typeof options>;

export const sweetspan = defineMethod({
  name: "sweetspan",
  summary: "SweetSpan: spans of a few words; the smallest mean perplexity wins, judges that differ too much left out.",
  source: "arXiv 2409.18583; no code was published, the filter is that of arXiv 2601.06022's",
  requires: REQUIRES,
  level: () => "span",
  options: schemaOptions(options),
  needs: () => SPAN_NEEDS,
  ignoresWeights: () => "sweetspan",
  create: (context, given) => new SpanRun(context, new SweetSpan(given), "sweetspan"),
  laws: [
    { options: { words: 2 }, covers: "some", exempt: SPAN_EXEMPT },
    { options: { words: 1, judges: "others", per: "word" }, covers: "some", exempt: SPAN_EXEMPT },
  ],
});

class SweetSpan implements SpanChooser {
  constructor(private readonly options: Options) {}

  async next(team: SpanTeam, most: number): Promise<Round> {
    const { words, lambda, judges, per } = this.options;
    const end = afterWords(words);
    const pool = team.pool(await team.write(team.everyone, () => writeUntil(end, most)));
    const read = await team.judge(pool, team.everyone);
    const candidates = pool.map((candidate, index) => {
      const all = read[index].map((reading) => perplexity(reading, candidate, per));
      const others = all.filter((_, judge) => judges === "all" || !candidate.writers.includes(judge));
      // What all have written has no others to judge it.
      const trusted = trustedPerplexities(others.length > 0 ? others : all, lambda);
      return { ...candidate, score: meanOf(trusted), scores: all };
    });
    return { candidates, chosen: firstSmallest(candidates.map(({ score }) => score)) };
  }
}

/** The scores that are left, in their order; at least one. */
export function trustedPerplexities(perplexities: readonly number[], lambda: number): number[] {
  const largest = Math.max(...perplexities);
  const smallest = Math.min(...perplexities);
  const ratio = smallest === 0 ? Number.POSITIVE_INFINITY : largest / smallest;
  if (!(ratio > lambda)) return [...perplexities];
  const inner = perplexities.filter((value) => value !== largest && value !== smallest);
  return inner.length > 0 ? inner : perplexities.filter((value) => value !== largest);
}
