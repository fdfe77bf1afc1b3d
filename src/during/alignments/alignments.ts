/** The alignments that methods are put together from. A new one is a folder here and a line in this list. */
import type { z } from "zod";
import { partSchema } from "../../part-schema.js";
import type { Voice } from "../method.js";
import type { BuildOptions } from "./build/pool.js";
import { bytes } from "./bytes/definition.js";
import type { AlignmentDefinition } from "./define-alignment.js";
import { mined } from "./mined/definition.js";
import { oneVocabulary } from "./one-vocabulary/definition.js";
import { relative } from "./relative/definition.js";
import { similarity } from "./similarity/definition.js";
import { topUnion } from "./top-union/definition.js";
import { union } from "./union/definition.js";

export const alignments = [topUnion, union, mined, oneVocabulary, similarity, relative, bytes] as const;

/** UniTE's space, unless another is named. */
export const alignmentOptions = partSchema(alignments, "top-union");

/** The spaces of UniTE and GaC alone. */
export const unionOptions = partSchema([topUnion, union], "top-union");

export type AlignmentOptions = z.output<typeof alignmentOptions>;

/** The alignment that these options name, and its own options. */
export function alignmentOf({ name, ...options }: AlignmentOptions): {
  alignment: AlignmentDefinition;
  options: Record<string, unknown>;
} {
  const alignment = alignments.find((each) => each.name === name) as unknown as AlignmentDefinition;
  return { alignment, options };
}

/** Build what an alignment needs, or take it from the cache. */
export async function buildAlignment(
  voices: readonly Voice[],
  options: AlignmentOptions,
  run: BuildOptions,
): Promise<void> {
  const { alignment, options: own } = alignmentOf(options);
  await alignment.build?.(voices, own, run);
}
