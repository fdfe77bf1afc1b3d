/**
 * SelectLLM: a classifier chooses a subset of models, whose answers are voted on (Maurya, Srivatsa and Kochmar, arXiv
 * 2408.08545; no code in reach).
 *
 *     c_m(x) = P(m answers x rightly), from heads with even class weights, then isotonic on held-out queries
 *     S(x)   = the k models with the largest c_m; ties to the faster model
 *     labelled-max-conf    only models that are predicted right (c_m ≥ 0.5); the best one where none is
 *     max-conf             by confidence alone
 *     weighted-max-conf    by confidence alone, and m's vote counts c_m instead of 1
 *
 * The policies are from the paper's summaries. The exact rule for the subset was not in reach: k is ours, the smallest
 * size whose vote on held-out queries is right within `tolerance` of the best size; so are logistic heads on embeddings
 * (RoBERTa in the paper), the isotonic calibration and cost in the place of latency where a table has none. Where
 * it has no answers, all wrong models count as one answer.
 *
 * The knob threshold τ replaces 0.5 and holds for every policy: models with c_m < τ stay out, except the best one. λ ranks
 * by c_m − λ ĉ_m instead and leaves out whom that makes negative, except the first (ours).
 */
import { z } from "zod";
import { IsotonicRegression, savedIsotonic } from "../../learning/calibration.js";
import { columnOf, type Matrix, makeMatrix, rowOf, selectRows } from "../../learning/matrix.js";
import { worthAt } from "../allocation/choose.js";
import { holdOut } from "../fitting/hold-out.js";
import { SuccessHeads, savedHeads } from "../fitting/success-heads.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import { majorityRight, RIGHT, type Sample, samplesOf, weightedVote } from "../fitting/votes.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

export const selectLlmInfo: RouterInfo = {
  name: "select-llm",
  summary: "The models most likely to be right answer and vote.",
  source: "arXiv 2408.08545",
  knobs: ["lambda", "threshold"],
  options: {
    policy: "labelled-max-conf, max-conf or weighted-max-conf. Default weighted-max-conf.",
    size: "k: most models that answer. Default: tuned on held-out queries.",
    tolerance: "Accuracy that a smaller k may lose against the best k. Default 0.005.",
    heldOut: "Share of the queries held out to calibrate and to choose k. Default 0.2.",
  },
};

const POLICIES = ["labelled-max-conf", "max-conf", "weighted-max-conf"] as const;

export const selectLlmOptions = z.strictObject({
  policy: z.enum(POLICIES).default("weighted-max-conf"),
  size: z.int().min(1).optional(),
  tolerance: z.number().min(0).max(1).default(0.005),
  heldOut: z.number().min(0.05).max(0.5).default(0.2),
});

type SelectLlmOptions = z.output<typeof selectLlmOptions>;

const selectLlmState = z.strictObject({
  heads: savedHeads,
  calibrations: z.array(savedIsotonic.nullable()),
  order: z.array(z.int().min(0)),
  size: z.int().min(1),
});

export class SelectLlmRouter extends TrainedRouter<z.infer<typeof selectLlmState>> {
  readonly info = selectLlmInfo;
  readonly #settings: SelectLlmOptions;
  #heads!: SuccessHeads;
  /** null for a model without held-out outcomes. */
  #calibrations: (IsotonicRegression | null)[] = [];
  /** Models from the fastest. */
  #order: number[] = [];
  #size = 1;

