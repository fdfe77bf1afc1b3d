/**
 * A language model as router: it reads descriptions of routes and the query, and names the route (Arch-Router, arXiv
 * 2506.16655; katanemo's gateway). Fit it with the embedder of route probabilities (embedders/route-probabilities.ts), whose
 * numbers are p_r(x), one a route.
 *
 *     r̂ = argmax_r p_r(x);   models given      the model that was named for r̂:  q̂_m = max of p_r over the routes to m
 *                            else (ours)       the model that is best on r̂'s training queries:  q̂_m = mean quality there
 *
 * The first form is the published one and learns nothing: `routesTo` (described-routes.ts) makes it without a table. The
 * gateway answers "other" with a default model; here "other" is a route like any that is described so.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { argmax, type Matrix, rowOf } from "../../learning/matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { TrainedRouter } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import { groupQuality } from "../table/row-groups.js";

export const archRouterInfo: RouterInfo = {
  name: "arch-router",
  summary: "A language model names the described route that a query belongs to.",
  source: "arXiv 2506.16655",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    models: "Model for each route, in the order of the routes. Default: the best on the route's training queries.",
  },
};

export const archRouterOptions = z.strictObject({ models: z.array(z.string()).min(2).optional() });

type ArchRouterOptions = z.output<typeof archRouterOptions>;

/** routes × models: mean quality; undefined where the models are given. */
const archRouterState = z.strictObject({ quality: packedNumbers.optional() });

export class ArchRouter extends TrainedRouter<z.infer<typeof archRouterState>> {
  readonly info = archRouterInfo;
  readonly #settings: ArchRouterOptions;
  #quality: Matrix | undefined;

  constructor(options: ArchRouterOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings, embedder }: FitData): void {
    const { models } = this.#settings;
    if (models !== undefined) {
      for (const model of models) table.column(model);
      if (models.length === embedder.dimension) return;
      throw new LlamafuseError(
        "invalid-option",
        `${models.length} models are given for the ${embedder.dimension} routes of ${embedder.id}. Give one for each.`,
        { found: models.length, allowed: embedder.dimension, option: "models" },
      );
    }
    const names = Array.from({ length: table.rows }, (_, row) => String(argmax(rowOf(embeddings, row))));
    const routes = Array.from({ length: embedder.dimension }, (_, route) => String(route));
    this.#quality = groupQuality(table, names, routes);
  }

  protected predict({ embedding }: Query): Float64Array {
    if (this.#quality !== undefined) return Float64Array.from(rowOf(this.#quality, argmax(embedding)));
    const quality = new Float64Array(this.models.length);
    for (const [route, model] of this.#settings.models!.entries()) {
      const column = this.column(model);
      quality[column] = Math.max(quality[column], embedding[route]);
    }
    return quality;
  }

  protected state() {
    return this.#quality === undefined ? {} : { quality: packMatrix(this.#quality) };
  }

  protected restoreState(state: unknown): void {
    const { quality } = archRouterState.parse(state);
    if ((quality === undefined) !== (this.#settings.models !== undefined)) {
      throw new LlamafuseError(
        "invalid-data",
        "This arch-router has neither models nor qualities for its routes. Save it again.",
      );
    }
    this.#quality = quality && unpackMatrix(quality);
  }
}
