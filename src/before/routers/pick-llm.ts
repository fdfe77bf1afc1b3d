/**
 * PickLLM: reinforcement learning without a query's content; it settles on one model for a session (Sikeridis, Ramdass and
 * Pareek, arXiv 2412.12170; from its summaries, unverified).
 *
 *     R = w_a a − w_c c · w_l log₁₀(1 + l) · t        "product", as a summary of the paper has it
 *     R = w_a a − w_c c − w_l log₁₀(1 + l) · t        "sum", as the survey has it
 *     automaton (Linear Reward–Inaction): draw i ~ p;  p_i += η R̂ (1 − p_i),  p_j −= η R̂ p_j;   R̂ = R scaled to [0, 1]
 *     q (stateless, ε-greedy): i = argmax Q, or any with probability ε;   Q_i += α (R − Q_i)
 *
 * a: quality; c: cost as a share of the dearest model's mean (ours); l: latency in seconds; t scales it. The published
 * log₁₀ l is negative below a second, where it would reward a cost: `compat` takes it all the same. Without
 * latencies their factor is 1 in the product and their term 0 in the sum. R̂ takes 0 and 1 from the least and the largest
 * reward in the table. No defaults are in reach: all are ours.
 *
 * Fitting plays a session through the table's rows; `update` continues it. q̂_m is p_m or Q_m, whatever the query. A
 * decision takes the best of them; with `explore`, it draws as the learner would, repeatably until the next update.
 */
import { z } from "zod";
import { argmax } from "../../learning/matrix.js";
import { RandomGenerator } from "../../random.js";
import { chooseByKnob } from "../allocation/choose.js";
import { withoutPairs } from "../fitting/feedback.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterFeedback, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

export const pickLlmInfo: RouterInfo = {
  name: "pick-llm",
  summary: "Reinforcement learning that converges on one model; learns online.",
  source: "arXiv 2412.12170",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    learner: "automaton or q. Default automaton.",
    reward: "product or sum of cost and latency. Default product.",
    accuracy: "w_a. Default 1.",
    cost: "w_c. Default 1.",
    latency: "w_l. Default 1.",
    scale: "t. Default 1.",
    rate: "η of the automaton, α of q. Default 0.05.",
    epsilon: "ε: probability that q tries another model. Default 0.1.",
    explore: "Explore in decisions as well as in fitting. Default false.",
    compat: "log₁₀ l instead of log₁₀(1 + l). Default false.",
  },
};

const weight = z.number().min(0).default(1);

export const pickLlmOptions = z.strictObject({
  learner: z.enum(["automaton", "q"]).default("automaton"),
  reward: z.enum(["product", "sum"]).default("product"),
  accuracy: weight,
  cost: weight,
  latency: weight,
  scale: weight,
  rate: z.number().gt(0).max(1).default(0.05),
  epsilon: z.number().min(0).max(1).default(0.1),
  explore: z.boolean().default(false),
  compat: z.boolean().default(false),
});

type PickLlmOptions = z.output<typeof pickLlmOptions>;

const pickLlmState = z.strictObject({
  /** p or Q. */
  values: z.array(z.number()),
  dearest: z.number().positive(),
  /** The least and the largest reward of the table. */
  range: z.tuple([z.number(), z.number()]),
  seed: z.int().min(0),
  updates: z.int().min(0),
});

type PickLlmState = z.infer<typeof pickLlmState>;

export class PickLlmRouter extends TrainedRouter<PickLlmState> {
  readonly info = pickLlmInfo;
  readonly #settings: PickLlmOptions;
  #state!: PickLlmState;

