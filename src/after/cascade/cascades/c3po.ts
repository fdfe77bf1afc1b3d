/**
 * C3PO: thresholds that change the strongest model's answers least, found without labels, under a bound on what a query may
 * cost (Valkanas and others, arXiv 2511.07396; see search/cost-bound.ts).
 *
 *     confidence  share of equal samples, a verifier's, or the geometric mean of the tokens' probabilities
 *     promise     P(cost of a new query > budget) ≤ α, for queries like those of the calibration half
 *
 * No quality is read. Half of the rows, drawn by the seed, measure how often an answer differs from the last model's, the other
 * half what queries cost. Answers are equal as votes are (signals/votes.ts), so they should be short. Without a budget the plan
 * with the least regret is used.
 */
import { z } from "zod";
import { drawOrder } from "../../../learning/draws.js";
import { RandomGenerator } from "../../../random.js";
import type {
  CallsPerAnswer,
  CascadeAnswer,
  CascadeFitData,
  CascadeInfo,
  CascadeState,
  CascadeStep,
  Knob,
} from "../cascade.js";
import { planFor } from "../fitting/plans.js";
import { answersOf } from "../fitting/table-answers.js";
import { brief, TrainedCascade, type TrainingOptions } from "../fitting/trained-cascade.js";
import { type ConfidentAnswer, costBoundPoints } from "../search/cost-bound.js";
import { tokenConfidence } from "../signals/token-features.js";
import { majorityOf, voteOf } from "../signals/votes.js";
import { CHAIN_TEXT, chainShape } from "./chain-options.js";
import { tooFewToPromise } from "./promises.js";

export const c3poInfo: CascadeInfo = {
  name: "c3po",
  summary: "Finds thresholds without labels, so that few queries cost more than a budget.",
  source: "arXiv 2511.07396",
  knobs: ["budget"],
  needs: ["answers"],
  readsEmbedding: false,
  trainingFree: false,
  ends: { first: { budget: 0 } },
  options: {
    confidence: "votes, verifier, or probability (of the tokens). Default: the first of these that the table has.",
    alpha: "The share of queries that may cost more than the budget, 0 to 1. Default 0.1.",
    steps: "Grid values of each threshold, 2 to 40. Default 12; fewer in chains of five or more.",
    chain: CHAIN_TEXT,
  },
};

const CONFIDENCES = ["votes", "verifier", "probability"] as const;

export const c3poOptions = z.strictObject({
  confidence: z.enum(CONFIDENCES).optional(),
  alpha: z.number().gt(0).lt(1).default(0.1),
  steps: z.int().min(2).max(40).default(12),
  ...chainShape,
});

const c3poState = z.strictObject({
  confidence: z.enum(CONFIDENCES),
  samples: z.int().min(1),
  plans: z
    .array(
      z.strictObject({
        thresholds: z.array(z.number()).min(1),
        regret: z.number(),
        /** The cost that a share α of queries may exceed. */
        cost: z.number(),
        meanCost: z.number(),
      }),
    )
    .min(1),
});
type C3poState = z.infer<typeof c3poState>;

/** Grid points that are tried. */
const MOST_POINTS = 20_000;

export class C3poCascade extends TrainedCascade<C3poState> {
  readonly info = c3poInfo;
  readonly #settings: z.output<typeof c3poOptions>;
  #fitted: C3poState = { confidence: "votes", samples: 1, plans: [] };

  constructor(options: z.output<typeof c3poOptions>) {
    super(options);
    this.#settings = options;
  }

