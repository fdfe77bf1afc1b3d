import { drawnMax } from "../../../src/after/cascade/search/expected-max.js";
import {
  nextModel,
  routeOne,
  type SupermodelRule,
  searchLambda,
  tieShare,
} from "../../../src/after/cascade/search/supermodels.js";
import { argmax } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Fixture {
  budget: number;
  quality: number[][];
  before: number[][];
  after: number[][];
  sigma: number[];
  cost: number[];
  normalSamples: Record<string, number[][]>;
}

type Input = Fixture | { mean: number[]; covariance: number[][]; samples: number[][] };
type Ties = SupermodelRule["ties"];

const OBSERVED = 1e-6;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A query answered to the end: what it costs, and the true quality of what is kept. */
function walk(input: Fixture, query: number, rule: SupermodelRule) {
  const { before, after, sigma, cost, normalSamples } = input;
  const answered: number[] = [];
  while (true) {
    const quality = cost.map((_, model) => (answered.includes(model) ? after : before)[query][model]);
    const variances = sigma.map((each, model) => (answered.includes(model) ? OBSERVED : each * each));
    const expectedMax = (models: readonly number[]) => {
      if (models.length === 1) return quality[models[0]];
      const covariance = models.map((model, row) => models.map((_, column) => (row === column ? variances[model] : 0)));
      return drawnMax(
        models.map((model) => quality[model]),
        covariance,
        normalSamples[models.length],
      ).mean;
    };
    const next = nextModel({ quality, cost, answered, expectedMax }, rule);
    if (next === undefined) {
      const kept = answered[argmax(answered.map((model) => quality[model]))];
      return { cost: answered.reduce((sum, model) => sum + cost[model], 0), quality: input.quality[query][kept] };
    }
    answered.push(next);
  }
}

function meanOver(input: Fixture, one: (query: number) => { cost: number; quality: number }) {
  const results = input.quality.map((_, query) => one(query));
  return { cost: mean(results.map(({ cost }) => cost)), quality: mean(results.map(({ quality }) => quality)) };
}

/** Lambda, the share of ties, and the results of the two ways to break them. */
function unified(input: Fixture, cascade: boolean) {
  const at = (lambda: number, ties: Ties) => meanOver(input, (query) => walk(input, query, { lambda, cascade, ties }));
  const { lambda, within } = searchLambda((each) => at(each, "cheapest"), input.budget);
  const used = within ? lambda : 0;
  const [cheap, expensive] = [at(used, "cheapest"), at(used, "dearest")];
  const gamma = tieShare(cheap.cost, expensive.cost, input.budget);
  return { lambdas: input.cost.map(() => used), gamma, cheap, expensive };
}

export const cascadeRouting: GoldenAdapter = {
  method: "cascade-routing",
  tolerance: 1e-6,
  run(input: Input) {
    if ("mean" in input) {
      const { mean: expectedMax, variance } = drawnMax(input.mean, input.covariance, input.samples);
      return { expectedMax, variance };
    }
    const { before, after, cost, quality, budget } = input;
    const routed = (lambda: number, ties: Ties) =>
      meanOver(input, (query) => {
        const model = routeOne({ quality: before[query], cost }, { lambda, ties });
        return { cost: cost[model], quality: quality[query][model] };
      });
    const found = searchLambda((lambda) => routed(lambda, "cheapest"), budget, { rounds: 50 });
    const [cheap, expensive] = [routed(found.lambda, "cheapest"), routed(found.lambda, "dearest")];
    const baseline = searchLambda(
      (lambda) =>
        meanOver(input, (query) => {
          const kept = cost.findIndex((_, stage) => stage === cost.length - 1 || after[query][stage] >= 1 - lambda);
          const spent = cost.slice(0, kept + 1).reduce((sum, each) => sum + each, 0);
          return { cost: spent, quality: quality[query][kept] };
        }),
      budget,
      { start: 1 },
    );
    return {
      router: {
        lambda: found.lambda,
        // As released: the cheap side's share, and 1 where there are no ties.
        gamma: cheap.cost === expensive.cost ? 1 : 1 - tieShare(cheap.cost, expensive.cost, budget),
        ...cheap,
      },
      cascade: unified(input, true),
      cascadeRouting: unified(input, false),
      baseline: { lambdas: cost.slice(1).map(() => (baseline.within ? baseline.lambda : 0)) },
    };
  },
};
