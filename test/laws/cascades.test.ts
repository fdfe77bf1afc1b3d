/** What holds for every registered cascade. A new one is here as soon as it is in the registry. */
import { describe, expect, it } from "vitest";
import type { CascadeAnswer, Knob } from "../../src/after/cascade/cascade.js";
import { runOnRow } from "../../src/after/cascade/evaluation/walk.js";
import { answersOf, queriesOf } from "../../src/after/cascade/fitting/table-answers.js";
import type { TrainedCascade } from "../../src/after/cascade/fitting/trained-cascade.js";
import { cascadeInfos, cascadeNamed } from "../../src/after/cascade/registry.js";
import { restoreCascade } from "../../src/after/cascade/saved-cascade.js";
import { type OutcomeTable, OutcomeTable as Table } from "../../src/before/table/outcome-table.js";
import { makeMatrix } from "../../src/learning/matrix.js";
import { cascadeTable } from "../support/cascade-tables.js";
import { refusal } from "../support/refusal.js";

const three = cascadeTable(160, 3);
const unseen = cascadeTable(30, 4);

/** Fits of one table are made once. */
const made = new Map<string, TrainedCascade>();

async function fitted(name: string, table?: OutcomeTable, options = {}, seed = 1): Promise<TrainedCascade> {
  const known = table === undefined ? made.get(name) : undefined;
  if (known !== undefined) return known;
  const cascade = await freshly(name, table ?? three, options, seed);
  if (table === undefined) made.set(name, cascade);
  return cascade;
}

async function freshly(name: string, table: OutcomeTable, options = {}, seed = 1): Promise<TrainedCascade> {
  const cascade = cascadeNamed(name, options);
  await cascade.fit({ table }, { seed });
  return cascade;
}

function runs(cascade: TrainedCascade, table: OutcomeTable, knob: Knob) {
  return queriesOf({ table }).map((query, row) => runOnRow(cascade, table, row, query, knob));
}

const meanCost = (cascade: TrainedCascade, table: OutcomeTable, knob: Knob) =>
  runs(cascade, table, knob).reduce((sum, { cost }) => sum + cost, 0) / table.rows;

