/**
 * The chance that an answer is right, learned: a logistic regression for each model on the features of its answers
 * (answer-features.ts), with quality as its label. Quality between 0 and 1 is a soft label.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import { matrixOf } from "../../../learning/matrix.js";
import type { CascadeAnswer, CascadeFitData, CascadeQuery } from "../cascade.js";
import { AnswerFeatures, savedFeatures } from "./answer-features.js";
import { answersOf, queriesOf, sampleQuality } from "./table-answers.js";

export const savedScorer = z.strictObject({
  features: savedFeatures,
  models: z.array(z.tuple([z.int().min(0), savedLogistic])),
});

export class AnswerScorer {
  readonly #known = new WeakMap<CascadeAnswer, number>();

  private constructor(
    private readonly features: AnswerFeatures,
    private readonly models: ReadonlyMap<number, LogisticRegression>,
  ) {}

  /**
   * From these rows (default: all) of these models. `label` is what is learned of a row and a model, in [0, 1]; default its
   * quality. Errors: invalid-data where answers show nothing, or a model has no label.
   */
  static fit(
    data: CascadeFitData,
    columns: readonly number[],
    {
      rows = data.table.queries.map((_, row) => row),
      label = (row: number, model: number) => sampleQuality(data.table, row, model),
      ridge = 1,
    }: { rows?: readonly number[]; label?: (row: number, model: number) => number; ridge?: number } = {},
  ): AnswerScorer {
    const answers = answersOf(data.table);
    const queries = queriesOf(data);
    const pairs = columns.flatMap((model) => rows.map((row) => [answers[row][model], queries[row]] as const));
    const features = AnswerFeatures.fit(pairs);
    if (features.isEmpty && columns.length > 0) {
      const message = `${data.table.name} shows nothing of the answers that a cascade could judge them by. Write it with "llamafuse eval --outcomes FILE --details".`;
      throw new LlamafuseError("invalid-data", message, { table: data.table.name });
    }
    const models = columns.map((model) => {
      const x = matrixOf(rows.map((row) => features.of(answers[row][model], queries[row])));
      const y = rows.map((row) => label(row, model));
      return [model, LogisticRegression.fit(x, y, { ridge })] as const;
    });
    return new AnswerScorer(features, new Map(models));
  }

  /** Computed once for every answer, which belongs to one query. */
  probability(answer: CascadeAnswer, query: CascadeQuery): number {
    let chance = this.#known.get(answer);
    if (chance === undefined) {
      chance = this.models.get(answer.model)!.probability(this.features.of(answer, query));
      this.#known.set(answer, chance);
    }
    return chance;
  }

  toJSON(): z.infer<typeof savedScorer> {
    return {
      features: this.features.toJSON(),
      models: Array.from(this.models, ([model, regression]) => [model, regression.toJSON()]),
    };
  }

  static restore({ features, models }: z.infer<typeof savedScorer>): AnswerScorer {
    const restored = models.map(([model, saved]) => [model, LogisticRegression.restore(saved)] as const);
    return new AnswerScorer(AnswerFeatures.restore(features), new Map(restored));
  }
}
