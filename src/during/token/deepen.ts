/**
 * DeePEn: fusing in relative space (Huang, Feng, Li, Xiang, Wang, Qin and Liu, "Ensemble Learning for Heterogeneous
 * Large Language Models with Deep Parallel Collaboration", arXiv 2404.12715).
 *
 *     r_i = softmax(z_i) · R_i        t = Σ_i w_i · r_i        z* = inverse search on the main member's logits for t
 *     u* = argmax softmax(z*) (or a draw), a token of the main member
 *
 * The alignment is relative space (relative.ts), the rule a weighted mean, or any other over the anchors; the way back to
 * tokens is the inverse search (inverse-search.ts), which only the main member needs. Where the search would do nothing
 * (a learning rate up to 1e-6) or the main member's own choice is to end, its distribution stands, as published.
 * Feedback: the main member takes its own token (feedback "token", published) or its bytes ("text"), the others its bytes,
 * with their whole text tokenised again.
 *
 * Shapes: one entry a string of the main member's vocabulary (main-vocabulary.ts), float64. Only the main member's end ends the text, as published.
 * Defaults: all anchors, 5 steps of AdamW with decay 0.01 (released code), learning rate 0.15 (the released example; the
 * code's own default 0 does not fuse, the paper tunes it for each task). Weights: the members' (DeePEn-Avg: all alike),
 * or `scores` (DeePEn-Adapt).
 *
 * What differs from the released code, unless `compat`: anchors are byte strings instead of texts of the model files; all
 * end tokens are one anchor, and tokens with the same bytes one entry; tokens that are never text are conditioned away; the other members are fed the bytes, where
 * the released code appends the text of the token as the model file has it, with a space only for a leading `▁`
 * (`<0x0A>` and `Ġthe` reach them as written).
 */
import { z } from "zod";
import type { Feedback } from "../../member/member.js";
import { settleAll } from "../../settle-all.js";
import { textAtFragmentStart } from "../../vocabulary/vocabulary.js";
import type { BuildOptions } from "../alignments/build/pool.js";
import { RelativeProjection, type RelativeSpace, relativeSpaceOf } from "../alignments/relative/alignment.js";
import { InverseSearch } from "../alignments/relative/inverse-search.js";
import { MainVocabulary } from "../alignments/relative/main-vocabulary.js";
import { UpToDate } from "../alignments/up-to-date.js";
import { indexOfMember } from "../gate.js";
import type { FusedDistribution, MethodContext, MethodInfo, MethodRun, Voice } from "../method.js";
import { MeanRule } from "../rules/mean.js";
import type { FusionRule } from "../rules/rule.js";
import { DevelopmentScores } from "../weightings/development-scores.js";
import { GivenWeights, type Weighting } from "../weightings/weighting.js";

export const deepenInfo: MethodInfo = {
  name: "deepen",
  summary: "Relative space: distributions over the tokens that all share, and back to the main member's by search.",
  source: "arXiv 2404.12715",
  requires: "Vocabularies with common tokens; GGUF models, whose input embeddings are read.",
  options: {
    main: "The member whose tokens are chosen, by name or index. Default 0.",
    learningRate: "η of the search. Default 0.15; 0 leaves the main member alone.",
    steps: "Steps of the search. Default 5.",
    weightDecay: "λ of the search's AdamW. Default 0.01; 0 leaves distributions that agree as they are.",
    anchors: "Anchors at most, drawn from the common tokens. Default: all.",
    seed: "Draws the anchors. Default 0.",
    scores: "Each member's score on a development set, by name (DeePEn-Adapt). Default: the members' weights.",
    feedback:
      '"token" (default, published): the main member takes its own token; "text": it tokenises its text anew, too.',
    compat: "Reproduce the released code's anchors and feedback. Default false.",
  },
};

export const deepenOptions = z.strictObject({
  main: z.union([z.string(), z.int().min(0)]).default(0),
  learningRate: z.number().min(0).default(0.15),
  steps: z.int().min(1).default(5),
  weightDecay: z.number().min(0).max(1).default(0.01),
  anchors: z.int().min(2).optional(),
  seed: z.int().min(0).default(0),
  scores: z.record(z.string(), z.number().min(0)).optional(),
  feedback: z.enum(["token", "text"]).default("token"),
  compat: z.boolean().default(false),
});

export type DeepenOptions = z.output<typeof deepenOptions>;

/** Up to this learning rate, nothing is searched. */
const LEAST_RATE = 1e-6;

