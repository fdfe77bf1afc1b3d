/**
 * Which of some described routes a language model takes a query for: the embedder of `arch-router` (Tran, Paracha, Hafeez
 * and Chen, "Arch-Router", arXiv 2506.16655). The model reads the routes' names and descriptions and the query, and can only
 * answer with a name:
 *
 *     p_r(x) = P("name of r" | prompt) / Σ_s P("name of s" | prompt)         one number a route, in their order
 *
 * The paper tunes a 1.5B model to write {"route": name} at temperature 0.01, after a prompt that is cut to 2,048 tokens of 4
 * characters; here any local model is asked, with a prompt of ours and the same limit on the query.
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { contentHash } from "../../content-identity.js";
import { type Ensemble, loadEnsemble } from "../../ensemble/ensemble.js";
import { LlamafuseError } from "../../errors.js";
import { type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { checkModel } from "../../llama/check-model.js";
import { resolveModel } from "../../member/resolve-model.js";
import { problemOf, sentenceOf } from "../../zod-problem.js";
import { continuationShares } from "./continuation-shares.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

export const ROUTES = "routes";

const oneLine = z.string().regex(/^\S(.*\S)?$/, "must be one line without spaces around it");

export const describedRoute = z.strictObject({
  /** Short: it is what the model says. */
  name: oneLine,
  /** Which queries belong here, in the words of a person. */
  description: oneLine,
});

export type DescribedRoute = z.infer<typeof describedRoute>;

const state = z.strictObject({ model: z.string(), routes: z.array(describedRoute).min(2) });

/** 2,048 tokens of 4 characters. */
const LONGEST_QUERY = 8192;

export class RouteEmbedder implements Embedder {
  readonly id: string;

  private constructor(
    private readonly ensemble: Ensemble,
    private readonly source: z.infer<typeof state>,
    digest: string,
  ) {
    const settings = JSON.stringify([digest, routePrompt(source.routes, "")]);
    this.id = `${ROUTES}:${createHash("sha256").update(settings).digest("hex").slice(0, 16)}`;
  }

  /**
   * `model`: a path, a native model's name, or an `hf:` or `https:` URI. Errors: invalid-option (fewer than two routes, two
   * of one name), those of `createEnsemble`.
   */
  static async open(model: string, routes: readonly DescribedRoute[]): Promise<RouteEmbedder> {
    const source = checkRoutes(model, routes);
    const { parts } = await checkModel(await resolveModel(model));
    const digest = await contentHash(parts);
    const ensemble = await loadEnsemble({ members: [{ model }], method: { name: "single" } });
    return new RouteEmbedder(ensemble, source, digest);
  }

  get dimension(): number {
    return this.source.routes.length;
  }

  get routes(): readonly DescribedRoute[] {
    return this.source.routes;
  }

  /** Errors: aborted, context-overflow, disposed. */
  async embed(texts: readonly string[], { signal, onProgress }: EmbedOptions = {}): Promise<Matrix> {
    const { routes } = this.source;
    // The line's end tells a name from another that begins with it.
    const answers = routes.map(({ name }) => ` ${name}\n`);
    const shares = makeMatrix(texts.length, routes.length);
    for (const [row, text] of texts.entries()) {
      await setImmediate();
      if (signal?.aborted) throw new LlamafuseError("aborted", "Choosing routes was stopped.");
      const prompt = routePrompt(routes, text);
      rowOf(shares, row).set(await continuationShares(this.ensemble, prompt, answers, signal));
      onProgress?.((row + 1) / texts.length);
    }
    return shares;
  }

  toJSON(): SavedEmbedder {
    return { kind: ROUTES, id: this.id, dimension: this.dimension, state: this.source };
  }

  static async restore(saved: unknown): Promise<RouteEmbedder> {
    const { model, routes } = state.parse(saved);
    return await RouteEmbedder.open(model, routes);
  }

  async dispose(): Promise<void> {
    await this.ensemble.dispose();
  }
}

/** What the model reads; a route's name follows. */
export function routePrompt(routes: readonly DescribedRoute[], query: string): string {
  const list = routes.map(({ name, description }) => `- ${name}: ${description}`).join("\n");
  const request = query.slice(0, LONGEST_QUERY).replace(/\s+/g, " ").trim();
  return `Each request belongs to one of these routes.\n${list}\n\nRequest: ${request}\nRoute:`;
}

function checkRoutes(model: string, routes: readonly DescribedRoute[]): z.infer<typeof state> {
  const refuse = (message: string, found: unknown, allowed: string) => {
    throw new LlamafuseError("invalid-option", message, { found, allowed, option: "routes" });
  };
  const result = state.safeParse({ model, routes });
  if (!result.success) {
    const problem = problemOf(result.error, { model, routes }, { schema: state });
    return refuse(
      `The routes are not understood: ${sentenceOf(problem)}. Give at least two, each { name, description }.`,
      routes,
      "[{ name, description }, …]",
    ) as never;
  }
  const names = routes.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`Two routes are named "${twice}". Give each its own name.`, twice, "distinct names");
  return result.data;
}
