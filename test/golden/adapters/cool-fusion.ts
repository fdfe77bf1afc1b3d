/** Cool-Fusion: where segments end, and which of them is chosen. */
import { firstSmallest, meanOf, pooled } from "../../../src/during/span/candidate.js";
import { lossesOf } from "../../../src/during/span/cool-fusion.js";
import { commonTokenEnds, wordEnds } from "../../../src/during/span/words.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  candidates: { text: string; ended: boolean; tokenisations: string[][] }[];
  segmentLogProbs: { segment: string; end: boolean; byJudge: number[][] }[];
}

export const coolFusion: GoldenAdapter = {
  method: "cool-fusion",
  tolerance: 1e-9,
  run({ candidates, segmentLogProbs }: Input) {
    const found = candidates.map(({ text, ended, tokenisations }) => {
      const bytes = Buffer.from(text);
      const tokens = tokenisations.map((pieces) => pieces.map((piece) => Buffer.from(piece)));
      const commonBoundaries = commonTokenEnds(bytes.length, tokens);
      const wordBoundaries = wordEnds(bytes, ended);
      const commonWordBoundaries = wordBoundaries.filter((offset) => commonBoundaries.includes(offset));
      const [offset] = commonWordBoundaries;
      const segment = offset === undefined ? null : bytes.subarray(0, offset).toString("utf8");
      return {
        commonBoundaries,
        wordBoundaries,
        commonWordBoundaries,
        segment,
        end: ended && offset === bytes.length,
      };
    });
    const written = found.flatMap(({ segment, end }, writer) =>
      segment === null ? [] : [{ bytes: Buffer.from(segment), ends: end, tokens: 1, writers: [writer] }],
    );
    const pool = pooled(written);
    const textOf = ({ bytes }: (typeof pool)[number]) => Buffer.from(bytes).toString("utf8");
    const losses = (mean: "perplexity" | "log") =>
      pool.map((candidate) => {
        const { byJudge } = segmentLogProbs.find(
          ({ segment, end }) => segment === textOf(candidate) && end === candidate.ends,
        )!;
        const readings = byJudge.map((logProbs) => ({ logProbs }));
        return lossesOf(readings, candidate, "token", mean);
      });
    const perplexities = losses("perplexity");
    const meanPerplexity = perplexities.map(meanOf);
    const meanLogPerplexity = losses("log").map(meanOf);
    const chosen = firstSmallest(meanPerplexity);
    return {
      candidates: found,
      union: pool.map((candidate) => ({ segment: textOf(candidate), end: candidate.ends })),
      perplexities,
      meanPerplexity,
      meanLogPerplexity,
      chosen,
      chosenByLog: firstSmallest(meanLogPerplexity),
      text: textOf(pool[chosen]),
    };
  },
};
