import { describe, expect, it } from "vitest";
import { chooseByKnob, theKnob } from "../../../../src/before/allocation/choose.js";
import { knnInfo } from "../../../../src/before/routers/knn.js";
import { Costs } from "../../../../src/before/table/costs.js";
import { OutcomeTable } from "../../../../src/before/table/outcome-table.js";
import { matrixOf } from "../../../../src/learning/matrix.js";
import { refusal } from "../../../support/refusal.js";

const estimate = { quality: Float64Array.of(0.5, 0.8, 0.9), cost: Float64Array.of(1, 2, 10) };
const chosen = (knob: object, of = estimate) => chooseByKnob(of, knob).members[0];

describe("the rules of the knobs", () => {
  it.each([
    [{}, 2],
    [{ lambda: 0 }, 2],
    // 0.9 − 10λ = 0.8 − 2λ at λ = 0.0125; 0.8 − 2λ = 0.5 − λ at λ = 0.3
    [{ lambda: 0.0124 }, 2],
    [{ lambda: 0.0126 }, 1],
    [{ lambda: 0.29 }, 1],
    [{ lambda: 0.31 }, 0],
    [{ lambda: Number.POSITIVE_INFINITY }, 0],
    [{ threshold: 0.4 }, 0],
    [{ threshold: 0.8 }, 1],
    [{ threshold: 0.85 }, 2],
    [{ threshold: 2 }, 2],
    [{ budget: 1 }, 0],
    [{ budget: 9.9 }, 1],
    [{ budget: 10 }, 2],
    [{ preference: 1 }, 2],
    [{ preference: 0 }, 0],
    // ω(0.9 − 0.8) = (1 − ω)(10 − 2)/10 at ω = 8/9
    [{ preference: 0.88 }, 1],
    [{ preference: 0.9 }, 2],
  ])("%j takes model %i", (knob, model) => expect(chosen(knob)).toBe(model));

  it("gives ties to the cheaper model, then to the first", () => {
    const tied = { quality: Float64Array.of(0.7, 0.7, 0.7), cost: Float64Array.of(2, 1, 1) };
    for (const knob of [{}, { lambda: 0 }, { threshold: 0.5 }, { budget: 5 }, { preference: 1 }]) {
      expect(chosen(knob, tied)).toBe(1);
    }
  });

  it("refuses a budget that buys nothing, two knobs at once, and values out of range", async () => {
    expect((await refusal(() => chosen({ budget: 0.5 }))).message).toMatch(/budget 0\.5 is below .* 1\./);
    expect((await refusal(() => theKnob({ lambda: 1, budget: 2 }, knnInfo))).message).toMatch(/lambda and budget/);
    expect((await refusal(() => theKnob({ lambda: -1 }, knnInfo))).message).toMatch(/lambda is -1/);
    expect((await refusal(() => theKnob({ preference: 1.5 }, knnInfo))).details.option).toBe("preference");
    expect((await refusal(() => theKnob({ lamda: 1 } as object, knnInfo))).message).toMatch(/Did you mean "lambda"/);
    expect(theKnob({ lambda: undefined, budget: 3 }, knnInfo)).toEqual(["budget", 3]);
  });
});

describe("costs", () => {
  const table = (costs: number[][]) =>
    new OutcomeTable({
      name: "t",
      models: ["a", "b"],
      queries: ["x".repeat(10), "x".repeat(20), "x".repeat(40)],
      quality: matrixOf([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
      cost: matrixOf(costs),
    });

  it("are a line in the length of the query, never below the least that was seen", () => {
    const costs = Costs.fit(
      table([
        [12, 5],
        [22, 5],
        [42, Number.NaN],
      ]),
    );
    expect(Array.from(costs.estimate("x".repeat(30)))).toEqual([expect.closeTo(32, 9), 5]);
    expect(Array.from(costs.estimate(""))).toEqual([12, 5]);
    expect(new Costs(JSON.parse(JSON.stringify(costs))).estimate("abc")).toEqual(costs.estimate("abc"));
  });

  it("are 1 where the table has none, and an error where one model has none", async () => {
    const none = Number.NaN;
    expect(
      Array.from(
        Costs.fit(
          table([
            [none, none],
            [none, none],
            [none, none],
          ]),
        ).estimate("abc"),
      ),
    ).toEqual([1, 1]);
    const error = await refusal(() =>
      Costs.fit(
        table([
          [1, none],
          [2, none],
          [3, none],
        ]),
      ),
    );
    expect(error.message).toMatch(/model b has no cost .*prices: \{ "b": COST/);
  });
});
