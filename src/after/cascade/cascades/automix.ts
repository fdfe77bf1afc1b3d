/**
 * AutoMix: the small model checks its own answer, and a policy made on a table says at which confidences to ask the next
 * model (Aggarwal, Madaan and others, arXiv 2310.12963; see search/automix-policies.ts).
 *
 *     verifier  v in [0, 1]: how sure the model is of its answer when it is asked about it; it counts as a call each
 *     policy    v → keep or retry, by bins or thresholds; chosen by the lift in benefit per cost on the training rows, or
 *               under a price λ of cost by mean quality − λ · mean cost, where never and always retrying are candidates too
 *
 * In a longer chain every pair of neighbours has a policy of its own (ours). The released bin index meets wrong bins unless
 * the number of bins is a power of two; here every v belongs to the nearest bin.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import type { CallsPerAnswer, CascadeFitData, CascadeInfo, CascadeState, CascadeStep, Knob } from "../cascade.js";
import { answersOf, sampleQuality } from "../fitting/table-answers.js";
import { brief, TrainedCascade } from "../fitting/trained-cascade.js";
import {
  AUTOMIX_POLICIES,
  type AutomixCosts,
  type AutomixRows,
  automixOutcomes,
  bestOutcome,
  type Candidate,
  categoriesOf,
  retries,
} from "../search/automix-policies.js";
import { CHAIN_TEXT, chainShape } from "./chain-options.js";

export const automixInfo: CascadeInfo = {
  name: "automix",
  summary: "The model verifies its own answer; a policy says at which confidence to ask the next one.",
  source: "arXiv 2310.12963",
  knobs: ["lambda"],
  needs: ["verifier"],
  readsEmbedding: false,
  trainingFree: false,
  ends: { first: { lambda: Number.POSITIVE_INFINITY } },
  options: {
    policy: `${AUTOMIX_POLICIES.join(", ")} (the released default). Default union.`,
    bins: "Bins of the verifier's confidence, 1 to 64; one more than its samples are useful. Default 8.",
    verifications: "Calls of the verifier for one answer, each as dear as an answer. Default 1.",
    chain: CHAIN_TEXT,
  },
};

export const automixOptions = z.strictObject({
  policy: z.enum(AUTOMIX_POLICIES).default("union"),
  bins: z.int().min(1).max(64).default(8),
  verifications: z.int().min(0).max(64).default(1),
  ...chainShape,
});

const candidate = z.union([
  z.strictObject({ thresholds: z.array(z.number()).min(1).max(3) }),
  z.strictObject({ actions: z.array(z.number()).min(2) }),
]);
const automixState = z.array(
  z.strictObject({
    model: z.int().min(0),
    /** By the lift. */
    usual: candidate,
    plans: z.array(z.strictObject({ candidate, performance: z.number(), cost: z.number() })).min(1),
  }),
);
type PairPolicy = z.infer<typeof automixState>[number];

export class AutomixCascade extends TrainedCascade<PairPolicy[]> {
  readonly info = automixInfo;
  readonly #settings: z.output<typeof automixOptions>;
  #policies: PairPolicy[] = [];

  constructor(options: z.output<typeof automixOptions>) {
    super(options);
    this.#settings = options;
  }

