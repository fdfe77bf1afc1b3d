/**
 * RouteLLM: a strong and a weak model, routed by the probability that the strong one's answer would win (Ong and others,
 * arXiv 2406.18665; lm-sys/RouteLLM). Strong where score ≥ τ; without a knob τ = 0.5. Four scores:
 *
 *     mf          P = σ(δ(strong, x) − δ(weak, x)), learning/matrix-factorisation.ts; ties dropped
 *     sw          Elo of battles weighted by similarity, routellm-ranking.ts
 *     classifier  P = P(strong wins) of the three classes strong wins, tie, weak wins
 *     causal      P = 1 − Σ_{s ≥ 4} p_s, where a language model grades from 1 to 5 how well the weak model will do
 *
 * Battles are made from the table, won by the better model: between the two, or with `battles: "all"` between all models of
 * the table, as mf and sw learn from in the paper. There every query had one battle of any two models; in a table the two
 * have answered it themselves, so others add time and little else. Others take no part in decisions.
 *
 * The published mf sees OpenAI embeddings of 1,536 numbers, and is trained for 100 epochs at 3e-4. The published classifier
 * is BERT; here it is a multinomial logistic regression on embeddings. The published causal model is a tuned Llama 3 whose
 * output of any other form counts as 1; here any local model is asked with examples and only the five labels can come out
 * (embedders/label-probabilities.ts: fit with that embedder, whose five numbers are p_1 … p_5; nothing is learned).
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { sigmoid } from "../../learning/logistic-regression.js";
import { makeMatrix } from "../../learning/matrix.js";
import { MatrixFactorisation, savedFactorisation } from "../../learning/matrix-factorisation.js";
import { SoftmaxRegression, savedSoftmax } from "../../learning/softmax-regression.js";
import { choosePair, type ModelPair, pairOf, pairQuality } from "../fitting/model-pair.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";
import { outcomePairs } from "../table/pairs.js";
import { eloWinRate, SimilarityRanking, savedRanking } from "./routellm-ranking.js";

export const routellmInfo: RouterInfo = {
  name: "routellm",
  summary: "Picks the strong model when it is likely to beat the weak one.",
  source: "arXiv 2406.18665",
  knobs: ["threshold"],
  options: {
    variant: "Score: mf, sw, classifier or causal. Default mf.",
    strong: "The strong model. Default: the best on average.",
    weak: "The weak model. Default: the cheapest other one; without costs the worst on average.",
    battles: "mf, sw: pair (battles between the two) or all. Default pair.",
    margin: "Largest difference in quality that counts as a tie. Default 0.",
    dimension: "mf: length of a model's vector. Default 128.",
    epochs: "mf: most passes over the battles. Default 100.",
    heldOut: "mf: share of the queries held out for early stopping; 0 trains for all epochs. Default 0.05.",
    noise: "mf: standard deviation of the noise added to embeddings in training. Default 0.1.",
    tiers: "sw: most tiers of models. Default 10.",
    compat: "sw: count battles within a tier as the released code does. Default false.",
  },
};

export const routellmOptions = z.strictObject({
  variant: z.enum(["mf", "sw", "classifier", "causal"]).default("mf"),
  strong: z.string().optional(),
  weak: z.string().optional(),
  battles: z.enum(["pair", "all"]).default("pair"),
  margin: z.number().min(0).default(0),
  dimension: z.int().min(1).default(128),
  epochs: z.int().min(1).default(100),
  noise: z.number().min(0).default(0.1),
  heldOut: z.number().min(0).max(0.5).default(0.05),
  tiers: z.int().min(1).default(10),
  compat: z.boolean().default(false),
});

type RoutellmOptions = z.output<typeof routellmOptions>;

/** The labels 1 … 5 of the causal score. */
const LABEL_COUNT = 5;
/** From this label on the weak model is good enough. */
const GOOD_LABEL = 4;

const pairState = z.strictObject({ strong: z.int().min(0), weak: z.int().min(0) });
const routellmState = z.strictObject({ pair: pairState, score: z.unknown() });

/** One way to estimate P(strong wins | x). */
interface PairScore {
  score(embedding: Float64Array, pair: ModelPair): number;
  toJSON(): unknown;
}

export class RoutellmRouter extends TrainedRouter<z.infer<typeof routellmState>> {
  readonly info = routellmInfo;
  readonly #settings: RoutellmOptions;
  #pair!: ModelPair;
  /** The pair as the score numbers its models. */
  #fought!: ModelPair;
  #score!: PairScore;

  constructor(options: RoutellmOptions) {
    super(options);
    this.#settings = options;
  }

  protected train(data: FitData, training: TrainingOptions): void {
    const { table } = data;
    this.#setPair(pairOf(table, this.#settings));
    const { strong, weak } = this.#pair;
    const isAll = this.#settings.battles === "all";
    const fought = isAll ? table : table.selectModels([table.models[strong], table.models[weak]]);
    this.#score = this.#fitScore({ ...data, table: fought }, training);
  }

