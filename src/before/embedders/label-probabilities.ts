/**
 * What a language model thinks of a weak model's chances, as five numbers: the embedder of RouteLLM's causal score (arXiv
 * 2406.18665). Any local model is shown graded examples and the query, and asked for a grade from 1 to 5:
 *
 *     p_s(x) = P(label s | prompt) / Σ_t P(label t | prompt)          t = 1 … 5; all 0 where the model can say none
 *
 * Only the five labels can come out. The paper tunes Llama 3 8B on graded answers instead; prompt and examples are ours.
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { contentHash } from "../../content-identity.js";
import { createEnsemble, type Ensemble } from "../../ensemble/ensemble.js";
import { LlamafuseError } from "../../errors.js";
import { drawOrder } from "../../learning/draws.js";
import { type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { checkModel } from "../../llama/check-model.js";
import { resolveModel } from "../../member/resolve-model.js";
import { RandomGenerator } from "../../random.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { continuationShares } from "./continuation-shares.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

export const LABELS = "labels";

/** The grades that a query can get. */
export const LABEL_COUNT = 5;

const ANSWERS = Array.from({ length: LABEL_COUNT }, (_, index) => ` ${index + 1}`);

/** A training query and how well the weak model did, from 1 (wrong) to 5 (right). */
export interface GradedExample {
  query: string;
  label: number;
}

const example = z.strictObject({ query: z.string(), label: z.int().min(1).max(LABEL_COUNT) });
const state = z.strictObject({ model: z.string(), examples: z.array(example) });

const INSTRUCTION =
  "A small assistant answers questions. Grade how good its answer to each question will be, from 1 (wrong) to 5 (right).";

/** Longer examples would crowd out the query. */
const LONGEST_EXAMPLE = 400;

export class LabelEmbedder implements Embedder {
  readonly id: string;
  readonly dimension = LABEL_COUNT;

  private constructor(
    private readonly ensemble: Ensemble,
    private readonly source: z.infer<typeof state>,
    digest: string,
  ) {
    const settings = JSON.stringify([digest, INSTRUCTION, source.examples]);
    this.id = `${LABELS}:${createHash("sha256").update(settings).digest("hex").slice(0, 16)}`;
  }

  /**
   * Load a model: a path, or an `hf:` or `https:` URI. Errors: those of `createEnsemble`.
   *
   * ```ts
   * const embedder = await LabelEmbedder.open("labeller.gguf", labelExamples(table, "small-model"));
   * const embeddings = await embedder.embed(table.queries);
   * await createRouter({ name: "routellm", variant: "causal" }).fit({ table, embeddings, embedder });
   * ```
   */
  static async open(model: string, examples: readonly GradedExample[]): Promise<LabelEmbedder> {
    const source = state.parse({ model, examples });
    const { parts } = await checkModel(await resolveModel(model));
    const digest = await contentHash(parts);
    const ensemble = await createEnsemble({ members: [{ model }], method: { name: "single" } });
    return new LabelEmbedder(ensemble, source, digest);
  }

  /** The prompt is read once for its five labels, and anew for each text. Errors: aborted, context-overflow, disposed. */
  async embed(texts: readonly string[], { signal, onProgress }: EmbedOptions = {}): Promise<Matrix> {
    const probabilities = makeMatrix(texts.length, LABEL_COUNT);
    for (const [row, text] of texts.entries()) {
      await setImmediate();
      if (signal?.aborted) throw new LlamafuseError("aborted", "Grading was stopped.");
      const prompt = labelPrompt(this.source.examples, text);
      rowOf(probabilities, row).set(await continuationShares(this.ensemble, prompt, ANSWERS, signal));
      onProgress?.((row + 1) / texts.length);
    }
    return probabilities;
  }

  toJSON(): SavedEmbedder {
    return { kind: LABELS, id: this.id, dimension: this.dimension, state: this.source };
  }

  static async restore(saved: unknown): Promise<LabelEmbedder> {
    const { model, examples } = state.parse(saved);
    return await LabelEmbedder.open(model, examples);
  }

  async dispose(): Promise<void> {
    await this.ensemble.dispose();
  }
}

/** What the model reads; a label follows. */
export function labelPrompt(examples: readonly GradedExample[], query: string): string {
  const shown = examples.map((each) => `Question: ${oneLine(each.query)}\nGrade: ${each.label}\n`);
  return `${INSTRUCTION}\n\n${[...shown, `Question: ${oneLine(query)}\nGrade:`].join("\n")}`;
}

/**
 * Graded training queries for the prompt, drawn by the seed: the weak model's quality q gives the label 1 + round(4 q), and
 * the labels that occur take turns, so that the model sees all of them. Queries beyond 400 characters are left out while
 * there are shorter ones.
 */
export function labelExamples(table: OutcomeTable, weak: string, { count = 10, seed = 1 } = {}): GradedExample[] {
  const column = table.column(weak);
  const byLabel = Array.from({ length: LABEL_COUNT }, (): GradedExample[] => []);
  const order = Array.from(drawOrder(new RandomGenerator(seed), table.rows));
  const short = order.filter((row) => table.queries[row].length <= LONGEST_EXAMPLE);
  for (const row of short.length > 0 ? short : order) {
    const quality = table.quality.get(row, column);
    if (Number.isNaN(quality)) continue;
    const label = 1 + Math.round((LABEL_COUNT - 1) * quality);
    byLabel[label - 1].push({ query: table.queries[row], label });
  }
  const drawn: GradedExample[] = [];
  for (let turn = 0; drawn.length < count && byLabel.some((each) => turn < each.length); turn++) {
    drawn.push(...byLabel.flatMap((each) => each.slice(turn, turn + 1)));
  }
  return drawn.slice(0, count);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
