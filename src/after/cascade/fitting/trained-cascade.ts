/** What every cascade shares: checks, the order of the models, and the saved form. */
import type { z } from "zod";
import { theKnob } from "../../../before/allocation/choose.js";
import type { EmbedderIdentity } from "../../../before/embedders/embedder.js";
import { checkTable } from "../../../before/table/outcome-table.js";
import { checkedCallback } from "../../../callbacks.js";
import { checkSamplerOptions } from "../../../decoding/sampler-options.js";
import { LlamafuseError, unknownName } from "../../../errors.js";
import { columnOf } from "../../../learning/matrix.js";
import { checkArgument, checkTexts, checkWatching, readPlain } from "../../../read-options.js";
import {
  CASCADE_FORMAT,
  CASCADE_VERSION,
  type CallsPerAnswer,
  type Cascade,
  type CascadeFitData,
  type CascadeInfo,
  type CascadeState,
  type CascadeStep,
  type FitOptions,
  type Knob,
  type SavedCascade,
} from "../cascade.js";
import { answersOf, DETAIL_WORDS, hasDetail } from "./table-answers.js";

const DEFAULT_SEED = 1;

/** A fit without its defaults left open. */
export type TrainingOptions = FitOptions & { seed: number };

/** Options that every cascade takes. */
export interface ChainOptions {
  /** Names of models in the order of the calls. Default: all, by rising mean cost. */
  chain?: readonly string[];
}

export abstract class TrainedCascade<State = unknown> implements Cascade {
  abstract readonly info: CascadeInfo;
  #models: readonly string[] = [];
  #chain: readonly number[] = [];
  #costs: readonly number[] = [];
  #embedder: EmbedderIdentity | undefined;

  /** `options`: as they are saved, and as the registry creates the same cascade from. */
  protected constructor(protected readonly options: Record<string, unknown> & ChainOptions) {}

  /** Learn. The table's chain has the details that `info.needs` names. */
  protected abstract train(data: CascadeFitData, options: TrainingOptions): void | Promise<void>;
  /** At least one answer is there, or `decide` is also asked for the first model. */
  protected abstract decide(state: CascadeState, knob: Knob): CascadeStep;
  /** What `train` has learned, as JSON. */
  protected abstract state(): State;
  /** The reverse of `state`; the value comes from a file. */
  protected abstract restoreState(state: unknown): void;
  abstract settings(): readonly Knob[];

  get models(): readonly string[] {
    return this.#models;
  }

  get chain(): readonly string[] {
    return this.#chain.map((column) => this.#models[column]);
  }

  /** Columns in the order of the calls. */
  protected get order(): readonly number[] {
    return this.#chain;
  }

  /** Mean cost of one answer, by column. */
  protected get costs(): readonly number[] {
    return this.#costs;
  }

  callsPerAnswer(_model: number): CallsPerAnswer {
    return { samples: 1, verifications: 0 };
  }

  alwaysKeeps(model: number): boolean {
    return this.after(model) === undefined;
  }

  async fit(given: CascadeFitData, more: FitOptions = {}): Promise<void> {
    const data = readPlain("What a cascade is fitted on", given, "an object: { table }");
    checkTable(data.table);
    const options = readPlain("The options of fit", more, "{ seed: 1 }");
    checkSamplerOptions({ seed: options.seed });
    checkWatching(options);
    const { table } = data;
    const costs = Array.from(table.meansOf(table.cost), (cost) => (Number.isNaN(cost) ? 1 : cost));
    const chain = this.#chainOf(table.models, costs);
    checkOutcomes(data, chain);
    this.#checkDetails(data, chain);
    const { embedder } = data;
    const isEmbedded = this.info.readsEmbedding && data.embeddings !== undefined && embedder !== undefined;
    this.#models = table.models;
    this.#costs = costs;
    this.#chain = chain;
    const onProgress = checkedCallback(options.onProgress);
    const training = { ...options, onProgress, seed: options.seed ?? DEFAULT_SEED };
    await this.train(isEmbedded ? data : { table }, training);
    this.#embedder = isEmbedded ? { id: embedder.id, dimension: embedder.dimension } : undefined;
    onProgress?.(1);
  }

  /** Decide without a fit, on these models in this order. Error: invalid-option for a cascade that must be fitted. */
  begin(models: readonly string[]): void {
    checkTexts("The models of a cascade", models);
    if (!this.info.trainingFree) throw this.#unfitted();
    this.#models = [...models];
    this.#chain = models.map((_, column) => column);
    this.#costs = models.map(() => 1);
  }

