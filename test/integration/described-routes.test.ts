/** A language model that names routes, on a native model: whatever it believes, it can only name one of them. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EMBEDDINGS_VARIABLE } from "../../src/before/embedders/cached.js";
import { routesTo } from "../../src/before/embedders/described-routes.js";
import { restoreEmbedder } from "../../src/before/embedders/restore.js";
import { RouteEmbedder, routePrompt } from "../../src/before/embedders/route-probabilities.js";
import { embedQuery } from "../../src/before/fitting/training-data.js";
import { restoreRouter, routerFile } from "../../src/before/saved-router.js";
import { createEnsemble } from "../../src/index.js";
import { rowOf } from "../../src/learning/matrix.js";
import { refusal } from "../support/refusal.js";

const ROUTES = [
  { name: "animals", description: "what animals are and how they live" },
  { name: "animals and plants", description: "the whole of a garden" },
  { name: "numbers", description: "counting and sums" },
];
const QUERIES = ["How does a hen sound?", "What is two and three?"];

let folder: string;
let previous: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "llamafuse-routes-"));
  previous = process.env[EMBEDDINGS_VARIABLE];
  process.env[EMBEDDINGS_VARIABLE] = folder;
});

afterAll(async () => {
  if (previous === undefined) delete process.env[EMBEDDINGS_VARIABLE];
  else process.env[EMBEDDINGS_VARIABLE] = previous;
  await rm(folder, { recursive: true, force: true });
});

describe("route probabilities", () => {
  it("are the model's own, given that it names one of the routes", async () => {
    const embedder = await RouteEmbedder.open("robin", ROUTES);
    await using model = await createEnsemble({ members: [{ model: "robin" }], method: { name: "single" } });
    try {
      const shares = await embedder.embed(QUERIES);
      for (const [row, query] of QUERIES.entries()) {
        const prompt = routePrompt(ROUTES, query);
        const logProbs: number[] = [];
        for (const { name } of ROUTES) {
          // As the embedder reads them, since a cache that is kept was decoded in other batches.
          const { logProb } = await model.score(prompt, ` ${name}\n`, { reusePrompt: logProbs.length > 0 });
          logProbs.push(logProb);
        }
        const weights = logProbs.map((logProb) => Math.exp(logProb - Math.max(...logProbs)));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (const [route, share] of rowOf(shares, row).entries()) expect(share).toBeCloseTo(weights[route] / total, 4);
      }
      const restored = await restoreEmbedder(JSON.parse(JSON.stringify(embedder)));
      expect(restored.id).toBe(embedder.id);
      await restored.dispose?.();
    } finally {
      await embedder.dispose();
    }
  });

  it("depend on every word of the descriptions", async () => {
    const ids = new Set<string>();
    for (const description of ["counting and sums", "counting, sums"]) {
      const embedder = await RouteEmbedder.open("robin", [ROUTES[0], { name: "numbers", description }]);
      ids.add(embedder.id);
      await embedder.dispose();
    }
    expect(ids.size).toBe(2);
  });

  it("refuse one route, two of a name, and names of two lines", async () => {
    const single = await refusal(() => RouteEmbedder.open("robin", ROUTES.slice(0, 1)));
    expect(single).toMatchObject({ code: "invalid-option", message: expect.stringMatching(/at least two/) });
    expect((await refusal(() => RouteEmbedder.open("robin", [ROUTES[0], ROUTES[0]]))).message).toMatch(/"animals"/);
    const long = { name: "a\nb", description: "x" };
    expect((await refusal(() => RouteEmbedder.open("robin", [ROUTES[0], long]))).message).toMatch(/one line/);
  });
});

describe("described routes", () => {
  it("make a router without a table, which a file keeps", async () => {
    const models = ["keeper", "keeper", "clerk"];
    const routes = ROUTES.map((route, index) => ({ ...route, model: models[index] }));
    const { router, embedder } = await routesTo("robin", routes);
    try {
      expect(router.models).toEqual(["keeper", "clerk"]);
      const restored = restoreRouter(JSON.parse(JSON.stringify(routerFile(router, embedder))));
      for (const text of QUERIES) {
        const query = await embedQuery(embedder, text);
        const named = query.embedding.indexOf(Math.max(...query.embedding));
        const decision = router.decide(query);
        expect(decision.models).toEqual([models[named]]);
        expect(decision.scores.keeper).toBeCloseTo(Math.max(query.embedding[0], query.embedding[1]), 12);
        expect(restored.decide(query)).toEqual(decision);
      }
    } finally {
      await embedder.dispose?.();
    }
  });
});