  constructor(options: SelectLlmOptions) {
    super(options);
    this.#settings = options;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const { heldOut, size, tolerance } = this.#settings;
    const labels = makeMatrix(table.rows, table.models.length);
    for (let row = 0; row < table.rows; row++) {
      for (let model = 0; model < table.models.length; model++) {
        labels.set(row, model, majorityRight(table, row, model));
      }
    }
    const { fitted, held } = holdOut(labels, heldOut, training.seed);
    const fitRows = [selectRows(embeddings, fitted), selectRows(labels, fitted)] as const;
    this.#heads = await SuccessHeads.fit(...fitRows, { balanced: true }, training);
    const raw = held.map((row) => this.#heads.predict(rowOf(embeddings, row)));
    this.#calibrations = calibrationsOf(raw, selectRows(labels, held));
    this.#order = fastestFirst(table);
    const confidences = raw.map((values) => this.#calibrated(values));
    const sizes = Array.from({ length: size ?? table.models.length }, (_, index) => index + 1);
    this.#size = size ?? smallestGood(sizes, (k) => this.#accuracy(table, held, confidences, k), tolerance);
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#calibrated(this.#heads.predict(embedding));
  }

  override choose(estimate: Estimate, { threshold, lambda }: Knob): Choice {
    const worth = lambda === undefined ? undefined : worthAt(estimate, lambda);
    return this.#subset(estimate.quality, this.#size, { threshold, worth });
  }

  protected state() {
    return {
      heads: this.#heads.toJSON(),
      calibrations: this.#calibrations.map((each) => each?.toJSON() ?? null),
      order: this.#order,
      size: this.#size,
    };
  }

  protected restoreState(state: unknown): void {
    const { heads, calibrations, order, size } = selectLlmState.parse(state);
    this.#heads = SuccessHeads.restore(heads);
    this.#calibrations = calibrations.map((each) => each && IsotonicRegression.restore(each));
    this.#order = order;
    this.#size = size;
  }

  #calibrated(confidences: Float64Array): Float64Array {
    return confidences.map((confidence, model) => this.#calibrations[model]?.predict(confidence) ?? confidence);
  }

  /** worth: what ranks the models, and must not be negative; default their confidence. */
  #subset(
    confidences: Float64Array,
    size: number,
    { threshold, worth }: { threshold?: number; worth?: Float64Array } = {},
  ): Choice {
    const { policy } = this.#settings;
    const least = threshold ?? (policy === "labelled-max-conf" ? RIGHT : Number.NEGATIVE_INFINITY);
    const value = worth ?? confidences;
    // Sorting is stable: equal models stay in the order of speed.
    const ranked = [...this.#order].sort((a, b) => value[b] - value[a]).slice(0, size);
    const joins = (model: number) => confidences[model] >= least && (worth === undefined || worth[model] >= 0);
    const members = ranked.filter((model, place) => place === 0 || joins(model));
    if (members.length === 1) return { members };
    return { members, votes: members.map((model) => (policy === "weighted-max-conf" ? confidences[model] : 1)) };
  }

  /** How often the vote of k models is right on these rows. */
  #accuracy(table: OutcomeTable, rows: readonly number[], confidences: readonly Float64Array[], k: number): number {
    let right = 0;
    for (const [index, row] of rows.entries()) {
      const { members, votes } = this.#subset(confidences[index], k);
      const ballots = members.map((model, place) => ({
        samples: ballotOf(table, row, model),
        weight: votes?.[place] ?? 1,
      }));
      right += Number(weightedVote(ballots)?.isRight ?? false);
    }
    return right / rows.length;
  }
}

/** The smallest size whose accuracy is within the tolerance of the best. */
export function smallestGood(sizes: readonly number[], accuracy: (size: number) => number, tolerance: number): number {
  const accuracies = sizes.map(accuracy);
  const best = Math.max(...accuracies);
  return sizes[accuracies.findIndex((each) => each >= best - tolerance)] ?? sizes[0];
}

/** A model's answers; without answers "right" or "wrong". */
function ballotOf(table: OutcomeTable, row: number, model: number): Sample[] {
  if (table.answers !== undefined) return samplesOf(table, row, model);
  const right = majorityRight(table, row, model);
  return Number.isNaN(right) ? [] : [{ answer: String(right), isRight: right === 1 }];
}

function calibrationsOf(raw: readonly Float64Array[], labels: Matrix): (IsotonicRegression | null)[] {
  return Array.from({ length: labels.shape[1] }, (_, model) => {
    const outcomes = columnOf(labels, model);
    if (outcomes.every(Number.isNaN)) return null;
    return IsotonicRegression.fit(
      raw.map((values) => values[model]),
      outcomes,
    );
  });
}

function fastestFirst(table: OutcomeTable): number[] {
  const slowness = table.meansOf(table.latencyMs ?? table.cost);
  const place = (model: number) => (Number.isNaN(slowness[model]) ? Number.POSITIVE_INFINITY : slowness[model]);
  return Array.from(slowness.keys()).sort((a, b) => (place(a) === place(b) ? a - b : place(a) - place(b)));
}
