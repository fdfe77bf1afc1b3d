/**
 * One request's run of a method that is an alignment, a fusion rule, weights and a schedule:
 *
 *     p_i = alignment(member i)      w = weighting(asked members)      fused = rule(p, w)      chosen → alignment → members
 */
import { type AlignedStep, type Alignment, massOf } from "./alignments/alignment.js";
import type { AllowedTokens, FusedDistribution, MethodContext, MethodReport, MethodRun, Said } from "./method.js";
import { MeanRule } from "./rules/mean.js";
import type { FusionRule } from "./rules/rule.js";
import { type Gate, primaryDecides } from "./schedules/gate.js";
import { GivenWeights, type Weighting } from "./weightings/weighting.js";

export interface FusionParts {
  alignment: Alignment;
  rule: FusionRule;
  /** Default: the members' own weights. */
  weighting?: Weighting;
  /** Default: all members at every step. */
  gate?: Gate;
  /** Which members speak at the step to come (indices of the voices, ascending). Default: all of them. */
  speakers?(): readonly number[];
}

export class FusionRun implements MethodRun {
  readonly #alignment: Alignment;
  readonly #rule: FusionRule;
  readonly #weighting: Weighting;
  readonly #gate: Gate | undefined;
  readonly #speakers: () => readonly number[];
  /** One member's distribution as it is. */
  readonly #alone: MeanRule;
  readonly #voices: number;
  #pending: void | Promise<void> = undefined;
  #last: { asked: readonly number[]; weights: readonly number[]; rule: FusionRule } | undefined;

  constructor(context: MethodContext, { alignment, rule, weighting, gate, speakers }: FusionParts) {
    this.#alignment = alignment;
    this.#voices = context.voices.length;
    this.#rule = rule;
    this.#weighting = weighting ?? new GivenWeights(context.voices);
    this.#gate = gate;
    const everyone = context.voices.map((_, index) => index);
    this.#speakers = speakers ?? (() => everyone);
    this.#alone = new MeanRule(context.combiner);
  }

  prepare(): Promise<void> {
    return this.#alignment.prepare();
  }

  async step(): Promise<FusedDistribution> {
    await this.#pending;
    if (this.#gate !== undefined) {
      const alone = await this.#fuse([this.#gate.primary], [1], this.#alone);
      if (primaryDecides(alone.probabilities[alone.best], this.#gate.threshold)) return alone;
    }
    const speakers = this.#speakers();
    const weights = this.#weighting.weightsOf(speakers);
    // Awaiting costs a turn of the event loop.
    return this.#fuse(speakers, weights instanceof Promise ? await weights : weights, this.#rule);
  }

  accept(entry: number): void | Promise<void> {
    this.#rule.observe?.(entry);
    this.#pending = this.#alignment.accept(entry);
    // The next step reports what goes wrong here, also to a caller that does not wait.
    this.#pending?.catch(() => {});
    return this.#pending;
  }

  report(): MethodReport | undefined {
    return this.#alignment.report?.();
  }

  #saidOf(step: AlignedStep, asked: readonly number[], weights: readonly number[]): FusedDistribution["said"] {
    const { efforts } = step;
    if (efforts === undefined) return undefined;
    const said: (Said | undefined)[] = Array.from({ length: this.#voices });
    for (const [c, voice] of asked.entries()) {
      const probabilities = step.distributions[c];
      const effort = efforts[c];
      if (effort !== undefined) said[voice] = { ...effort, probabilities, mass: massOf(step, c), weight: weights[c] };
    }
    return said;
  }

  async among(allowed: (voice: number) => AllowedTokens): Promise<FusedDistribution | undefined> {
    const { asked, weights, rule } = this.#last!;
    const step = await this.#alignment.alignAmong?.(asked, allowed);
    return step && this.#fused(step, asked, weights, rule);
  }

  async #fuse(asked: readonly number[], weights: readonly number[], rule: FusionRule): Promise<FusedDistribution> {
    const alignment = this.#alignment;
    this.#last = { asked, weights, rule };
    const likeliest = rule.isMean ? await alignment.likeliest?.(asked, weights) : undefined;
    return likeliest ?? this.#fused(await alignment.align(asked), asked, weights, rule);
  }

  #fused(step: AlignedStep, asked: readonly number[], weights: readonly number[], rule: FusionRule): FusedDistribution {
    const fused = rule.fuse(step, weights, asked);
    const endEntry = step.conclude?.(fused) ?? step.endEntry;
    const { probabilities, best } = fused;
    const said = this.#saidOf(step, asked, weights);
    const { size, dictionary } = step;
    return { size, probabilities, best, endEntry, bytesOf: (entry) => step.bytesOf(entry), dictionary, said };
  }
}