  override callsPerAnswer(model: number): CallsPerAnswer {
    return { samples: 1, verifications: this.after(model) === undefined ? 0 : this.#settings.verifications };
  }

  protected train({ table }: CascadeFitData): void {
    const answers = answersOf(table);
    const { policy, bins } = this.#settings;
    this.#policies = this.order.slice(0, -1).map((model) => {
      const next = this.after(model)!;
      const rows = answers.flatMap((each, row) => {
        const [small, large] = [model, next].map((column) => sampleQuality(table, row, column));
        const { verifier } = each[model];
        return verifier === undefined || Number.isNaN(small + large) ? [] : [{ small, large, verifier }];
      });
      if (rows.length === 0) {
        const message = `${table.name}: no row has a verifier's confidence and both qualities of ${this.nameOf(model)} and ${this.nameOf(next)}.`;
        throw new LlamafuseError("invalid-data", message, { table: table.name });
      }
      const [small, large] = [rows.map((row) => row.small), rows.map((row) => row.large)];
      const given: AutomixRows = {
        small,
        large,
        verifier: rows.map(({ verifier }) => verifier),
        category: categoriesOf(small, large),
      };
      const costs: AutomixCosts = {
        small: this.costs[model],
        large: this.costs[next],
        verifier: this.costs[model] * this.#settings.verifications,
      };
      const outcomes = automixOutcomes(policy, given, costs, { bins });
      const fixed = [0, 1].map((action) => ({ actions: new Array<number>(bins + 1).fill(action) }));
      const extremes = fixed.map((each) => {
        const chosen = each.actions[0] === 1 ? large : small;
        const performance = chosen.reduce((sum, quality) => sum + quality, 0) / rows.length;
        return { candidate: each, performance, cost: costs.small + costs.verifier + each.actions[0] * costs.large };
      });
      const all = [
        ...extremes,
        ...outcomes.map(({ candidate, performance, cost }) => ({ candidate, performance, cost })),
      ];
      return { model, usual: bestOutcome(outcomes).candidate, plans: undominated(all) };
    });
  }

  protected decide({ answers }: CascadeState, { lambda }: Knob): CascadeStep {
    const last = answers.length - 1;
    const [first] = this.order;
    if (last < 0) return { stop: false, model: first, reason: `${this.nameOf(first)} is asked first` };
    const { model, verifier } = answers[last];
    const [name, next] = [this.nameOf(model), this.after(model)];
    if (next === undefined) return { stop: true, answer: last, reason: `${name} is the last model` };
    const policy = this.#policies.find((each) => each.model === model)!;
    const { bins } = this.#settings;
    // What cannot be verified is not trusted.
    const isRetried = verifier === undefined || retries(candidateAt(policy, lambda), verifier, { bins });
    const said = verifier === undefined ? "no verification" : `verifier ${brief(verifier)}`;
    if (!isRetried) return { stop: true, answer: last, reason: `${name} is kept: ${said}` };
    return { stop: false, model: next, reason: `${name} defers to ${this.nameOf(next)}: ${said}` };
  }

  settings(): readonly Knob[] {
    const rates = this.#policies.flatMap(({ plans }) =>
      plans
        .slice(1)
        .map(({ performance, cost }, at) => (performance - plans[at].performance) / (cost - plans[at].cost)),
    );
    const changes = Array.from(new Set(rates.filter((rate) => rate > 0 && Number.isFinite(rate)))).sort(
      (a, b) => a - b,
    );
    const between = changes.map((rate, at) => (rate + (changes[at + 1] ?? 2 * rate)) / 2);
    return [0, ...between].map((lambda) => ({ lambda }));
  }

  protected state() {
    return this.#policies;
  }

  protected restoreState(state: unknown): void {
    this.#policies = automixState.parse(state);
  }
}

function candidateAt({ usual, plans }: PairPolicy, lambda: number | undefined): Candidate {
  if (lambda === undefined) return usual;
  if (lambda === Number.POSITIVE_INFINITY) return plans[0].candidate;
  const worth = ({ performance, cost }: PairPolicy["plans"][number]) => performance - lambda * cost;
  return plans.reduce((best, plan) => (worth(plan) > worth(best) ? plan : best)).candidate;
}

/** By rising cost, without those that cost as much as another and bring no more. */
function undominated(plans: PairPolicy["plans"]): PairPolicy["plans"] {
  const kept: PairPolicy["plans"] = [];
  for (const plan of plans.toSorted((a, b) => a.cost - b.cost || b.performance - a.performance)) {
    if (kept.length === 0 || plan.performance > kept.at(-1)!.performance) kept.push(plan);
  }
  return kept;
}
