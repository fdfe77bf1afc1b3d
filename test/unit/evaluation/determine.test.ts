import { describe, expect, it } from "vitest";
import { type Candidate, chooseModels, type DetermineRule } from "../../../src/evaluation/determine.js";
import { refusal } from "../../support/refusal.js";

const candidate = (name: string, grade: number, length: number | null = 100): Candidate => ({ name, grade, length });
const reasons = (candidates: Candidate[], rule?: DetermineRule) =>
  chooseModels(candidates, rule).map(({ reason }) => reason);

describe("which models to combine", () => {
  it("takes the best and those within 10 points of it, in whatever order they stand", () => {
    const models = [candidate("weak", 0.59), candidate("near", 0.6), candidate("best", 0.7), candidate("close", 0.69)];
    const standings = chooseModels(models);
    expect(standings.map(({ reason }) => reason)).toEqual(["gap", "compatible", "best", "compatible"]);
    expect(standings.map(({ isChosen }) => isChosen)).toEqual([false, true, true, true]);
    expect(standings.map(({ gap }) => gap)).toEqual([0.11, 0.1, 0, 0.01].map((gap) => expect.closeTo(gap, 12)));
  });

  it("leaves out answers of more than twice or less than half the length", () => {
    const models = [candidate("best", 0.7, 99), candidate("long", 0.7, 200), candidate("short", 0.69, 48)];
    expect(reasons([...models, candidate("like", 0.68, 199)])).toEqual(["best", "style", "style", "compatible"]);
    expect(chooseModels(models)[1].lengthRatio).toBeCloseTo(2.01, 12);
    expect(reasons(models, { maxLengthRatio: 2.1 })).toEqual(["best", "compatible", "compatible"]);
  });

  it("does not compare the styles of models that wrote nothing, and can compare empty answers", () => {
    expect(reasons([candidate("a", 0.5, null), candidate("b", 0.5, null)])).toEqual(["best", "compatible"]);
    expect(reasons([candidate("a", 0.5, 0), candidate("b", 0.5, 0), candidate("c", 0.5, 3)])).toEqual([
      "best",
      "compatible",
      "style",
    ]);
  });

  it("stops at the most that are wanted; the first of equals is better", () => {
    const models = [candidate("a", 0.5), candidate("b", 0.5), candidate("c", 0.4), candidate("d", 0.5)];
    expect(reasons(models, { most: 2 })).toEqual(["best", "compatible", "most", "most"]);
    expect(reasons(models, { most: 1 })).toEqual(["best", "most", "most", "most"]);
    expect(reasons(models, { maxGap: 0 })).toEqual(["best", "compatible", "gap", "compatible"]);
  });

  it.each([
    [{ maxGap: -0.1 }, "maxGap"],
    [{ maxGap: 10 }, "maxGap"],
    [{ maxLengthRatio: 0.5 }, "maxLengthRatio"],
    [{ maxLengthRatio: Number.NaN }, "maxLengthRatio"],
    [{ most: 0 }, "most"],
    [{ most: 1.5 }, "most"],
  ])("refuses %j", async (rule, option) => {
    const error = await refusal(() => chooseModels([candidate("a", 0.5)], rule));
    expect(error).toMatchObject({ code: "invalid-option", details: { option } });
  });
});
