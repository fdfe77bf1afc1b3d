/**
 * The router contract: which of several models should answer a query, decided before any of them has. A router is fitted
 * on a table of outcomes, estimates every model's quality on a new query, and decides under a knob that trades quality
 * against cost.
 *
 *     x        query, as text and as an embedding of d numbers
 *     q̂_m(x)   estimated quality of model m, mostly in [0, 1]; what it estimates is in each router's own docstring
 *     ĉ_m(x)   estimated cost of asking m, in the unit of the table's costs (see costs.ts)
 *     decision a set of models, best first, mostly of one
 *
 * What needs a model call (an embedding, label probabilities) is in the query before a router sees it, so that scoring
 * and deciding are synchronous and quick. Laws in test/laws/routers.ts hold for every implementation.
 */
import type { Matrix } from "../learning/matrix.js";
import type { EmbedderIdentity } from "./embedders/embedder.js";
import type { SavedCosts } from "./table/costs.js";
import type { OutcomeTable } from "./table/outcome-table.js";

export interface Query {
  text: string;
  /** By the embedder that the router was fitted with. */
  embedding: Float64Array;
}

/** One number for each of the router's models, in the order of `models`; finite. */
export interface Estimate {
  quality: Float64Array;
  cost: Float64Array;
  /** The set that the training found for queries like this one, of routers that choose among fixed sets. */
  members?: readonly number[];
}

/**
 * At most one of these; with none, quality alone decides.
 * - `lambda` λ ≥ 0, the price of cost: argmax q̂ − λ·ĉ (Infinity: the cheapest)
 * - `threshold` τ: the cheapest model with q̂ ≥ τ, else the best one; for a pair router the strong model where its score ≥ τ
 * - `budget` B: the best model with ĉ ≤ B for this query
 * - `preference` ω in [0, 1]: argmax ω·q̂ − (1 − ω)·ĉ / max_m ĉ
 */
export interface Knob {
  lambda?: number;
  threshold?: number;
  budget?: number;
  preference?: number;
}

export type KnobName = keyof Knob;

/** Columns of the chosen models, best first. The first one answers, unless they vote. */
export interface Choice {
  members: readonly number[];
  /** The chosen models all answer, and the answer with the largest sum of these weights wins (one weight a member). */
  votes?: readonly number[];
  /** No model is trusted with this query; `members` is what to ask all the same. */
  abstain?: boolean;
}

export interface Decision {
  models: string[];
  /** The estimated quality of every model. */
  scores: Record<string, number>;
  /** Why, in one line for a person. */
  reason: string;
  votes?: readonly number[];
  abstain?: boolean;
}

/** What came of a query: one model's outcome, or which of two answers was better. */
export type RouterFeedback =
  | { query: Query; model: string; quality: number; cost?: number; latencyMs?: number }
  | { query: Query; a: string; b: string; outcome: "a" | "b" | "tie" };

export interface FitData {
  table: OutcomeTable;
  /** rows × d, a row of the table each. */
  embeddings: Matrix;
  /** Where the embeddings come from; remembered, so that a saved router refuses those of another embedder. */
  embedder: EmbedderIdentity;
}

export interface FitOptions {
  /** Whatever is random in the fit repeats with it. Default 1. */
  seed?: number;
  signal?: AbortSignal;
  /** From 0 to 1. */
  onProgress?: (fraction: number) => void;
}

export interface Router {
  readonly info: RouterInfo;
  /** In the order of the table that it was fitted on; empty before. */
  readonly models: readonly string[];
  /** Errors: invalid-data (a table that this router cannot learn from), invalid-option (the seed), aborted. */
  fit(data: FitData, options?: FitOptions): Promise<void>;
  /** Errors: incompatible-members (an embedding of another size), invalid-option (not fitted). */
  score(query: Query): Estimate;
  /** The rule alone, for a sweep over knobs. */
  choose(estimate: Estimate, knob: Knob): Choice;
  /** `score`, `choose` and the reason. Errors: also invalid-option for a knob that is not this router's or out of range. */
  decide(query: Query, knob?: Knob): Decision;
  /** Learn from what came of a decision; only routers that learn online have it. */
  update?(feedback: RouterFeedback): void;
  /** JSON from which `restoreRouter` makes a router that decides alike. */
  toJSON(): SavedRouter;
}

export interface RouterInfo {
  name: string;
  /** One line for lists. */
  summary: string;
  /** Paper, with arXiv id or venue. */
  source: string;
  /** The knobs that `decide` takes; the first is the one that a curve of this router sweeps. */
  knobs: readonly [KnobName, ...KnobName[]];
  /** Option name → what it is, with its default. */
  options: Record<string, string>;
}

export const SAVED_FORMAT = "llamafuse-router";
/** Raised whenever files of before cannot be read any more. */
export const SAVED_VERSION = 1;

export interface SavedRouter {
  format: typeof SAVED_FORMAT;
  version: typeof SAVED_VERSION;
  name: string;
  options: Record<string, unknown>;
  models: readonly string[];
  costs: SavedCosts;
  embedder: EmbedderIdentity;
  /** The router's own. */
  state: unknown;
}
