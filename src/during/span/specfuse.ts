/**
 * SpecFuse (Lv, Tang, Zhang and others, "SpecFuse: Ensembling large language models via next-segment prediction", arXiv
 * 2412.07380) and its third version, SpecEM. Round by round:
 *
 *     1  every active member writes a segment: the whole words of so many tokens
 *     2  v_ji = softmax_i of 1/n Σ ln p_j(segment i)         every active member votes
 *     3  score_i = Σ_j w_j v_ji; the largest is appended, the first among equals
 *
 * `exit`: members that did badly in this answer stop writing and voting (exit.ts). `weighting: "hedge"`: SpecEM's weights by
 * win counts (hedge.ts). Both sample segments at temperature 0.6 and top-p 0.9: give these with the request.
 *
 * No code of the exit was published; its formula is ours, made from what the abstracts say. SpecEM's code was: with `compat` it
 * is followed where it differs, raw logits divided by their sum (which ranks negative ones the wrong way) and a last word that
 * is always cut, even where the answer ends.
 */
import { z } from "zod";
import { logSumExp } from "../../statistics.js";
import { defineMethod } from "../define-method.js";
import type { Voice } from "../method.js";
import { schemaOptions } from "../method-options.js";
import { type Candidate, isSameText, meanLoss, type Reading } from "./candidate.js";
import { withinTokens } from "./ends.js";
import { type ExitOptions, ModelExit } from "./exit.js";
import { HedgeVotes } from "./hedge.js";
import { cutDraft, shareOfSum } from "./released-specem.js";
import { type Round, type SpanChooser, SpanRun } from "./run.js";
import { REQUIRES, SPAN_EXEMPT, SPAN_NEEDS } from "./span-method.js";
import type { SpanTeam } from "./team.js";
import { writeUntil } from "./writers.js";

const options = z.strictObject({
  window: z.int().min(1).max(256).default(10).describe("Tokens that a member writes for a segment."),
  exit: z.boolean().default(true).describe("Whether members that do badly leave for the rest of the answer."),
  exitShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("A member leaves below this share of an equal part of the quality; 0: none does."),
  exitFrom: z.int().min(1).default(2).describe("The round from which members may leave."),
  exitDecay: z.number().gt(0).lte(1).default(1).describe("What a round counts in the next; 1: all count alike."),
  weighting: z
    .enum(["given", "hedge"])
    .default("given")
    .describe('Weights of the votes: the members\' own, "given", or SpecEM\'s by win counts, "hedge".'),
  learningRate: z.number().gt(0).default(10).describe("SpecEM's learn_rate, of weighting hedge."),
  compat: z.boolean().default(false).describe("Vote and cut segments as SpecEM's released code does."),
});

type Options = z.output<typeof options>;

/** τ₀ and the least τ of the exit (ours). */
const TEMPERATURE = { start: 1, least: 0.05 };

export const specfuse = defineMethod({
  name: "specfuse",
  summary: "SpecFuse and SpecEM: members write segments and vote for the best; members that do badly leave.",
  source: "arXiv 2412.07380; the exit's formula is ours",
  requires: REQUIRES,
  level: () => "span",
  options: schemaOptions(options),
  needs: () => SPAN_NEEDS,
  ignoresWeights: ({ weighting }) => (weighting === "hedge" ? "specfuse with weighting hedge" : undefined),
  create: (context, given) => new SpanRun(context, new SpecFuse(given, context.voices), "specfuse"),
  laws: [
    { options: { window: 4 }, covers: "some", exempt: SPAN_EXEMPT },
    { options: { window: 3, weighting: "hedge", exit: false }, covers: "some", exempt: SPAN_EXEMPT },
  ],
});

class SpecFuse implements SpanChooser {
  readonly #exit: ModelExit | undefined;
  readonly #hedge: HedgeVotes | undefined;
  #active: number[];
  #rounds = 0;
  #invoked = 0;

  constructor(
    private readonly options: Options,
    private readonly voices: readonly Voice[],
  ) {
    const { exit, exitShare, exitFrom, exitDecay, weighting, learningRate } = options;
    const exits: ExitOptions = { share: exitShare, from: exitFrom, decay: exitDecay, temperature: TEMPERATURE };
    this.#exit = exit ? new ModelExit(voices.length, exits) : undefined;
    this.#hedge = weighting === "hedge" ? new HedgeVotes(voices.length, learningRate) : undefined;
    this.#active = voices.map((_, index) => index);
  }

  report(): Readonly<Record<string, number>> {
    return { membersPerRound: this.#rounds === 0 ? 0 : this.#invoked / this.#rounds };
  }

  async next(team: SpanTeam, most: number): Promise<Round> {
    const { window, compat } = this.options;
    const end = withinTokens(window);
    const drafts = await team.write(this.#active, () => writeUntil(end, most));
    const written = compat ? drafts.map(cutDraft) : drafts;
    const pool = team.pool(written);
    this.#rounds++;
    this.#invoked += this.#active.length;
    const read = await team.judge(pool, this.#active);
    // Members vote on what each of them wrote, equal texts or not.
    const writers = written.map(({ writers: [writer] }) => writer);
    const places = written.map((one) => pool.findIndex((other) => isSameText(one, other)));
    const votes = this.#active.map((_, judge) =>
      (compat ? shareOfSum : softmax)(places.map((place) => this.#quality(read[place][judge], pool[place]))),
    );
    const weights = this.#weightsFor(votes, writers);
    const scores = written.map((_, one) => votes.map((vote) => vote[one]));
    const totals = scores.map((own) => own.reduce((sum, vote, judge) => sum + weights[judge] * vote, 0));
    const best = totals.reduce((top, total, one) => (total > totals[top] ? one : top), 0);
    const judges = this.#active;
    this.#leave(votes, writers);
    const candidates = pool.map((candidate, place) => {
      const one = places.indexOf(place);
      const byVoice = this.voices.map((_, voice) => scores[one][judges.indexOf(voice)] as number | undefined);
      return { ...candidate, score: totals[one], scores: byVoice };
    });
    return { candidates, chosen: places[best] };
  }

  #quality(reading: Reading, candidate: Candidate): number {
    if (!this.options.compat) return -meanLoss(reading, candidate, "token");
    const logits = Array.from(reading.logits);
    return logits.length === 0 ? 0 : logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
  }

  #weightsFor(votes: readonly (readonly number[])[], writers: readonly number[]): number[] {
    const own = this.#active.map((index) => this.voices[index].weight);
    // Win counts compare members, each with a segment of its own.
    if (this.#hedge === undefined || writers.length !== this.#active.length) return own;
    const weights = this.#hedge.update(votes, this.#active);
    return this.#active.map((index) => weights[index]);
  }

  #leave(votes: readonly (readonly number[])[], writers: readonly number[]): void {
    if (this.#exit === undefined || writers.length !== this.#active.length) return;
    const { exits } = this.#exit.round(votes, this.#active);
    this.#active = this.#active.filter((index) => !exits.includes(index));
  }
}

/** e^q over their sum; equal parts where all are impossible. */
export function softmax(values: readonly number[]): number[] {
  const all = logSumExp(values);
  return values.map((value) => (all === Number.NEGATIVE_INFINITY ? 1 / values.length : Math.exp(value - all)));
}
