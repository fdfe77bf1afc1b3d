/**
 * The cascade contract: models are asked one after another, and after every answer a rule says whether to keep one or to ask
 * another model. A router (src/before) is a cascade that stops after one answer.
 *
 *     state   the query and every answer so far, in the order of the calls
 *     next    stop and keep an answer, or the model to ask next
 *     cost    of every call that was made: rejected answers, samples and verifications too
 *
 * `next` is synchronous and needs no model: what comes from calls (log-probabilities, samples, a verifier's verdict) is in the
 * answers. Laws in test/laws/cascades.test.ts hold for every implementation.
 */
import type { EmbedderIdentity } from "../../before/embedders/embedder.js";
import type { FitOptions, Knob, KnobName, RouterInfo } from "../../before/router.js";
import type { OutcomeTable } from "../../before/table/outcome-table.js";
import type { Matrix } from "../../learning/matrix.js";

/** What a call brought; what a table or a member cannot say is absent. */
export interface CascadeAnswer {
  /** The model's column. */
  model: number;
  text?: string;
  /** All sampled answers, `text` first, where the model was asked several times. */
  samples?: readonly string[];
  /** Of each sample, by an embedder. */
  sampleEmbeddings?: readonly ArrayLike<number>[];
  /** ln p of every token of `text` in the model's own distribution. */
  logProbs?: ArrayLike<number>;
  /** Of the classes or choices, in one order for all models. */
  classProbabilities?: ArrayLike<number>;
  /** How sure a verifier is that `text` is right, 0 to 1. */
  verifier?: number;
}

export interface CascadeQuery {
  text: string;
  /** By the embedder that the cascade was fitted with, for those that read it. */
  embedding?: Float64Array;
  /** The query's subject or data set, where it is known. */
  group?: string;
}

export interface CascadeState {
  query: CascadeQuery;
  answers: readonly CascadeAnswer[];
}

export type CascadeStep =
  | {
      stop: true;
      /** The place of the kept answer in the state. */
      answer: number;
      /** The place of the kept sample; default the first. */
      sample?: number;
      reason: string;
    }
  | { stop: false; model: number; reason: string };

/** What an answer can bring beside its text. */
export type AnswerDetail = "logProbs" | "classProbabilities" | "samples" | "verifier" | "answers";

export interface CascadeInfo extends RouterInfo {
  /** What the rule reads of answers and queries; a table or a member without it cannot be used. */
  needs: readonly AnswerDetail[];
  /** Whether it reads embeddings of queries where it is given some in its fit. */
  readsEmbedding: boolean;
  /** Whether it decides without a fit, on the models in the order in which they are given. */
  trainingFree: boolean;
  /** Knobs at which every query is answered by the first and by the last model; absent where the rule weighs estimates. */
  ends: { first: Knob; last?: Knob };
}

export interface CascadeFitData {
  table: OutcomeTable;
  /** rows × d and where they come from, for cascades that read embeddings. */
  embeddings?: Matrix;
  embedder?: EmbedderIdentity;
}

/** Calls of a model for one answer of a cascade. */
export interface CallsPerAnswer {
  /** Answers that are asked for. */
  samples: number;
  /** Further calls that judge the answer, each as dear as an answer. */
  verifications: number;
}

export interface Cascade {
  readonly info: CascadeInfo;
  /** In the order of the table that it was fitted on; empty before. */
  readonly models: readonly string[];
  /** The models in the order in which they are asked where all of them are. */
  readonly chain: readonly string[];
  /** Errors: invalid-data (a table without the details that this cascade reads), invalid-option, aborted. */
  fit(data: CascadeFitData, options?: FitOptions): Promise<void>;
  /** Errors: invalid-option (not fitted, a knob that is not this cascade's, an answer of no model), invalid-data (a detail is missing). */
  next(state: CascadeState, knob?: Knob): CascadeStep;
  callsPerAnswer(model: number): CallsPerAnswer;
  /** Whether an answer of this model is kept whatever it says, so that it can be shown while it is made. */
  alwaysKeeps(model: number): boolean;
  /** Settings of the first knob at which the rule's choices change, from what was seen in the fit; no outcome is looked at again. */
  settings(): readonly Knob[];
  /** JSON from which `restoreCascade` makes a cascade that decides alike. */
  toJSON(): SavedCascade;
}

export const CASCADE_FORMAT = "llamafuse-cascade";
/** Raised whenever files of before cannot be read any more. */
export const CASCADE_VERSION = 1;

export interface SavedCascade {
  format: typeof CASCADE_FORMAT;
  version: typeof CASCADE_VERSION;
  name: string;
  options: Record<string, unknown>;
  models: readonly string[];
  /** Columns in the order of the calls. */
  chain: readonly number[];
  /** Mean cost of one answer of each model. */
  costs: readonly number[];
  embedder?: EmbedderIdentity;
  /** The cascade's own. */
  state: unknown;
}

export type { FitOptions, Knob, KnobName };
