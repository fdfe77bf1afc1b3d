/** What single cascades promise beside the laws that hold for all. */
import { describe, expect, it } from "vitest";
import { RiskControl, riskControlOptions } from "../../../src/after/cascade/cascades/risk-control.js";
import { evaluateCascades } from "../../../src/after/cascade/evaluation/evaluate-cascades.js";
import { runOnRow } from "../../../src/after/cascade/evaluation/walk.js";
import { queriesOf, sampleQuality } from "../../../src/after/cascade/fitting/table-answers.js";
import { cascadeNamed } from "../../../src/after/cascade/registry.js";
import { expectedMax, normalShare } from "../../../src/after/cascade/search/expected-max.js";
import { tieShare } from "../../../src/after/cascade/search/supermodels.js";
import { trigramVectors } from "../../../src/after/cascade/signals/trigrams.js";
import { foldsOf } from "../../../src/before/evaluation/splits.js";
import { OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { drawNormal, drawOrder } from "../../../src/learning/draws.js";
import { clopperPearsonUpper, selectUnderRisk } from "../../../src/learning/risk-control.js";
import { RandomGenerator } from "../../../src/random.js";
import { cascadeTable } from "../../support/cascade-tables.js";
import { refusal } from "../../support/refusal.js";

describe("risk control", () => {
  it("keeps its promise in at least 1 − δ of 1,000 resampled tables", () => {
    const random = new RandomGenerator(11);
    // P(right | score) = 0.4 + 0.6 score: what a threshold really risks is known.
    const riskAt = (threshold: number) => 1 - (0.4 + 0.3 * (1 + threshold));
    const [alpha, delta] = [0.2, 0.1];
    const thresholds = Array.from({ length: 10 }, (_, step) => step / 10);
    let [broken, promised] = [0, 0];
    for (let table = 0; table < 1000; table++) {
      const scores = Float64Array.from({ length: 150 }, () => random.next());
      const correct = Array.from(scores, (score) => random.next() < 0.4 + 0.6 * score);
      const chosen = selectUnderRisk({ scores, correct }, thresholds, { alpha, delta }).fixedSequence;
      if (chosen === undefined) continue;
      promised++;
      if (riskAt(chosen.threshold) > alpha) broken++;
    }
    expect(promised).toBeGreaterThan(500);
    expect(broken / 1000).toBeLessThanOrEqual(delta);
  });

  it("says before it looks at a label that there are too few rows", async () => {
    const cascade = cascadeNamed("risk-control", { alpha: 0.01, delta: 0.01 });
    const error = await refusal(() => cascade.fit({ table: cascadeTable(60, 1, { models: 2 }) }));
    expect(error.message).toMatch(/leaves 30 rows for the calibration, and α = 0\.01 and δ = 0\.01 needs 459 or more/);
  });

  it("keeps nothing where no threshold can promise, and less the stricter it is", async () => {
    const table = cascadeTable(300, 5, { models: 2 });
    const kept = async (alpha: number) => {
      const cascade = new RiskControl(riskControlOptions.parse({ alpha, score: "verifier" }));
      await cascade.fit({ table });
      const results = queriesOf({ table }).map((query, row) => runOnRow(cascade, table, row, query, {}));
      const first = results.flatMap((result, row) => (result.kept === 0 ? [sampleQuality(table, row, 0)] : []));
      return {
        threshold: cascade.promised.get("wren"),
        kept: first.length,
        wrong: first.filter((each) => each === 0).length,
      };
    };
    const [loose, strict, never] = [await kept(0.4), await kept(0.25), await kept(0.02)];
    expect(loose.kept).toBeGreaterThan(strict.kept);
    expect(strict.wrong / strict.kept).toBeLessThanOrEqual(0.25);
    expect(never).toMatchObject({ threshold: null, kept: 0 });
  });

  it("bounds as the formula says: P(at most e of n) at the bound is δ", () => {
    const [errors, n, delta] = [3, 40, 0.05];
    const u = clopperPearsonUpper(errors, n, delta);
    let [term, sum] = [(1 - u) ** n, 0];
    for (let k = 0; k <= errors; k++) {
      sum += term;
      term *= ((n - k) / (k + 1)) * (u / (1 - u));
    }
    expect(sum).toBeCloseTo(delta, 12);
    expect([clopperPearsonUpper(5, 5, 0.1), clopperPearsonUpper(0, 0, 0.1)]).toEqual([1, 1]);
  });
});

describe("cost bounds", () => {
  it("c3po's new queries exceed the budget no more often than it says, over many tables", async () => {
    let [exceeded, queries] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const cascade = cascadeNamed("c3po", { alpha: 0.2, steps: 6, confidence: "probability" });
      await cascade.fit({ table: cascadeTable(80, seed) }, { seed });
      const test = cascadeTable(60, 100 + seed);
      for (const [row, query] of queriesOf({ table: test }).entries()) {
        queries++;
        if (runOnRow(cascade, test, row, query, { budget: 6 }).cost > 6) exceeded++;
      }
    }
    // 720 queries: three standard deviations above α.
    expect(exceeded / queries).toBeLessThanOrEqual(0.2 + 3 * Math.sqrt((0.2 * 0.8) / queries));
  });
});

