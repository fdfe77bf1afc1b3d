/** SweetSpan's filter of perplexities, and the span that is chosen by what it leaves. */
import { firstSmallest, meanOf } from "../../../src/during/span/candidate.js";
import { trustedPerplexities } from "../../../src/during/span/sweetspan.js";
import type { GoldenAdapter } from "../adapter.js";

export const sweetspan: GoldenAdapter = {
  method: "sweetspan",
  tolerance: 1e-11,
  run({ lambda, perplexities }: { lambda: number; perplexities: number[][] }) {
    const kept = perplexities.map((own) => trustedPerplexities(own, lambda));
    const scores = kept.map(meanOf);
    return { kept, scores, best: firstSmallest(scores) };
  },
};
