/** What every router of this folder shares: checks, costs, the rules of the knobs, reasons, and the saved form. */
import { checkedCallback } from "../../callbacks.js";
import type { z } from "zod";
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import { checkMatrix, columnOf } from "../../learning/matrix.js";
import { checkArgument, checkWatching, readPlain } from "../../read-options.js";
import { chooseByKnob, theKnob } from "../allocation/choose.js";
import type { EmbedderIdentity } from "../embedders/embedder.js";
import {
  type Choice,
  type Decision,
  type Estimate,
  type FitData,
  type FitOptions,
  type Knob,
  type Query,
  type Router,
  type RouterInfo,
  SAVED_FORMAT,
  SAVED_VERSION,
  type SavedRouter,
} from "../router.js";
import { Costs } from "../table/costs.js";
import { checkTable } from "../table/outcome-table.js";

const DEFAULT_SEED = 1;

/** A router's fit without its defaults left open. */
export type TrainingOptions = FitOptions & { seed: number };

export abstract class TrainedRouter<State = unknown> implements Router {
  abstract readonly info: RouterInfo;
  #models: readonly string[] = [];
  #costs = new Costs([]);
  #embedder: EmbedderIdentity = { id: "", dimension: 0 };

  /** `options`: as they are saved, and as the registry creates the same router from. */
  protected constructor(protected readonly options: Record<string, unknown>) {}

  /** Learn. The table has at least two models, each with a quality in some row. `this.models` is set. */
  protected abstract train(data: FitData, options: TrainingOptions): void | Promise<void>;
  /** q̂_m(x) of every model; the embedding has the fitted size. */
  protected abstract predict(query: Query): Float64Array;
  /** What `train` has learned, as JSON. */
  protected abstract state(): State;
  /** The reverse of `state`; the value comes from a file. `this.models` is set. */
  protected abstract restoreState(state: unknown): void;

  get models(): readonly string[] {
    return this.#models;
  }

  /** A model's column. Errors: invalid-option for a model that this router was not fitted with. */
  protected column(model: string): number {
    const column = this.#models.indexOf(model);
    if (column < 0) throw unknownName(`model of this ${this.info.name} router`, model, this.#models);
    return column;
  }

  async fit(given: FitData, more: FitOptions = {}): Promise<void> {
    const data = readFitData(given);
    checkFitData(data);
    const options = readPlain("The options of fit", more, "{ seed: 1 }");
    checkSamplerOptions({ seed: options.seed });
    checkWatching(options);
    const costs = Costs.fit(data.table);
    this.#models = data.table.models;
    const onProgress = checkedCallback(options.onProgress);
    await this.train(data, { ...options, onProgress, seed: options.seed ?? DEFAULT_SEED });
    this.#costs = costs;
    this.#embedder = { id: data.embedder.id, dimension: data.embedder.dimension };
    onProgress?.(1);
  }

  score(query: Query): Estimate {
    this.#checkQuery(query);
    const quality = this.predict(query);
    this.#checkScores(quality);
    return { quality, cost: this.#costs.estimate(query.text) };
  }

  choose(estimate: Estimate, knob: Knob): Choice {
    return chooseByKnob(estimate, knob);
  }

  decide(query: Query, knob: Knob = {}): Decision {
    theKnob(readPlain("The knob", knob, `an object: { ${this.info.knobs[0]}: 0.5 }`), this.info);
    const estimate = this.score(query);
    const { members, votes, abstain } = this.choose(estimate, knob);
    return {
      models: members.map((member) => this.models[member]),
      scores: Object.fromEntries(this.models.map((model, index) => [model, estimate.quality[index]])),
      reason: this.reason(estimate, { members, votes, abstain }, knob),
      ...(votes !== undefined && { votes }),
      ...(abstain && { abstain }),
    };
  }

  /** One line for a person: what was chosen, at which estimates, and the best that was passed over. */
  protected reason({ quality, cost }: Estimate, { members, abstain }: Choice, knob: Knob): string {
    const set = theKnob(knob, this.info);
    const told = (m: number) => `${this.models[m]} (score ${brief(quality[m])}, cost ${brief(cost[m])})`;
    const others = Array.from(quality.keys()).filter((m) => !members.includes(m));
    others.sort((a, b) => quality[b] - quality[a] || cost[a] - cost[b]);
    const isOutOfReach = set?.[0] === "threshold" && quality.every((each) => each < set[1]);
    const unreached = isOutOfReach ? ", which no score reaches" : "";
    const why = set === undefined ? "the best estimate" : `${set[0]} ${brief(set[1])}${unreached}`;
    const passed = others.length > 0 ? `; passed over ${told(others[0])}` : "";
    return `${abstain ? "no model is trusted; " : ""}${members.map(told).join(", ")} by ${why}${passed}`;
  }

  toJSON(): SavedRouter {
    this.#checkFitted();
    return {
      format: SAVED_FORMAT,
      version: SAVED_VERSION,
      name: this.info.name,
      options: this.options,
      models: this.models,
      costs: this.#costs.toJSON(),
      embedder: this.#embedder,
      state: this.state(),
    };
  }

  /** For `restoreRouter`, which has checked the envelope. */
  restore({ models, costs, embedder, state }: SavedRouter): void {
    this.#models = models;
    this.#costs = new Costs(costs);
    this.#embedder = embedder;
    this.restoreState(state);
  }

  #checkFitted(): void {
    if (this.#embedder.dimension > 0) return;
    throw new LlamafuseError("invalid-option", `This ${this.info.name} router has not been fitted. Call fit first.`);
  }

  /** What a fit gives is finite; a damaged file may hold too few numbers, or such as overflow. */
  #checkScores(quality: Estimate["quality"]): void {
    const { length } = this.#models;
    if (quality.length === length && quality.every(Number.isFinite)) return;
    throw new LlamafuseError(
      "invalid-data",
      `This ${this.info.name} router scores its ${length} models ${Array.from(quality).join(", ")}; its file is damaged. Fit the router again.`,
      { found: Array.from(quality, String), allowed: `${length} finite numbers` },
    );
  }

  #checkQuery(query: Query): void {
    this.#checkFitted();
    checkQuery(query);
    const { embedding } = query;
    const { id, dimension } = this.#embedder;
    if (embedding.length === dimension) return;
    throw new LlamafuseError(
      "incompatible-members",
      `An embedding of ${embedding.length} numbers; this ${this.info.name} router was fitted on ${dimension} of ${id}. Embed the query with that embedder, or fit the router again.`,
      { found: embedding.length, allowed: dimension, embedder: id },
    );
  }
}