describe("expected maxima", () => {
  it("are exact for two, and within the draws' error for three", () => {
    const random = new RandomGenerator(2);
    const [means, variances] = [
      [0.5, 0.6, 0.4],
      [0.04, 0.01, 0.09],
    ];
    const drawn = (count: number) => {
      let sum = 0;
      for (let draw = 0; draw < 40_000; draw++) {
        sum += Math.max(
          ...means.slice(0, count).map((mean, at) => mean + Math.sqrt(variances[at]) * drawNormal(random)),
        );
      }
      return sum / 40_000;
    };
    for (const count of [2, 3]) {
      expect(expectedMax(means.slice(0, count), variances.slice(0, count))).toBeCloseTo(
        drawn(count),
        count === 2 ? 2 : 1,
      );
    }
    expect(expectedMax([0.3], [1])).toBe(0.3);
    expect([normalShare(0), normalShare(1.959963984540054), normalShare(-5)]).toEqual([
      0.5,
      expect.closeTo(0.975, 12),
      expect.closeTo(2.866515718791939e-7, 16),
    ]);
  });

  it("ties are shared so that the budget is spent", () => {
    expect(0.25 * 1 + 0.75 * 5).toBeCloseTo(1 + tieShare(1, 5, 4) * 4);
    expect([tieShare(2, 2, 5), tieShare(1, 2, 9), tieShare(3, 4, 1)]).toEqual([0, 1, 0]);
  });
});

describe("answers as texts", () => {
  it("are compared by characters, whatever their script, case and blanks", () => {
    const [a, b, c] = trigramVectors(["The  cat", "the cat", "鹿は草を食べる"]);
    expect(a).toEqual(b);
    expect(a.some((count, at) => count > 0 && c[at] > 0)).toBe(false);
    expect(trigramVectors(["", "x"]).every((vector) => vector.every(Number.isFinite))).toBe(true);
  });
});

describe("evaluateCascades", () => {
  it("claims nothing where the answers say nothing: log-probabilities in another order", async () => {
    let claims = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const table = cascadeTable(60, seed, { models: 2, samples: 1 });
      const order = drawOrder(new RandomGenerator(seed), table.rows);
      const logProbs = table.queries.flatMap((_, row) =>
        [0, 1].map((model) => table.logProbs![2 * order[row] + model]),
      );
      const shuffled = new OutcomeTable({ ...table, logProbs });
      const splits = await foldsOf(shuffled, 2, { seed });
      const { routers } = await evaluateCascades([{ name: "log-probability" }], splits, { resamples: 100, seed });
      if (routers[0].better) claims++;
    }
    // At 5 % of tables, four or more of 20 happen in 1.6 % of runs.
    expect(claims).toBeLessThanOrEqual(3);
  });
});