/** The skip rules: there is nothing to search for, or the main member's own choice is to end. */
export function isSkipped(learningRate: number, mainEnds: boolean): boolean {
  return Math.abs(learningRate) <= LEAST_RATE || mainEnds;
}

export function createDeepen(context: MethodContext, options: DeepenOptions): MethodRun {
  return new DeepenRun(context, options);
}

/** Build, or take from the cache, what these members need. */
export async function buildDeepen(voices: readonly Voice[], options: DeepenOptions, run: BuildOptions): Promise<void> {
  await relativeSpaceOf(membersOf(voices), spaceOptions(options), run);
}

export class DeepenRun implements MethodRun {
  readonly #main: number;
  readonly #asked: readonly number[];
  readonly #weighting: Weighting;
  readonly #rule: FusionRule;
  readonly #upToDate: UpToDate;
  readonly #vocabulary: MainVocabulary;
  #parts: { projection: RelativeProjection; search: InverseSearch; space: RelativeSpace } | undefined;

  /** @param parts another rule over the anchors, other weights */
  constructor(
    private readonly context: MethodContext,
    private readonly options: DeepenOptions,
    parts: { rule?: FusionRule; weighting?: Weighting } = {},
  ) {
    const { voices } = context;
    const { main, scores, learningRate } = options;
    this.#main = indexOfMember(voices, main, "main");
    this.#asked = isSkipped(learningRate, false) ? [this.#main] : voices.map((_, index) => index);
    const given = scores === undefined ? new GivenWeights(voices) : new DevelopmentScores(voices, scores);
    this.#weighting = parts.weighting ?? given;
    this.#rule = parts.rule ?? new MeanRule();
    this.#upToDate = new UpToDate(context);
    this.#vocabulary = new MainVocabulary(voices[this.#main].member, options.compat);
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    const members = membersOf(voices);
    const space = await relativeSpaceOf(members, spaceOptions(this.options));
    const projection = new RelativeProjection(members, space);
    const search = new InverseSearch(space.operators[this.#main], this.options);
    this.#parts = { projection, search, space };
    await settleAll(members.map((member) => member.prepare({ top: traceTop, normaliser: traceTop > 0 })));
  }

  async step(): Promise<FusedDistribution> {
    const { projection, search } = this.#parts!;
    await this.#upToDate.bring(this.#asked);
    const aligned = projection.align(this.#asked);
    const main = this.#vocabulary.distribution(projection.shares[this.#main]);
    if (isSkipped(this.options.learningRate, main.best === main.endEntry)) return main;
    const weights = await this.#weighting.weightsOf(this.#asked);
    const target = this.#rule.fuse(aligned, weights, this.#asked);
    this.#startFrom(search.logits);
    search.search(target.probabilities);
    return this.#vocabulary.distribution(search.probabilities);
  }

  accept(entry: number): void {
    const { voices } = this.context;
    const { feedback, compat } = this.options;
    const { member: main } = voices[this.#main];
    const token = this.#vocabulary.tokenOf(entry);
    const ends = main.vocabulary.endTokens.includes(token);
    const text = main.vocabulary.bytesOf(token);
    const bytes = compat
      ? publishedText(main.vocabulary.textOf(token))
      : main.atFragmentStart
        ? textAtFragmentStart(text)
        : text;
    for (const [index, { member }] of voices.entries()) {
      const takesToken = index === this.#main && (feedback === "token" || compat);
      const own: Feedback = { kind: "tokens", ids: ends ? member.vocabulary.endTokens.slice(0, 1) : [token] };
      member.append(ends || takesToken ? own : { kind: "text", bytes });
    }
  }

  /** The main member's logits, with those that never speak out of the question. */
  #startFrom(logits: Float64Array): void {
    const speaks = this.#parts!.space.speaks[this.#main];
    const own = this.context.voices[this.#main].member.output.logits;
    for (let v = 0; v < logits.length; v++) logits[v] = speaks[v] === 1 ? own[v] : Number.NEGATIVE_INFINITY;
  }
}

function membersOf(voices: readonly Voice[]) {
  return voices.map(({ member }) => member);
}

function spaceOptions({ anchors, seed, compat }: DeepenOptions) {
  return { anchors, seed, published: compat };
}

/** What the released code appends to the other members' texts. */
function publishedText(text: string): Uint8Array {
  return Buffer.from(text.replace(/^▁/, " "));
}
