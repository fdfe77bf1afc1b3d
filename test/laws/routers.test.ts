/**
 * What holds for every registered router, on tables of two models (where all can be fitted) and of three (where a router
 * may refuse with invalid-data). A new router is here as soon as it is in the registry.
 */
import { describe, expect, it } from "vitest";
import { routerInfos, routerNamed } from "../../src/before/registry.js";
import type { FitData, Knob, KnobName } from "../../src/before/router.js";
import { requireEmbedder, restoreRouter } from "../../src/before/saved-router.js";
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { LlamafuseError } from "../../src/errors.js";
import { makeMatrix } from "../../src/learning/matrix.js";
import { firstModels, queryOf, topicTable } from "../support/outcome-tables.js";
import { refusal } from "../support/refusal.js";

const three = topicTable(240, 7);
const two = firstModels(three, 2);
const unseen = topicTable(60, 8);

const KNOBS: Record<KnobName, Knob[]> = {
  lambda: [{ lambda: 0 }, { lambda: 0.05 }, { lambda: Number.POSITIVE_INFINITY }],
  threshold: [{ threshold: 0 }, { threshold: 0.5 }, { threshold: 1 }],
  budget: [{ budget: 10 }, { budget: 2 }],
  preference: [{ preference: 1 }, { preference: 0.5 }, { preference: 0 }],
};

async function fitted(name: string, data: FitData, seed = 1) {
  const router = routerNamed(name);
  await router.fit(data, { seed });
  return router;
}

/** On three models; undefined where this router takes pairs only and says so. */
async function fittedOnThree(name: string) {
  try {
    return await fitted(name, three);
  } catch (error) {
    expect(error).toBeInstanceOf(LlamafuseError);
    expect((error as LlamafuseError).code).toBe("invalid-data");
    expect((error as LlamafuseError).message).toMatch(/two models|2 models/);
    return undefined;
  }
}

describe.each(routerInfos.map((info) => [info.name, info] as const))("router %s", (name, info) => {
  it("scores every model with finite numbers, quickly", async () => {
    for (const router of [await fitted(name, two), await fittedOnThree(name)]) {
      if (router === undefined) continue;
      for (let row = 0; row < 20; row++) {
        const { quality, cost } = router.score(queryOf(unseen, row));
        expect(quality).toHaveLength(router.models.length);
        expect(quality.every(Number.isFinite)).toBe(true);
        expect(Array.from(cost)).toEqual([1, 2, 10].slice(0, router.models.length));
      }
    }
  });

  it("decides under each of its knobs, and refuses the others", async () => {
    const router = (await fittedOnThree(name)) ?? (await fitted(name, two));
    for (const knob of [{}, ...info.knobs.flatMap((each) => KNOBS[each])]) {
      const decision = router.decide(queryOf(unseen, 0), knob);
      expect(decision.models.length).toBeGreaterThan(0);
      expect(new Set(decision.models).size).toBe(decision.models.length);
      for (const model of decision.models) expect(router.models).toContain(model);
      expect(Object.keys(decision.scores)).toEqual(router.models);
      expect(decision.reason).toContain(decision.models[0]);
    }
    const other = (Object.keys(KNOBS) as KnobName[]).find((each) => !info.knobs.includes(each));
    if (other !== undefined) {
      const error = await refusal(() => router.decide(queryOf(unseen, 0), KNOBS[other][0]));
      expect(error.code).toBe("invalid-option");
    }
  });

  it("decides the same after a journey through JSON, and refuses another embedder or version", async () => {
    const router = (await fittedOnThree(name)) ?? (await fitted(name, two));
    const saved = JSON.parse(JSON.stringify(router.toJSON()));
    const restored = restoreRouter(saved);
    expect(restored.models).toEqual(router.models);
    for (let row = 0; row < 30; row++) {
      const query = queryOf(unseen, row);
      for (const knob of [{}, KNOBS[info.knobs[0]][1]]) {
        expect(restored.decide(query, knob)).toEqual(router.decide(query, knob));
      }
    }
    expect(JSON.parse(JSON.stringify(restored.toJSON())).state).toEqual(
      JSON.parse(JSON.stringify(router.toJSON())).state,
    );
    expect((await refusal(() => restoreRouter({ ...saved, version: 99 }))).message).toMatch(/version 99/);
    expect((await refusal(() => restoreRouter({ ...saved, state: { nonsense: true } }))).code).toBe("invalid-data");
    const stranger = { id: "test:other", dimension: saved.embedder.dimension };
    expect((await refusal(() => requireEmbedder(router.toJSON(), stranger))).code).toBe("incompatible-members");
    const short = { text: "x", embedding: new Float64Array(3) };
    expect((await refusal(() => router.score(short))).code).toBe("incompatible-members");
  });

  it("repeats with the seed", async () => {
    const [one, other] = [await fitted(name, two, 5), await fitted(name, two, 5)];
    expect(JSON.stringify(one.toJSON())).toBe(JSON.stringify(other.toJSON()));
    for (let row = 0; row < 10; row++) {
      expect(one.decide(queryOf(unseen, row))).toEqual(other.decide(queryOf(unseen, row)));
    }
  });

  it("takes missing cells and constant quality", async () => {
    const holes = firstModels(topicTable(240, 9, { missing: 0.2 }), 2);
    const router = await fitted(name, holes);
    expect(router.score(queryOf(unseen, 0)).quality.every(Number.isFinite)).toBe(true);
    const ones = makeMatrix(two.table.rows, 2);
    ones.data.fill(1);
    const constant = await fitted(name, { ...two, table: new OutcomeTable({ ...two.table, quality: ones }) });
    expect(constant.score(queryOf(unseen, 0)).quality.every(Number.isFinite)).toBe(true);
    expect(constant.decide(queryOf(unseen, 0)).models.length).toBeGreaterThan(0);
  });

  it("refuses one model, a model without outcomes, and queries before the fit", async () => {
    const single = await refusal(() => fitted(name, firstModels(three, 1)));
    expect(single.code).toBe("invalid-data");
    expect(single.message).toContain("poet");
    const quality = makeMatrix(two.table.rows, 2, Float64Array.from(two.table.quality.data));
    for (let row = 0; row < two.table.rows; row++) quality.set(row, 1, Number.NaN);
    const empty = { ...two, table: new OutcomeTable({ ...two.table, quality }) };
    const error = await refusal(() => fitted(name, empty));
    expect(error.code).toBe("invalid-data");
    expect(error.message).toContain("clerk");
    expect((await refusal(() => routerNamed(name).decide(queryOf(two, 0)))).message).toMatch(/fit/);
  });
});