  next(state: CascadeState, knob: Knob = {}): CascadeStep {
    if (this.#models.length === 0) throw this.#unfitted();
    theKnob(readPlain("The knob", knob, `an object: { ${this.info.knobs[0]}: 0.5 }`), this.info);
    checkArgument("The answers", state?.answers, "a list of answers, each of one of the models", () => {
      return state.answers.every(({ model }) => Number.isInteger(model) && model >= 0 && model < this.#models.length);
    });
    return this.decide(state, knob);
  }

  toJSON(): SavedCascade {
    if (this.#models.length === 0) throw this.#unfitted();
    return {
      format: CASCADE_FORMAT,
      version: CASCADE_VERSION,
      name: this.info.name,
      options: this.options,
      models: this.#models,
      chain: this.#chain,
      costs: this.#costs,
      ...(this.#embedder !== undefined && { embedder: this.#embedder }),
      state: this.state(),
    };
  }

  /** For `restoreCascade`, which has checked the envelope. */
  restore({ models, chain, costs, embedder, state }: SavedCascade): void {
    this.#models = models;
    this.#chain = chain;
    this.#costs = costs;
    this.#embedder = embedder;
    this.restoreState(state);
  }

  protected nameOf(model: number): string {
    return this.#models[model];
  }

  /** The model after this one in the chain; undefined after the last. */
  protected after(model: number): number | undefined {
    return this.#chain[this.#chain.indexOf(model) + 1];
  }

  #chainOf(models: readonly string[], costs: readonly number[]): number[] {
    const { chain } = this.options;
    if (chain === undefined) return models.map((_, column) => column).sort((a, b) => costs[a] - costs[b] || a - b);
    const twice = chain.find((name, at) => chain.indexOf(name) < at);
    if (twice !== undefined) {
      const message = `The chain names ${twice} twice, and a cascade asks a model once. Leave one out.`;
      throw new LlamafuseError("invalid-option", message, { option: "chain", found: chain, allowed: models });
    }
    return chain.map((name) => {
      const column = models.indexOf(name);
      if (column < 0) throw unknownName("model of the chain", name, models);
      return column;
    });
  }

  /** Every model of the chain but the last must show what the rule reads, in some row. */
  #checkDetails({ table }: CascadeFitData, chain: readonly number[]): void {
    const asked = chain.length > 1 ? chain.slice(0, -1) : [];
    for (const detail of this.info.needs) {
      const { found, cure } = DETAIL_WORDS[detail];
      const refuse = (subject: string) => {
        throw new LlamafuseError(
          "invalid-data",
          `${table.name}: ${subject} no ${found}, which ${this.info.name} reads. ${cure}`,
          {
            table: table.name,
            allowed: detail,
          },
        );
      };
      for (const column of asked) {
        if (!answersOf(table).some((answers) => hasDetail(answers[column], detail))) {
          refuse(`the model ${table.models[column]} has`);
        }
      }
    }
  }

  #unfitted(): LlamafuseError {
    return new LlamafuseError(
      "invalid-option",
      `This ${this.info.name} cascade has not been fitted. Call fit first, or read a file that "llamafuse cascade fit" wrote.`,
    );
  }
}

/** A registered cascade. */
export interface CascadeDefinition<Schema extends z.ZodType = z.ZodType> {
  info: CascadeInfo;
  /** Checks the options, and fills in the defaults. */
  options: Schema;
  create(options: z.output<Schema>): TrainedCascade;
}

function checkOutcomes({ table, embeddings }: CascadeFitData, chain: readonly number[]): void {
  const refuse = (message: string, details: Record<string, unknown> = {}): never => {
    throw new LlamafuseError("invalid-data", `${table.name}: ${message}`, { table: table.name, ...details });
  };
  for (const column of chain) {
    const model = table.models[column];
    if (columnOf(table.quality, column).every(Number.isNaN)) {
      refuse(`the model ${model} has no quality in any row. Leave it out, or add its outcomes.`, { model });
    }
    if (table.hasCosts && columnOf(table.cost, column).every(Number.isNaN)) {
      refuse(
        `the model ${model} has no cost in any row, but other models do. Give it one (prices: { "${model}": COST }), or leave the model out.`,
        { model },
      );
    }
  }
  if (embeddings !== undefined && embeddings.shape[0] !== table.rows) {
    refuse(`${embeddings.shape[0]} embeddings for ${table.rows} queries.`, { found: embeddings.shape[0] });
  }
}

/** A number for a person. */
export function brief(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}
