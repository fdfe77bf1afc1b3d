/** What the laws (test/laws/routers.test.ts) check for defaults, for the other variants of the routers that have some. */
import { describe, expect, it } from "vitest";
import { routerNamed } from "../../../../src/before/registry.js";
import { restoreRouter } from "../../../../src/before/saved-router.js";
import { firstModels, queryOf, topicTable } from "../../../support/outcome-tables.js";

const three = topicTable(240, 7);
const unseen = topicTable(40, 8);

const VARIANTS: [name: string, options: Record<string, unknown>][] = [
  ["shnitzer", { score: "s2" }],
  ["shnitzer", { score: "s1" }],
  ["shnitzer", { score: "s3", compat: true, bandwidth: 0.1 }],
  ["srivatsa", { policy: "random-top" }],
  ["srivatsa", { policy: "predict" }],
  ["srivatsa", { policy: "predict-sorted" }],
  ["srivatsa", { variant: "clusters", clusters: 4 }],
  ["srivatsa", { variant: "clusters", clusters: 4, sets: "best-vote" }],
  ["routellm", { variant: "mf", battles: "all", epochs: 5 }],
  ["routellm", { variant: "sw" }],
  ["routellm", { variant: "sw", battles: "all", tiers: 2, compat: true }],
  ["routellm", { variant: "classifier" }],
  ["hybrid-llm", { variant: "det" }],
  ["hybrid-llm", { variant: "prob" }],
  ["hybrid-llm", { t: 0.3 }],
  ["select-llm", { policy: "labelled-max-conf" }],
  ["select-llm", { policy: "max-conf", size: 2 }],
  ["routoo", { pool: 2, selector: "ratio" }],
  ["zooter", { compat: true }],
  ["avengers", { compat: true, clusters: 8 }],
  ["avengers-pro", { compat: true, clusters: 8, nearest: 3 }],
  ["racer", { alpha: 0.3 }],
];

describe.each(VARIANTS)("%s %j", (name, options) => {
  it("decides alike after a journey through JSON, and with the same seed", async () => {
    const router = routerNamed(name, options);
    await router.fit(three, { seed: 3 });
    const again = routerNamed(name, options);
    await again.fit(three, { seed: 3 });
    expect(JSON.stringify(again.toJSON())).toBe(JSON.stringify(router.toJSON()));
    const restored = restoreRouter(JSON.parse(JSON.stringify(router.toJSON())));
    for (let row = 0; row < 40; row++) {
      const query = queryOf(unseen, row);
      const decision = router.decide(query);
      expect(Object.values(decision.scores).every(Number.isFinite)).toBe(true);
      expect(restored.decide(query)).toEqual(decision);
    }
  });

  it("takes missing cells", async () => {
    const router = routerNamed(name, options);
    await router.fit(topicTable(240, 9, { missing: 0.3 }));
    for (let row = 0; row < 20; row++) {
      expect(Array.from(router.score(queryOf(unseen, row)).quality).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("routers that learn", () => {
  const two = firstModels(topicTable(400, 3), 2);
  const later = firstModels(topicTable(200, 4), 2);
  // Poet and clerk are each right on nine in ten of one topic; half of all is what either gets alone.
  const LEARNERS: [name: string, options: Record<string, unknown>][] = [
    ["shnitzer", { score: "s1" }],
    ["srivatsa", {}],
    ["srivatsa", { variant: "clusters", clusters: 4 }],
    ["routellm", { epochs: 40 }],
    ["routellm", { variant: "classifier" }],
    ["hybrid-llm", { variant: "prob" }],
    ["select-llm", { size: 1 }],
    ["routoo", {}],
    ["zooter", {}],
    ["avengers", { models: 1, clusters: 4 }],
    ["avengers-pro", { clusters: 4, alpha: 1 }],
    ["racer", {}],
  ];

  it.each(LEARNERS)("%s %j tells topics apart", async (name, options) => {
    const router = routerNamed(name, options);
    await router.fit(two);
    let right = 0;
    for (let row = 0; row < later.table.rows; row++) {
      const [first] = router.decide(queryOf(later, row)).models;
      right += Number(later.table.models.indexOf(first) === later.topics[row]);
    }
    expect(right / later.table.rows).toBeGreaterThan(0.85);
  });
});
