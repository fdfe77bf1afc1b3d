/**
 * AdaFuse (Cui, Zhao and others, "AdaFuse: Adaptive ensemble decoding with test-time scaling for LLMs", arXiv 2601.06022).
 * Each member writes, from the text so far:
 *
 *     1  before each word: sure ⇔ p(1) − p(2) ≥ θ      the two most probable next tokens
 *     2  sure: the word is written greedily, and the next is looked at, up to `words` words
 *     3  unsure: each of the `branches` most probable next tokens is finished to a word, greedily: as many candidates, and stop
 *
 * Of all members' candidates, equal texts once, the smallest mean over members of −1/n_j Σ ln p_j is appended. Defaults θ 0.7,
 * 3 words and 3 branches are the paper's. Its released code does not run as it is and branches only when told to; this is the
 * paper's flow chart. White space is kept exactly (the code joins words by single spaces). A span is greedy, as published, in a
 * sampled request too, but for the words written while sure, which are then drawn (ours).
 */
import { z } from "zod";
import type { Saying } from "../../member/member.js";
import { defineMethod } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { firstSmallest, meanLoss, meanOf, PER } from "./candidate.js";
import type { Written } from "./ends.js";
import { type Round, type SpanChooser, SpanRun } from "./run.js";
import { REQUIRES, SPAN_EXEMPT, SPAN_NEEDS } from "./span-method.js";
import type { SpanTeam } from "./team.js";
import { wordEnds } from "./words.js";
import { type Ask, extended, idsOf, NOTHING, type Writer } from "./writers.js";

const options = z.strictObject({
  theta: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe("A member is sure from this margin between its two best tokens on."),
  words: z.int().min(1).max(64).default(3).describe("Words of a span at most."),
  branches: z.int().min(1).max(64).default(3).describe("First tokens that an unsure member tries."),
  per: z.enum(PER).default("token").describe('Loss per "token" of its judge (published), "byte" or "word".'),
});

type Options = z.output<typeof options>;

const BRANCHES = { ...SPAN_EXEMPT, copies: "an unsure member tries other words than its likeliest, and losses decide" };

export const adafuse = defineMethod({
  name: "adafuse",
  summary: "AdaFuse: sure members write longer spans, unsure ones try several words; the smallest mean loss wins.",
  source: "arXiv 2601.06022, its flow chart; the released code differs",
  requires: REQUIRES,
  level: () => "span",
  options: schemaOptions(options),
  needs: () => SPAN_NEEDS,
  ignoresWeights: () => "adafuse",
  create: (context, given) => new SpanRun(context, new AdaFuse(given), "adafuse"),
  laws: [
    { options: { words: 2 }, covers: "some", exempt: BRANCHES },
    { options: { theta: 0.05, words: 1, branches: 2 }, covers: "some", exempt: BRANCHES },
  ],
});

class AdaFuse implements SpanChooser {
  constructor(private readonly options: Options) {}

  async next(team: SpanTeam, most: number): Promise<Round> {
    const pool = team.pool(await team.write(team.everyone, () => expand(this.options, most)));
    const read = await team.judge(pool, team.everyone);
    const candidates = pool.map((candidate, index) => {
      const scores = read[index].map((reading) => meanLoss(reading, candidate, this.options.per));
      return { ...candidate, score: meanOf(scores), scores };
    });
    return { candidates, chosen: firstSmallest(candidates.map(({ score }) => score)) };
  }
}

export interface Gate {
  text: Uint8Array;
  margin: number;
  certain: boolean;
}

/** What one member writes. `onGate`: told of each decision. */
export async function* expand(
  { theta, words, branches }: Pick<Options, "theta" | "words" | "branches">,
  most: number,
  onGate?: (gate: Gate) => void,
): Writer {
  let written = NOTHING;
  for (let word = 0; word < words && !written.ended && written.sayings.length < most; word++) {
    const [first] = yield { ids: idsOf(written), count: 1, others: Math.max(2, branches) };
    if (first === undefined) break;
    const likeliest = rankedOf(first);
    const margin = marginOf(likeliest);
    const certain = margin >= theta;
    onGate?.({ text: written.bytes, margin, certain });
    if (!certain) return yield* branchesBehind(written, likeliest.slice(0, branches), most);
    written = yield* finishWord(extended(written, [first]), written.bytes.length, most);
  }
  return [written];
}

/** Each first token finished to its word. */
async function* branchesBehind(start: Written, firsts: readonly Saying[], most: number): Writer {
  const found: Written[] = [];
  for (const first of firsts) {
    const begun = extended(start, [first]);
    found.push(begun.ended ? begun : yield* finishWord(begun, start.bytes.length, most));
  }
  return found;
}

/** Go on greedily until the word that begins at this offset is whole, or the answer ends: then without its end. */
async function* finishWord(begun: Written, from: number, most: number): AsyncGenerator<Ask, Written, Saying[]> {
  let written = begun;
  while (!written.ended && written.sayings.length < most) {
    const [next] = yield { ids: idsOf(written), count: 1, others: 1 };
    if (next === undefined || next.id < 0) return written;
    const more = extended(written, [next]);
    const closed = wordEnds(more.bytes.subarray(from), false)[0];
    if (closed !== undefined && from + closed <= written.bytes.length) return written;
    written = more;
  }
  return written;
}

/** A saying and the others, likeliest first. A drawn one may not be the first. */
function rankedOf({ others = [], ...first }: Saying): Saying[] {
  return [first, ...others.filter(({ id }) => id !== first.id)].sort((a, b) => b.logProb - a.logProb);
}

/** p(1) − p(2) of the sayings, likeliest first. */
export function marginOf([first, second]: readonly Saying[]): number {
  return Math.exp(first.logProb) - (second === undefined ? 0 : Math.exp(second.logProb));
}
