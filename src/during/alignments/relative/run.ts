/**
 * Fusing in relative space: distributions over the anchors become one, and a search leads back to the main member's tokens.
 *
 *     r_i = softmax(z_i) · R_i        t = rule(r)        z* = inverse search on the main member's logits for t
 *
 * Where the search would do nothing (a learning rate up to 1e-6) or the main member's own choice is to end, its distribution
 * stands, as published.
 */
import type { Feedback } from "../../../member/member.js";
import { settleAll } from "../../../settle-all.js";
import { textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import { indexOfMember } from "../../member-option.js";
import type { FusedDistribution, MethodContext, MethodRun, Voice } from "../../method.js";
import type { FusionRule } from "../../rules/rule.js";
import type { Weighting } from "../../weightings/weighting.js";
import type { BuildOptions } from "../build/pool.js";
import { UpToDate } from "../up-to-date.js";
import { RelativeProjection, type RelativeSpace, relativeSpaceOf } from "./alignment.js";
import { InverseSearch } from "./inverse-search.js";
import { MainVocabulary } from "./main-vocabulary.js";

export interface RelativeRunOptions {
  /** The member that provides the tokens to choose from, by name or index. */
  main: string | number;
  learningRate: number;
  steps: number;
  weightDecay: number;
  anchors?: number;
  seed: number;
  /** "token": the main member takes its own token; "text": it tokenises its text anew, too. */
  feedback: "token" | "text";
  /** The released code's anchors and feedback. */
  compat: boolean;
}

/** Up to this learning rate, nothing is searched. */
const LEAST_RATE = 1e-6;

/** The skip rules: there is nothing to search for, or the main member's own choice is to end. */
export function isSkipped(learningRate: number, mainEnds: boolean): boolean {
  return Math.abs(learningRate) <= LEAST_RATE || mainEnds;
}

/** Build, or take from the cache, what these members need. */
export async function buildRelative(
  voices: readonly Voice[],
  options: RelativeRunOptions,
  run: BuildOptions,
): Promise<void> {
  await relativeSpaceOf(membersOf(voices), spaceOptions(options), run);
}

export class RelativeRun implements MethodRun {
  readonly #main: number;
  readonly #asked: readonly number[];
  readonly #weighting: Weighting;
  readonly #rule: FusionRule;
  readonly #upToDate: UpToDate;
  readonly #vocabulary: MainVocabulary;
  #parts: { projection: RelativeProjection; search: InverseSearch; space: RelativeSpace } | undefined;

  constructor(
    private readonly context: MethodContext,
    private readonly options: RelativeRunOptions,
    parts: { rule: FusionRule; weighting: Weighting },
  ) {
    const { voices } = context;
    const { main, learningRate } = options;
    this.#main = indexOfMember(voices, main, "main");
    this.#asked = isSkipped(learningRate, false) ? [this.#main] : voices.map((_, index) => index);
    this.#weighting = parts.weighting;
    this.#rule = parts.rule;
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
    await settleAll(
      members.map((member) =>
        member.prepare({ top: traceTop, normaliser: traceTop > 0 || this.context.wantsNormaliser }),
      ),
    );
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

function spaceOptions({ anchors, seed, compat }: RelativeRunOptions) {
  return { anchors, seed, published: compat };
}

/** What the released code appends to the other members' texts. */
function publishedText(text: string): Uint8Array {
  return Buffer.from(text.replace(/^▁/, " "));
}
