/**
 * Mixture-of-thought cascade: the weak model's samples vote (Yue and others, arXiv 2310.03094; MurongYue/LLM_MoT_cascade;
 * see signals/votes.ts).
 *
 *     vote    score = share of the most frequent answer among all samples, unreadable ones included
 *     verify  score = 1 where the most frequent answers of the first and of the second half of the samples are equal, else 0
 *
 * In the paper the samples come from prompts with a chain of thought and with programs, which are run; here they are the
 * table's samples or a member's, in their order, the first half from the one prompt and the second from the other where
 * both were asked. The share is of answers that are equal as texts or numbers after trimming, so answers should be short.
 */
import { z } from "zod";
import type { CallsPerAnswer, CascadeAnswer, CascadeInfo } from "../cascade.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { equalAnswers, majorityOf, voteOf } from "../signals/votes.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const motInfo: CascadeInfo = {
  name: "mot",
  summary: "Samples several answers and keeps the most frequent one where enough are equal; needs no training.",
  source: "arXiv 2310.03094",
  knobs: ["threshold"],
  needs: ["samples"],
  readsEmbedding: false,
  trainingFree: true,
  ends: THRESHOLD_ENDS,
  options: {
    decision: "vote, or verify: the two halves of the samples must elect the same answer. Default vote.",
    samples: "How many answers of each model but the last, 2 or more. Default 5.",
    chain: CHAIN_TEXT,
  },
};

export const motOptions = z.strictObject({
  decision: z.enum(["vote", "verify"]).default("vote"),
  samples: z.int().min(2).max(64).default(5),
  ...chainShape,
});

/** Of the vote, the paper's share that keeps the strong model's accuracy on most of its tasks. */
const UNTRAINED = 0.6;

export class MotCascade extends ScoreCascade {
  readonly info = motInfo;
  readonly #settings: z.output<typeof motOptions>;

  constructor(options: z.output<typeof motOptions>) {
    super(options);
    this.#settings = options;
  }

  override callsPerAnswer(model: number): CallsPerAnswer {
    return { samples: this.after(model) === undefined ? 1 : this.#settings.samples, verifications: 0 };
  }

  protected override untrainedThreshold(): number {
    return UNTRAINED;
  }

  protected scoreOf({ samples }: CascadeAnswer): Scored {
    if (samples === undefined || samples.length < 2) return { score: Number.NaN };
    const votes = samples.slice(0, this.#settings.samples).map(voteOf);
    const { share, place } = majorityOf(votes);
    // Without any answer there is nothing to keep.
    if (place < 0) return { score: Number.NaN };
    if (this.#settings.decision === "vote") return { score: share, sample: place };
    const half = Math.ceil(votes.length / 2);
    const [first, second] = [majorityOf(votes.slice(0, half)), majorityOf(votes.slice(half))];
    return { score: Number(equalAnswers(first.answer, second.answer)), sample: Math.max(0, first.place) };
  }
}