  constructor(options: PickLlmOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table }: FitData, { seed }: TrainingOptions): void {
    const models = table.models.length;
    const dearest = Math.max(...Array.from(table.meansOf(table.cost)).filter((mean) => mean > 0), 0) || 1;
    const rewards = rewardsOf(table, dearest, this.#settings);
    const known = rewards.filter((reward) => !Number.isNaN(reward));
    const range = known.reduce<[number, number]>(
      ([least, most], reward) => [Math.min(least, reward), Math.max(most, reward)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    const values = new Array<number>(models).fill(this.#settings.learner === "automaton" ? 1 / models : 0);
    this.#state = { values, dearest, range, seed, updates: 0 };
    const random = new RandomGenerator(seed);
    for (let row = 0; row < table.rows; row++) {
      const model = drawModel(values, random, this.#settings);
      const reward = rewards[row * models + model];
      if (!Number.isNaN(reward)) this.#learn(model, reward);
    }
  }

  protected predict(_query: Query): Float64Array {
    return Float64Array.from(this.#state.values);
  }

  override choose(estimate: Estimate, knob: Knob): Choice {
    const { seed, updates, values } = this.#state;
    const isFree = Object.values(knob).every((value) => value === undefined);
    if (!this.#settings.explore || !isFree) return chooseByKnob(estimate, knob);
    return { members: [drawModel(values, new RandomGenerator(seed + updates), this.#settings)] };
  }

  /** What came of asking one model. Errors: invalid-option for an unknown model, or a comparison of two. */
  update(feedback: RouterFeedback): void {
    const { model, quality, cost = 0, latencyMs } = withoutPairs(feedback, this.info.name);
    const reward = rewardOf({ quality, cost: cost / this.#state.dearest, latencyMs }, this.#settings);
    this.#learn(this.column(model), reward);
    this.#state.updates++;
  }

  protected state() {
    return { ...this.#state, values: [...this.#state.values] };
  }

  protected restoreState(state: unknown): void {
    this.#state = pickLlmState.parse(state);
  }

  #learn(model: number, reward: number): void {
    const { values, range } = this.#state;
    const { learner, rate } = this.#settings;
    if (learner === "automaton") rewardInaction(values, model, rate * scaled(reward, range));
    else values[model] += rate * (reward - values[model]);
  }
}

/** R of one outcome; cost as a share of the dearest model's. */
export function rewardOf(
  { quality, cost, latencyMs }: { quality: number; cost: number; latencyMs?: number },
  settings: Pick<PickLlmOptions, "reward" | "accuracy" | "cost" | "latency" | "scale" | "compat">,
): number {
  const seconds = latencyMs === undefined || Number.isNaN(latencyMs) ? undefined : latencyMs / 1000;
  const slowness = seconds === undefined ? undefined : Math.log10((settings.compat ? 0 : 1) + seconds) * settings.scale;
  const { accuracy, latency } = settings;
  if (settings.reward === "sum") return accuracy * quality - settings.cost * cost - latency * (slowness ?? 0);
  return accuracy * quality - settings.cost * cost * (slowness === undefined ? 1 : latency * slowness);
}

/** p_i += s (1 − p_i), p_j −= s p_j: the sum stays 1. */
export function rewardInaction(probabilities: number[], chosen: number, step: number): void {
  for (const [model, p] of probabilities.entries()) {
    probabilities[model] = model === chosen ? p + step * (1 - p) : p - step * p;
  }
}

function rewardsOf(table: OutcomeTable, dearest: number, settings: PickLlmOptions): Float64Array {
  const means = table.meansOf(table.cost);
  return table.quality.data.map((quality, at) => {
    const own = table.cost.data[at];
    const cost = Number.isNaN(own) ? means[at % table.models.length] : own;
    const latencyMs = table.latencyMs?.data[at];
    return rewardOf({ quality, cost: Number.isNaN(cost) ? 0 : cost / dearest, latencyMs }, settings);
  });
}

function scaled(reward: number, [least, most]: readonly [number, number]): number {
  return most > least ? Math.min(1, Math.max(0, (reward - least) / (most - least))) : 1;
}

/** As the learner tries models: the automaton by p; q the best one, or with probability ε any. */
function drawModel(values: readonly number[], random: RandomGenerator, { learner, epsilon }: PickLlmOptions): number {
  const u = random.next();
  if (learner === "q") return u < epsilon ? Math.floor(random.next() * values.length) : argmax(values);
  let sum = 0;
  const drawn = values.findIndex((p) => (sum += p) > u);
  return drawn < 0 ? argmax(values) : drawn;
}
