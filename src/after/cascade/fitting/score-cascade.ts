/**
 * Cascades that score every answer: it is kept where its score ≥ τ, else the next model of the chain is asked; the last one's
 * answer is kept whatever its score. What the score means is in each cascade's own docstring. Without a knob τ is the fitted
 * one: the best mean quality on the training table, ties to the lower cost.
 */
import { z } from "zod";
import { quantile } from "../../../statistics.js";
import type { CascadeAnswer, CascadeFitData, CascadeQuery, CascadeState, CascadeStep, Knob } from "../cascade.js";
import { runOnRow } from "../evaluation/walk.js";
import { answersOf, queriesOf } from "./table-answers.js";
import { brief, TrainedCascade, type TrainingOptions } from "./trained-cascade.js";

/** Thresholds between the lowest and the highest score of the training table. */
const STEPS = 40;

/** JSON has no infinite numbers. */
const savedNumber = z.union([z.number(), z.literal("Infinity"), z.literal("-Infinity")]).transform(Number);
const writeNumber = (value: number) => (Number.isFinite(value) ? value : (String(value) as "Infinity" | "-Infinity"));

const scoreState = z.strictObject({ threshold: savedNumber, thresholds: z.array(savedNumber), learned: z.unknown() });

export interface Scored {
  /** The larger, the rather kept; NaN where the answer does not show what the rule reads. */
  score: number;
  /** The sample to keep; default the first. */
  sample?: number;
}

export abstract class ScoreCascade<Learned = unknown> extends TrainedCascade {
  #threshold = Number.POSITIVE_INFINITY;
  #thresholds: number[] = [];
  readonly #scores = new WeakMap<CascadeAnswer, Scored>();

  /** The score of an answer that is not the last model's. */
  protected abstract scoreOf(answer: CascadeAnswer, query: CascadeQuery): Scored;

  /** Learn what `scoreOf` needs. */
  protected learn(_data: CascadeFitData, _options: TrainingOptions): void | Promise<void> {}

  /** What `learn` has learned, as JSON. */
  protected learned(): Learned | null {
    return null;
  }

  protected restoreLearned(_learned: unknown): void {}

  /** The threshold without a knob, where it is not the best on the training table. */
  protected chooseThreshold(data: CascadeFitData, thresholds: readonly number[]): number {
    return bestThreshold(this, data, thresholds);
  }

  protected async train(data: CascadeFitData, options: TrainingOptions): Promise<void> {
    await this.learn(data, options);
    const queries = queriesOf(data);
    const scores = answersOf(data.table).flatMap((answers, row) =>
      this.order.slice(0, -1).map((model) => this.score(answers[model], queries[row]).score),
    );
    const sorted = Float64Array.from(scores.filter((score) => !Number.isNaN(score))).sort();
    const between = Array.from({ length: STEPS + 1 }, (_, step) => quantile(sorted, step / STEPS));
    this.#thresholds = [
      Number.NEGATIVE_INFINITY,
      ...new Set(between.filter((each) => Number.isFinite(each))),
      Number.POSITIVE_INFINITY,
    ];
    this.#threshold = this.chooseThreshold(data, this.#thresholds);
  }

  override begin(models: readonly string[]): void {
    super.begin(models);
    this.#threshold = (this.options.threshold as number | undefined) ?? this.untrainedThreshold();
  }

  /** τ of a cascade that was never fitted. */
  protected untrainedThreshold(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** As `scoreOf`, computed once for every answer. */
  score(answer: CascadeAnswer, query: CascadeQuery): Scored {
    let scored = this.#scores.get(answer);
    if (scored === undefined) this.#scores.set(answer, (scored = this.scoreOf(answer, query)));
    return scored;
  }

  protected decide({ query, answers }: CascadeState, { threshold = this.#threshold }: Knob): CascadeStep {
    const last = answers.length - 1;
    if (last < 0) {
      const [model] = this.order;
      return { stop: false, model, reason: `${this.nameOf(model)} is asked first` };
    }
    const answer = answers[last];
    const name = this.nameOf(answer.model);
    const next = this.after(answer.model);
    if (next === undefined) return { stop: true, answer: last, reason: `${name} is the last model` };
    const { score, sample } = this.score(answer, query);
    const kept = { stop: true as const, answer: last, ...(sample !== undefined && { sample }) };
    // Below every threshold, -Infinity apart: there the first answer is kept whatever it is.
    const isKept = score >= threshold || threshold === Number.NEGATIVE_INFINITY;
    const compared = `score ${brief(score)} ${isKept ? ">=" : "<"} threshold ${brief(threshold)}`;
    if (isKept) return { ...kept, reason: `${name} is kept: ${compared}` };
    return { stop: false, model: next, reason: `${name} defers to ${this.nameOf(next)}: ${compared}` };
  }

  settings(): readonly Knob[] {
    return this.#thresholds.map((threshold) => ({ threshold }));
  }

  protected state() {
    return {
      threshold: writeNumber(this.#threshold),
      thresholds: this.#thresholds.map(writeNumber),
      learned: this.learned(),
    };
  }

  protected restoreState(state: unknown): void {
    const { threshold, thresholds, learned } = scoreState.parse(state);
    this.#threshold = threshold;
    this.#thresholds = thresholds;
    this.restoreLearned(learned);
  }
}

function bestThreshold(cascade: ScoreCascade, data: CascadeFitData, thresholds: readonly number[]): number {
  const queries = queriesOf(data);
  let best = { threshold: Number.POSITIVE_INFINITY, quality: Number.NEGATIVE_INFINITY, cost: 0 };
  for (const threshold of thresholds) {
    let [quality, cost, rows] = [0, 0, 0];
    for (const [row, query] of queries.entries()) {
      const result = runOnRow(cascade, data.table, row, query, { threshold });
      if (Number.isNaN(result.quality)) continue;
      quality += result.quality;
      cost += result.cost;
      rows++;
    }
    quality /= rows;
    if (quality > best.quality || (quality === best.quality && cost < best.cost)) best = { threshold, quality, cost };
  }
  return best.threshold;
}