  override callsPerAnswer(model: number): CallsPerAnswer {
    return { samples: this.after(model) === undefined ? 1 : this.#fitted.samples, verifications: 0 };
  }

  protected train({ table }: CascadeFitData, { seed }: TrainingOptions): void {
    const { alpha, steps } = this.#settings;
    const answers = answersOf(table);
    const confidence = this.#settings.confidence ?? this.#found(answers);
    const most = (row: readonly CascadeAnswer[]) =>
      Math.max(...this.order.map((model) => row[model].samples?.length ?? 1));
    const samples = confidence === "votes" ? Math.max(1, ...answers.map(most)) : 1;
    this.#fitted = { confidence, samples, plans: [] };
    const rows = Array.from(drawOrder(new RandomGenerator(seed), table.rows)).map((row) =>
      this.order.map((model): ConfidentAnswer => {
        const answer = answers[row][model];
        const one = table.hasCosts ? table.cost.get(row, model) : 1;
        return {
          answer: keyOf(answer, this.callsPerAnswer(model).samples),
          confidence: this.#confidence(answer),
          cost: one * this.callsPerAnswer(model).samples,
        };
      }),
    );
    const complete = rows.filter((row) => row.every(({ cost }) => !Number.isNaN(cost)));
    const middle = Math.ceil(complete.length / 2);
    const places = this.order.length - 1;
    const points = costBoundPoints(complete.slice(0, middle), complete.slice(middle), {
      costs: this.order.map((model) => this.costs[model]),
      steps: Math.max(2, Math.min(steps, Math.floor(MOST_POINTS ** (1 / Math.max(1, places))))),
      alpha,
      budget: Number.POSITIVE_INFINITY,
    });
    const plans: C3poState["plans"] = [];
    for (const { thresholds, regret, costQuantile, meanCost } of points.toSorted(
      (a, b) => a.costQuantile - b.costQuantile || a.regret - b.regret || a.meanCost - b.meanCost,
    )) {
      if (plans.length > 0 && regret >= plans.at(-1)!.regret) continue;
      plans.push({ thresholds, regret, cost: costQuantile, meanCost });
    }
    if (plans.length === 0)
      throw tooFewToPromise(table.name, complete.length - middle, Math.ceil(1 / alpha) - 1, `α = ${alpha}`);
    this.#fitted.plans = plans;
  }

  protected decide({ answers }: CascadeState, { budget = Number.POSITIVE_INFINITY }: Knob): CascadeStep {
    const { thresholds, cost } = planFor(this.#fitted.plans, budget);
    const last = answers.length - 1;
    const place = last < 0 ? -1 : this.order.indexOf(answers[last].model);
    const end = this.order.length - 1;
    if (place >= 0) {
      const name = this.nameOf(answers[last].model);
      if (place === end) return { stop: true, answer: last, reason: `${name} is the last model` };
      const confidence = this.#confidence(answers[last]);
      const isKept = confidence >= thresholds[place];
      const compared = `confidence ${brief(confidence)} ${isKept ? ">=" : "<"} ${brief(thresholds[place])}`;
      if (isKept) {
        const sample = this.#fitted.confidence === "votes" ? Math.max(0, votesOf(answers[last]).place) : 0;
        return { stop: true, answer: last, sample, reason: `${name} is kept: ${compared}` };
      }
      const model = this.order[this.#following(thresholds, place)];
      return { stop: false, model, reason: `${name} defers to ${this.nameOf(model)}: ${compared}` };
    }
    const model = this.order[this.#following(thresholds, -1)];
    const promise = `at most ${brief(100 * this.#settings.alpha)} % of queries cost more than ${brief(cost)}`;
    return { stop: false, model, reason: `${this.nameOf(model)} is asked first: ${promise}` };
  }

  /** The next place that the plan calls. */
  #following(thresholds: readonly number[], place: number): number {
    let next = place + 1;
    while (next < thresholds.length - 1 && thresholds[next] > 1) next++;
    return next;
  }

  #found(answers: readonly (readonly CascadeAnswer[])[]): C3poState["confidence"] {
    const asked = answers.flatMap((row) => this.order.slice(0, -1).map((model) => row[model]));
    if (asked.some(({ samples = [] }) => samples.length > 1)) return "votes";
    return asked.some(({ verifier }) => verifier !== undefined) ? "verifier" : "probability";
  }

  #confidence(answer: CascadeAnswer): number {
    switch (this.#fitted.confidence) {
      case "votes":
        return votesOf(answer).share;
      case "verifier":
        return answer.verifier ?? 0;
      case "probability":
        return answer.logProbs === undefined ? 0 : Math.exp(tokenConfidence(answer.logProbs, "mean") || 0);
    }
  }

  settings(): readonly Knob[] {
    return this.#fitted.plans.map(({ cost }) => ({ budget: cost }));
  }

  protected state() {
    return this.#fitted;
  }

  protected restoreState(state: unknown): void {
    this.#fitted = c3poState.parse(state);
  }
}

function votesOf({ samples = [] }: CascadeAnswer) {
  return majorityOf(samples.map(voteOf));
}

/** Equal keys are equal answers. */
function keyOf({ text = "", samples = [text] }: CascadeAnswer, asked: number): string {
  return String(majorityOf(samples.slice(0, asked).map(voteOf)).answer);
}