describe.each(cascadeInfos.map((info) => [info.name, info] as const))("cascade %s", (name, info) => {
  it("asks the cheapest model first, whatever its name or column, and each model at most once", async () => {
    const cascade = await fitted(name, three.selectModels(["owl", "wren", "crow"]));
    expect(cascade.chain).toEqual(["wren", "crow", "owl"]);
    for (const knob of [{}, ...cascade.settings()]) {
      for (const { called, reasons } of runs(cascade, unseen.selectModels(["owl", "wren", "crow"]), knob)) {
        expect(new Set(called).size).toBe(called.length);
        expect(reasons).toHaveLength(called.length + 1);
        for (const reason of reasons) expect(reason.length).toBeGreaterThan(5);
      }
    }
  });

  it("is the first model alone at one end of its knob", async () => {
    const cascade = await fitted(name);
    for (const { called, kept } of runs(cascade, unseen, info.ends.first)) {
      expect(called).toHaveLength(1);
      expect(kept).toBe(called[0]);
    }
    expect(meanCost(cascade, unseen, info.ends.first)).toBeLessThanOrEqual(
      Math.min(...cascade.settings().map((knob) => meanCost(cascade, unseen, knob))) + 1e-9,
    );
  });

  it.skipIf(info.ends.last === undefined)("is the last model at the other, having asked all", async () => {
    const cascade = await fitted(name);
    for (const { called, kept } of runs(cascade, unseen, info.ends.last!)) {
      expect(called).toEqual([0, 1, 2]);
      expect(kept).toBe(2);
    }
  });

  it("costs more towards the last model, and keeps within a budget on the rows that it was fitted to", async () => {
    const cascade = await fitted(name);
    const settings = cascade.settings();
    const costs = settings.map((knob) => meanCost(cascade, three, knob));
    // Under a price of cost or a budget every query is planned anew, and only the ends are in order.
    if (info.knobs[0] === "threshold") {
      for (let at = 1; at < costs.length; at++) expect(costs[at]).toBeGreaterThanOrEqual(costs[at - 1] - 1e-9);
    }
    const [first, last] = info.knobs[0] === "lambda" ? [costs.at(-1)!, costs[0]] : [costs[0], costs.at(-1)!];
    expect(last).toBeGreaterThan(first);
    if (!info.knobs.includes("budget")) return;
    for (const budget of [0, 2, 5, 9]) {
      const spent = meanCost(cascade, three, { budget });
      // Half of the rows made the plan; below the cheapest plan something must answer all the same.
      expect(spent).toBeLessThanOrEqual(Math.max(budget, meanCost(cascade, three, info.ends.first)) * 1.15);
    }
  });

  it("is that model where there is one", async () => {
    const one = cascadeTable(40, 5, { models: 1 });
    const cascade = await fitted(name, one);
    for (const knob of [{}, info.ends.first, ...cascade.settings()]) {
      for (const [row, { kept, called, cost, quality }] of runs(cascade, one, knob).entries()) {
        expect([kept, called]).toEqual([0, [0]]);
        expect(quality).toBe(one.sampleQuality![row]![0]);
        expect(cost).toBeCloseTo(one.cost.data[row], 12);
      }
    }
  });

  it("counts every call of every model that was asked", async () => {
    const cascade = await fitted(name);
    for (const knob of [{}, ...cascade.settings()]) {
      for (const [row, { called, cost }] of runs(cascade, unseen, knob).entries()) {
        const all = called.map((model) => {
          const { samples, verifications } = cascade.callsPerAnswer(model);
          return (samples + verifications) * unseen.cost.get(row, model);
        });
        expect(cost).toBeCloseTo(
          all.reduce((sum, each) => sum + each, 0),
          9,
        );
      }
    }
  });

  it("decides the same after a journey through JSON, and refuses what is damaged", async () => {
    const cascade = await fitted(name);
    const saved = JSON.parse(JSON.stringify(cascade.toJSON()));
    const restored = restoreCascade(saved);
    const knobs = [{}, info.ends.first, cascade.settings()[Math.floor(cascade.settings().length / 2)]];
    for (const knob of knobs) expect(runs(restored, unseen, knob)).toEqual(runs(cascade, unseen, knob));
    expect(JSON.parse(JSON.stringify(restored.toJSON()))).toEqual(saved);
    expect((await refusal(() => restoreCascade({ ...saved, version: 99 }))).message).toMatch(/version 99/);
    expect((await refusal(() => restoreCascade({ ...saved, chain: [9] }))).code).toBe("invalid-data");
    expect((await refusal(() => restoreCascade({ ...saved, state: { nonsense: true } }))).code).toBe("invalid-data");
  });

  it("repeats with the seed", async () => {
    const [one, other] = [await fitted(name, three, {}, 7), await fitted(name, three, {}, 7)];
    expect(JSON.stringify(one.toJSON())).toBe(JSON.stringify(other.toJSON()));
  });

  it("takes missing cells, equal answers and empty ones", async () => {
    const quality = makeMatrix(three.rows, 3, Float64Array.from(three.quality.data));
    for (let cell = 0; cell < quality.data.length; cell += 7) quality.data[cell] = Number.NaN;
    const tables = [
      new Table({ ...three, quality, sampleQuality: undefined }),
      cascadeTable(80, 6, { answer: "equal" }),
      cascadeTable(80, 6, { answer: "empty" }),
    ];
    for (const table of tables) {
      const cascade = await fitted(name, table);
      for (const { called, cost } of runs(cascade, table, {})) {
        expect(called.length).toBeGreaterThan(0);
        expect(Number.isFinite(cost)).toBe(true);
      }
    }
  });

  it("says what it misses: an outcome, a detail, a fit, a knob, an answer's model", async () => {
    const none = makeMatrix(three.rows, 3, Float64Array.from(three.quality.data));
    for (let row = 0; row < three.rows; row++) none.set(row, 1, Number.NaN);
    const gone = await refusal(() => fitted(name, new Table({ ...three, quality: none, sampleQuality: undefined })));
    expect([gone.code, gone.message]).toEqual(["invalid-data", expect.stringContaining("crow")]);
    const bare = new Table({ name: "bare", models: three.models, queries: three.queries, quality: three.quality });
    if (info.needs.length > 0) {
      const error = await refusal(() => fitted(name, bare));
      expect(error.code).toBe("invalid-data");
      expect(error.message).toContain("wren");
    }
    const state = { query: { text: "" }, answers: [] as CascadeAnswer[] };
    if (!info.trainingFree) expect((await refusal(() => cascadeNamed(name).begin(["a", "b"]))).message).toMatch(/fit/);
    expect((await refusal(() => cascadeNamed(name).next(state))).message).toMatch(/fit/);
    const cascade = await fitted(name);
    expect((await refusal(() => cascade.next(state, { preference: 0.5 }))).code).toBe("invalid-option");
    expect((await refusal(() => cascade.next({ ...state, answers: [{ model: 9 }] }))).code).toBe("invalid-option");
    const stranger = await refusal(() => fitted(name, three, { chain: ["wren", "raven"] }));
    expect(stranger.message).toContain("raven");
    expect((await refusal(() => fitted(name, three, { chain: ["wren", "wren"] }))).message).toContain("twice");
  });
});

describe.each(["semantic-agreement", "mot"])("cascade %s", (name) => {
  it("never defers where all answers are equal", async () => {
    const equal = cascadeTable(30, 6, { answer: "equal" });
    const cascade = await fitted(name);
    for (const knob of cascade.settings().filter(({ threshold }) => threshold! <= 1)) {
      for (const { called } of runs(cascade, equal, knob)) expect(called).toHaveLength(1);
    }
  });
});

it("answers of a table are the same objects at every call", () => {
  expect(answersOf(three)[0][0]).toBe(answersOf(three)[0][0]);
});
