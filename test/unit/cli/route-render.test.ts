/** What `llamafuse route eval` says of a evaluation. */
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { evaluateRouters, type RoutersEvaluation } from "../../../src/before/evaluation/evaluate-routers.js";
import { foldsOf } from "../../../src/before/evaluation/splits.js";
import { renderRouters, type TableFacts } from "../../../src/cli/route/render.js";
import { topicTable } from "../../support/outcome-tables.js";

const facts: TableFacts = {
  train: { name: "topics", rows: 150 },
  test: { name: "topics", rows: 150 },
  models: ["poet", "clerk", "sage"],
  embedder: "tfidf:0",
  leaked: [],
  notes: [],
};
const shown = (evaluation: RoutersEvaluation) => renderRouters(evaluation, facts, picocolors.createColors(false));
const closing = (evaluation: RoutersEvaluation) => shown(evaluation).trimEnd().split("\n").at(-1);

describe("a evaluation for a terminal", async () => {
  const splits = await foldsOf(topicTable(150, 3).table, 3, { seed: 1 });
  const choices = [{ name: "knn" }, { name: "blending" }];
  const evaluation = await evaluateRouters(choices, splits, { threads: 0, resamples: 50 });

  it("names single models where the best router lies wholly below the zero router", () => {
    const routers = evaluation.routers.map((router) => ({
      ...router,
      intervals: { ...router.intervals!, overZero: { value: -0.2, low: -0.3, high: -0.1 } },
    }));
    expect(closing({ ...evaluation, routers })).toMatch(
      /^No router is better than single models here: the zero router, .*\(the best: sage\), does better than \S+, the best of them\.$/,
    );
    expect(closing({ ...evaluation, routers, comparedBy: "quality" })).toContain("here: sage alone does better than");
  });

  it("has one kind of minus, a dash where there is no gap, and says what an APGR is", () => {
    const routers = evaluation.routers.map((router) => ({ ...router, apgr: -0.25 }));
    expect(shown({ ...evaluation, routers })).toContain("−0.2500");
    const none = evaluation.routers.map((router) => ({ ...router, apgr: Number.NaN }));
    expect(shown({ ...evaluation, routers: none })).toMatch(/^knn .* – /m);
    expect(shown(evaluation)).toMatch(/APGR: between two models, the share recovered of the gap .* 5 points/s);
  });
});
