/**
 * An answer as numbers, for cascades that learn: of what the table shows of every model that is asked, in this order,
 *
 *     the query's embedding                            where the cascade is given one
 *     16 token features (token-features.ts)            of log-probabilities
 *     max-probability, margin, entropy                 of class probabilities
 *     the verifier's confidence
 *     share of the most frequent sample                of several samples
 *     ln(1 + characters)                               of the text
 *
 * An answer that lacks one of them, as some rows of a table may, has its mean over the training answers.
 */
import { z } from "zod";
import { meanOf } from "../../../learning/matrix.js";
import type { CascadeAnswer, CascadeQuery } from "../cascade.js";
import { classConfidence } from "../signals/class-confidence.js";
import { TOKEN_FEATURES, tokenFeatures } from "../signals/token-features.js";
import { majorityOf, voteOf } from "../signals/votes.js";
import { hasDetail } from "./table-answers.js";

const PARTS = ["embedding", "logProbs", "classProbabilities", "verifier", "samples", "answers"] as const;

type PartName = (typeof PARTS)[number];

export const savedFeatures = z.strictObject({
  parts: z.array(z.strictObject({ name: z.enum(PARTS), means: z.array(z.number()) })),
});

export class AnswerFeatures {
  private constructor(private readonly parts: readonly { name: PartName; means: readonly number[] }[]) {}

  /** From the answers of the models that are asked, and the queries that they belong to. */
  static fit(answers: readonly (readonly [CascadeAnswer, CascadeQuery])[]): AnswerFeatures {
    const parts = PARTS.flatMap((name) => {
      const shown = answers.flatMap(([answer, query]) => valuesOf(name, answer, query) ?? []);
      const width = widthOf(name, answers);
      if (shown.length === 0) return [];
      const means = Array.from({ length: width }, (_, at) => meanOf(shown.filter((_, index) => index % width === at)));
      return [{ name, means }];
    });
    return new AnswerFeatures(parts);
  }

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  of(answer: CascadeAnswer, query: CascadeQuery): Float64Array {
    return Float64Array.from(this.parts.flatMap(({ name, means }) => valuesOf(name, answer, query) ?? means));
  }

  toJSON(): z.infer<typeof savedFeatures> {
    return { parts: this.parts.map(({ name, means }) => ({ name, means: [...means] })) };
  }

  static restore({ parts }: z.infer<typeof savedFeatures>): AnswerFeatures {
    return new AnswerFeatures(parts);
  }
}

function valuesOf(name: PartName, answer: CascadeAnswer, query: CascadeQuery): number[] | undefined {
  if (name === "embedding") return query.embedding && Array.from(query.embedding);
  if (!hasDetail(answer, name)) return undefined;
  switch (name) {
    case "logProbs":
      return Array.from(tokenFeatures(answer.logProbs!));
    case "classProbabilities": {
      const measures = ["max-probability", "margin", "entropy"] as const;
      return measures.map((measure) => classConfidence(answer.classProbabilities!, measure));
    }
    case "verifier":
      return [answer.verifier!];
    case "samples":
      return [majorityOf(answer.samples!.map(voteOf)).share];
    case "answers":
      return [Math.log1p(answer.text!.length)];
  }
}

function widthOf(name: PartName, answers: readonly (readonly [CascadeAnswer, CascadeQuery])[]): number {
  if (name === "embedding")
    return answers.map(([, { embedding }]) => embedding?.length ?? 0).find((width) => width > 0) ?? 0;
  if (name === "logProbs") return TOKEN_FEATURES;
  return name === "classProbabilities" ? 3 : 1;
}