  protected predict({ embedding }: Query): Float64Array {
    return pairQuality(this.models.length, this.#pair, this.#score.score(embedding, this.#fought));
  }

  override choose(estimate: Estimate, knob: Knob): Choice {
    return choosePair(estimate, knob, this.#pair);
  }

  protected state() {
    return { pair: this.#pair, score: this.#score.toJSON() };
  }

  protected restoreState(state: unknown): void {
    const { pair, score } = routellmState.parse(state);
    this.#setPair(pair);
    this.#score = this.#restoreScore(score);
  }

  #setPair(pair: ModelPair): void {
    this.#pair = pair;
    this.#fought = this.#settings.battles === "all" ? pair : { strong: 0, weak: 1 };
  }

  #fitScore(data: FitData, training: TrainingOptions): PairScore {
    switch (this.#settings.variant) {
      case "mf":
        return factorScore(fitFactors(data, this.#settings, training));
      case "sw":
        return rankingScore(SimilarityRanking.fit(data, this.#settings));
      case "classifier":
        return classifierScore(fitClassifier(data, this.#settings.margin, this.#fought));
      case "causal":
        requireLabels(data);
        return causalScore;
    }
  }

  #restoreScore(saved: unknown): PairScore {
    switch (this.#settings.variant) {
      case "mf":
        return factorScore(MatrixFactorisation.restore(savedFactorisation.parse(saved)));
      case "sw":
        return rankingScore(SimilarityRanking.restore(savedRanking.parse(saved)));
      case "classifier":
        return classifierScore(SoftmaxRegression.restore(savedSoftmax.parse(saved)));
      case "causal":
        return causalScore;
    }
  }
}

function factorScore(factors: MatrixFactorisation): PairScore {
  return {
    score(embedding, { strong, weak }) {
      const logits = factors.logits(embedding);
      return sigmoid(logits[strong] - logits[weak]);
    },
    toJSON: () => factors.toJSON(),
  };
}

function rankingScore(ranking: SimilarityRanking): PairScore {
  return {
    score(embedding, { strong, weak }) {
      const ratings = ranking.ratings(embedding);
      return eloWinRate(ratings[strong], ratings[weak]);
    },
    toJSON: () => ranking.toJSON(),
  };
}

/** Classes: strong wins, tie, weak wins. */
function classifierScore(classifier: SoftmaxRegression): PairScore {
  return { score: (embedding) => classifier.probabilities(embedding)[0], toJSON: () => classifier.toJSON() };
}

const causalScore: PairScore = { score: winRateOfLabels, toJSON: () => null };

/** 1 − Σ_{s ≥ 4} p_s over the labels 1 … 5, p scaled to sum 1; 1 where no label has any probability. */
export function winRateOfLabels(probabilities: ArrayLike<number>): number {
  let [good, total] = [0, 0];
  for (let label = 1; label <= LABEL_COUNT; label++) {
    total += probabilities[label - 1];
    if (label >= GOOD_LABEL) good += probabilities[label - 1];
  }
  return total > 0 ? 1 - good / total : 1;
}

function fitFactors(
  { table, embeddings }: FitData,
  { margin, dimension, epochs, noise, heldOut }: RoutellmOptions,
  { seed, signal, onProgress }: TrainingOptions,
): MatrixFactorisation {
  const pairs = Array.from(outcomePairs(table, margin)).flatMap(({ row, a, b, outcome }) =>
    outcome === "tie" ? [] : [outcome === "a" ? { row, winner: a, loser: b } : { row, winner: b, loser: a }],
  );
  return MatrixFactorisation.fit(embeddings, table.models.length, pairs, {
    seed,
    dimension,
    epochs,
    noise,
    heldOut,
    onEpoch(epoch) {
      onProgress?.((epoch + 1) / epochs);
      return !signal?.aborted;
    },
  });
}

function fitClassifier({ table, embeddings }: FitData, margin: number, { strong, weak }: ModelPair): SoftmaxRegression {
  const width = table.models.length;
  const targets = makeMatrix(table.rows, 3);
  for (let row = 0; row < table.rows; row++) {
    const difference = table.quality.data[row * width + strong] - table.quality.data[row * width + weak];
    const isMissing = Number.isNaN(difference);
    const outcome = Math.abs(difference) <= margin ? 1 : difference > 0 ? 0 : 2;
    for (let c = 0; c < 3; c++) targets.data[row * 3 + c] = isMissing ? Number.NaN : Number(c === outcome);
  }
  return SoftmaxRegression.fit(embeddings, targets, { standardise: false, tolerance: 1e-5, maxIterations: 200 });
}

function requireLabels({ embedder }: FitData): void {
  if (embedder.dimension === LABEL_COUNT) return;
  throw new LlamafuseError(
    "invalid-data",
    `The causal score of routellm reads the probabilities of the labels 1 to 5, and ${embedder.id} gives ${embedder.dimension} numbers. Use the embedder of label probabilities.`,
    { found: embedder.dimension, allowed: LABEL_COUNT, embedder: embedder.id },
  );
}
