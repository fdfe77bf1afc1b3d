/**
 * Spans put together from parts: where a span ends, and how it is judged. Each member writes one, all judge all, and the
 * smallest mean loss is appended, the first among equals; equal texts count once:
 *
 *     S(s) = Σ_j w_j · (−1/n Σ ln p_j(s | text))        n: the bytes of s (default), its tokens or words
 *
 * Ends: "parting", where the members' distributions part (parting.ts); so many "words"; a "line"; a "sentence"; the whole
 * "answer". Per byte, members with long tokens and with short ones count alike. Ours; its pieces are those of the published methods.
 */
import { z } from "zod";
import { defineMethod } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { type Candidate, firstSmallest, isSameText, meanLoss, PER, type Reading, together } from "./candidate.js";
import { afterLine, afterSentence, afterWords, atTheEnd, type SpanEnd } from "./ends.js";
import { partsAt, readingUpTo } from "./parting.js";
import { type Judged, type Round, type SpanChooser, SpanRun } from "./run.js";
import { REQUIRES, SPAN_EXEMPT, SPAN_NEEDS } from "./span-method.js";
import type { SpanTeam } from "./team.js";
import { writeUntil } from "./writers.js";

const options = z.strictObject({
  until: z
    .enum(["parting", "words", "line", "sentence", "answer"])
    .default("parting")
    .describe("Where a span ends: where members part, behind words, a line, a sentence, or the whole answer."),
  words: z.int().min(1).max(256).default(8).describe('Words of a span: at most with "parting", exactly with "words".'),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('With "parting": the divergence of a word, in bits, that ends the span before it.'),
  per: z.enum(PER).default("byte").describe('Loss per "byte", "token" of its judge, or "word".'),
});

type Options = z.output<typeof options>;

export const spans = defineMethod({
  name: "spans",
  summary: "Spans of your own making: ended where members part, by words, lines or sentences; the smallest loss wins.",
  source: "-",
  requires: REQUIRES,
  level: () => "span",
  options: schemaOptions(options),
  needs: () => SPAN_NEEDS,
  create: (context, given) => new SpanRun(context, new Spans(given), "spans"),
  laws: [
    { options: { words: 3 }, covers: "some", exempt: SPAN_EXEMPT },
    { options: { until: "words", words: 1, per: "word" }, covers: "some", exempt: SPAN_EXEMPT },
  ],
});

class Spans implements SpanChooser {
  constructor(private readonly options: Options) {}

  async next(team: SpanTeam, most: number): Promise<Round> {
    const { until, threshold, per } = this.options;
    const end = endOf(this.options);
    const pool = team.pool(await team.write(team.everyone, () => writeUntil(end, most)));
    const read = await team.judge(pool, team.everyone);
    const candidates: Judged[] = [];
    for (const [index, candidate] of pool.entries()) {
      const offset = until === "parting" ? partsAt(candidate.bytes, read[index], threshold) : candidate.bytes.length;
      const cut = cutCandidate(candidate, read[index], offset);
      const known = candidates.findIndex((other) => isSameText(other, cut.candidate));
      if (known >= 0) {
        const writers = together(candidates[known].writers, candidate.writers);
        candidates[known] = { ...candidates[known], writers };
        continue;
      }
      const scores = cut.readings.map((reading) => meanLoss(reading, cut.candidate, per));
      const score = scores.reduce((sum, loss, judge) => sum + team.voices[judge].weight * loss, 0);
      candidates.push({ ...cut.candidate, score, scores });
    }
    return { candidates, chosen: firstSmallest(candidates.map(({ score }) => score)) };
  }
}

function endOf({ until, words }: Options): SpanEnd {
  const ends = { line: afterLine, sentence: afterSentence, answer: atTheEnd };
  return until === "parting" || until === "words" ? afterWords(words) : ends[until];
}

/** The first bytes of a candidate, as they were read within it. */
function cutCandidate(
  candidate: Candidate,
  readings: readonly Reading[],
  offset: number,
): { candidate: Candidate; readings: readonly Reading[] } {
  const { length } = candidate.bytes;
  if (offset >= length) return { candidate, readings };
  // The writer's own tokens are not at hand: so much of them as there is of the bytes.
  const tokens = Math.max(1, Math.round((candidate.tokens * offset) / length));
  return {
    candidate: { ...candidate, bytes: candidate.bytes.slice(0, offset), ends: false, tokens },
    readings: readings.map((reading) => readingUpTo(reading, offset)),
  };
}
