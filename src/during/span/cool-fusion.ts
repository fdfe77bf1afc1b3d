/**
 * Cool-Fusion (Liu, Han, Yu and others, "Cool-Fusion: Fuse large language models without training", arXiv 2407.19807, ACL
 * 2025). Round by round:
 *
 *     1  every member writes on until a word ends that ends a token in every member's tokenisation
 *     2  S(s) = 1/K Σ_j PPL_j(s),   PPL_j(s) = exp(−1/n_j Σ ln p_j(t | text, s before t)),   n_j tokens of s for member j
 *     3  the text s of smallest S is appended, the first among equals; equal texts count once
 *
 * `granularity`: "segments" as above; "answers": each member writes its whole answer, and S chooses one; "both": the answer
 * that the segments make competes with the members' own.
 *
 * No code was published, and of the paper only what others report of it could be read: that is followed. Ours: the end counts
 * as a token of S; `mean: "log"` averages ln PPL, so that one member's surprise is no veto.
 */
import { z } from "zod";
import { defineMethod } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { type Candidate, firstSmallest, meanLoss, meanOf, PER, type Reading, together } from "./candidate.js";
import { afterCommonWord, atTheEnd } from "./ends.js";
import { type Round, type SpanChooser, SpanRun } from "./run.js";
import { REQUIRES, SPAN_EXEMPT, SPAN_NEEDS } from "./span-method.js";
import type { SpanTeam } from "./team.js";
import { writeUntil } from "./writers.js";

const options = z.strictObject({
  granularity: z
    .enum(["segments", "answers", "both"])
    .default("segments")
    .describe('"segments": word by word; "answers": among whole answers; "both": the words\' answer among them.'),
  mean: z
    .enum(["perplexity", "log"])
    .default("perplexity")
    .describe('What is averaged over members: "perplexity" (published), or its logarithm, "log".'),
  per: z.enum(PER).default("token").describe('Perplexity per "token" of its judge (published), "byte" or "word".'),
});

type Options = z.output<typeof options>;

export const coolFusion = defineMethod({
  name: "cool-fusion",
  summary: "Cool-Fusion: members write up to the next common word boundary; the smallest mean perplexity wins.",
  source: "arXiv 2407.19807; no code was published",
  requires: REQUIRES,
  level: () => "span",
  options: schemaOptions(options),
  needs: () => SPAN_NEEDS,
  ignoresWeights: () => "cool-fusion",
  create: (context, given) => new SpanRun(context, new CoolFusion(given), "cool-fusion"),
  laws: [
    { covers: "some", exempt: SPAN_EXEMPT },
    { options: { mean: "log", per: "byte" }, covers: "some", exempt: SPAN_EXEMPT },
  ],
});

class CoolFusion implements SpanChooser {
  constructor(private readonly options: Options) {}

  async next(team: SpanTeam, most: number): Promise<Round> {
    const { granularity } = this.options;
    if (granularity === "segments") return this.#segment(team, most);
    const pool = granularity === "both" ? [await this.#fused(team, most)] : [];
    pool.push(...(await team.write(team.everyone, () => writeUntil(atTheEnd, most))));
    return this.#choose(team, pool);
  }

  async #segment(team: SpanTeam, most: number): Promise<Round> {
    return this.#choose(team, await this.#segments(team, most));
  }

  #segments(team: SpanTeam, most: number, behind?: Uint8Array): Promise<Candidate[]> {
    const end = afterCommonWord(team.voices);
    return team.write(team.everyone, () => writeUntil(end, most), behind);
  }

  /** The answer that segments make. */
  async #fused(team: SpanTeam, most: number): Promise<Candidate> {
    let text: Candidate = { bytes: new Uint8Array(), ends: false, tokens: 0, writers: [] };
    while (!text.ends && text.tokens < most) {
      const written = await this.#segments(team, most - text.tokens, text.bytes);
      // No context has room for more.
      if (written.length === 0) break;
      const { candidates, chosen } = await this.#choose(team, written, text.bytes);
      const { bytes, ends, tokens, writers } = candidates[chosen];
      text = {
        bytes: Buffer.concat([text.bytes, bytes]),
        ends,
        tokens: text.tokens + Math.max(1, tokens),
        writers: together(text.writers, writers),
      };
    }
    return text;
  }

  async #choose(team: SpanTeam, written: readonly Candidate[], behind?: Uint8Array): Promise<Round> {
    const { mean, per } = this.options;
    const pool = team.pool(written);
    const read = await team.judge(pool, team.everyone, behind);
    const losses = pool.map((candidate, index) => lossesOf(read[index], candidate, per, mean));
    const candidates = pool.map((candidate, index) => ({
      ...candidate,
      score: meanOf(losses[index]),
      scores: losses[index],
    }));
    return { candidates, chosen: firstSmallest(candidates.map(({ score }) => score)) };
  }
}

/** Each judge's perplexity of a text, or its logarithm. */
export function lossesOf(
  readings: readonly Pick<Reading, "logProbs">[],
  candidate: Pick<Candidate, "bytes" | "ends">,
  per: Options["per"],
  mean: Options["mean"],
): number[] {
  const losses = readings.map((reading) => meanLoss(reading, candidate, per));
  return mean === "log" ? losses : losses.map(Math.exp);
}