/** A registered router. */
export interface RouterDefinition<Schema extends z.ZodType = z.ZodType> {
  info: RouterInfo;
  /** Checks the options, and fills in the defaults. */
  options: Schema;
  create(options: z.output<Schema>): TrainedRouter;
}

/** A query is a text and its embedding. Errors: invalid-option. */
export function checkQuery(query: Query): void {
  checkArgument("The query", query, "a query, as embedQuery gives it: { text, embedding }", () => {
    const { text, embedding } = query;
    return typeof text === "string" && embedding instanceof Float64Array && embedding.every(Number.isFinite);
  });
}

function readFitData(given: FitData): FitData {
  const data = readPlain(
    "What a router is fitted on",
    given,
    "an object, as trainingData gives it: { table, embeddings, embedder }",
  );
  checkTable(data.table);
  checkMatrix("The embeddings", data.embeddings);
  checkArgument("The embedder", data.embedder, "what identifies it: { id, dimension }", () => {
    return typeof data.embedder.id === "string" && Number.isInteger(data.embedder.dimension);
  });
  return data;
}

function checkFitData({ table, embeddings, embedder }: FitData): void {
  const refuse = (message: string, details: Record<string, unknown> = {}) => {
    throw new LlamafuseError("invalid-data", `${table.name}: ${message}`, { table: table.name, ...details });
  };
  if (table.models.length < 2) {
    refuse(`a router chooses among models, and the table has only ${table.models[0]}. Add outcomes of another model.`, {
      found: 1,
      allowed: ">= 2",
    });
  }
  for (const [column, model] of table.models.entries()) {
    if (columnOf(table.quality, column).some((quality) => !Number.isNaN(quality))) continue;
    refuse(`the model ${model} has no quality in any row. Leave it out, or add its outcomes.`, { model });
  }
  const [rows, columns] = embeddings.shape;
  if (rows === table.rows && columns === embedder.dimension && embeddings.data.every(Number.isFinite)) return;
  refuse(
    `the embeddings are ${rows} × ${columns} for ${table.rows} queries and ${embedder.id} of ${embedder.dimension}, or are not finite. Embed the table's queries with that embedder.`,
    { found: [rows, columns], allowed: [table.rows, embedder.dimension] },
  );
}

function brief(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}
