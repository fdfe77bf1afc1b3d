/** A router from words alone: routes, what belongs to each, and which model takes it; nothing is trained. */

import { type Router, SAVED_FORMAT, SAVED_VERSION } from "../router.js";
import { restoreRouter } from "../saved-router.js";
import { CachedEmbedder } from "./cached.js";
import type { Embedder } from "./embedder.js";
import { type DescribedRoute, RouteEmbedder } from "./route-probabilities.js";

export interface RouteToModel extends DescribedRoute {
  /** Who answers: a member's name. */
  model: string;
}

/**
 * Arch-Router's rule (see routers/arch-router.ts), with `model` as the one that names the route. Every call counts as
 * equally dear. Errors: invalid-option (routes that are not understood), those of `createEnsemble` for the model.
 *
 * ```ts
 * const { router, embedder } = await routesTo("qwen2.5-1.5b-instruct.gguf", [
 *   { name: "code", description: "writing, reading and fixing programs", model: "coder" },
 *   { name: "other", description: "everything else", model: "talker" },
 * ]);
 * router.decide(await embedQuery(embedder, "Why does this loop never end?")).models;   // ["coder"]
 * ```
 */
export async function routesTo(
  model: string,
  routes: readonly RouteToModel[],
): Promise<{ router: Router; embedder: Embedder }> {
  const described = routes.map(({ name, description }) => ({ name, description }));
  const embedder = new CachedEmbedder(await RouteEmbedder.open(model, described));
  const models = Array.from(new Set(routes.map(({ model }) => model)));
  try {
    const router = restoreRouter(
      {
        format: SAVED_FORMAT,
        version: SAVED_VERSION,
        name: "arch-router",
        options: { models: routes.map(({ model }) => model) },
        models,
        costs: models.map(() => ({ intercept: 1, slope: 0, least: 1 })),
        embedder: { id: embedder.id, dimension: embedder.dimension },
        state: {},
      },
      "the described routes",
    );
    return { router, embedder };
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
}
