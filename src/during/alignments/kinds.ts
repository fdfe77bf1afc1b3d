/** The alignments that methods are put together from, by name. */
import { z } from "zod";
import { MAX_TOP } from "../../member/offers.js";
import { partSchema } from "../../part-schema.js";
import { indexOfMember } from "../gate.js";
import type { MethodContext } from "../method.js";
import { deepenOptions } from "../token/deepen.js";
import { evaOptions } from "../token/eva.js";
import type { Alignment } from "./alignment.js";
import { MinedAlignment } from "./mined/alignment.js";
import { OneVocabularyAlignment } from "./one-vocabulary/alignment.js";
import { SimilarityAlignment } from "./similarity/alignment.js";
import { TopUnionAlignment } from "./top-union/alignment.js";
import { ByteKeys } from "./top-union/keys.js";
import { UnionAlignment } from "./union/alignment.js";
import { ByteSpace } from "./union/spaces.js";

const feedback = z.enum(["text", "piece"]).default("text");
const k = z.int().min(1).max(MAX_TOP).default(10);

const { main, k: evaK, similar, leastSimilarity, neighbourhood } = evaOptions.shape;
const { learningRate, steps, weightDecay, anchors, seed } = deepenOptions.shape;

const topUnion = z.strictObject({ name: z.literal("top-union"), k, feedback });
const union = z.strictObject({ name: z.literal("union"), feedback });

/** The spaces of UniTE and GaC alone. */
export const unionOptions = partSchema([topUnion, union], "top-union");

/**
 * `top-union` (UniTE's space), `union` (GaC's), `mined` (PackLLM's), `one-vocabulary`, `similarity` (EVA's) or `relative`
 * (DeePEn's), with their options.
 */
export const alignmentOptions = partSchema(
  [
    topUnion,
    union,
    z.strictObject({ name: z.literal("one-vocabulary") }),
    z.strictObject({ name: z.literal("mined"), reference: z.union([z.string(), z.int().min(0)]).default("auto") }),
    z.strictObject({ name: z.literal("similarity"), main, k: evaK, similar, leastSimilarity, neighbourhood }),
    z.strictObject({ name: z.literal("relative"), main, learningRate, steps, weightDecay, anchors, seed }),
  ],
  "top-union",
);

export type AlignmentOptions = z.output<typeof alignmentOptions>;

/** For the lists of methods' options. */
export const ALIGNMENTS_TEXT =
  '"top-union" (with k, feedback), "union" (feedback), "mined" (reference), "one-vocabulary", "similarity" (see eva) or "relative" (see deepen); options as alignment.k=20';

/** Alignments that are no alignment alone: the way back from relative space is a search, which DeePEn's run does. */
export type RelativeOptions = Extract<AlignmentOptions, { name: "relative" }>;

/**
 * An alignment for this request. `onlyLikeliest`: see UnionAlignment.
 * Error: incompatible-members.
 */
export function createAlignment(
  context: MethodContext,
  options: Exclude<AlignmentOptions, RelativeOptions>,
  { onlyLikeliest = false }: { onlyLikeliest?: boolean } = {},
): Alignment {
  const { voices } = context;
  switch (options.name) {
    case "union":
      return new UnionAlignment(context, new ByteSpace(voices, options.feedback), onlyLikeliest);
    case "top-union": {
      const members = voices.map(({ member }) => member);
      return new TopUnionAlignment(context, new ByteKeys(members, options.feedback), options.k);
    }
    case "mined":
      return new MinedAlignment(context, { reference: options.reference, compat: false });
    case "similarity": {
      const choice = { ...options, published: false };
      return new SimilarityAlignment(context, indexOfMember(voices, options.main, "main"), options.k, choice);
    }
    case "one-vocabulary":
      return new OneVocabularyAlignment(context, {
        of: 'The alignment "one-vocabulary"',
        instead: 'the alignment "top-union"',
      });
  }
}
