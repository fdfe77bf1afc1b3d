/** Cascades in files: one versioned JSON document, refused where anything in it does not fit. */
import { z } from "zod";
import type { Embedder, SavedEmbedder } from "../../before/embedders/embedder.js";
import { restoreEmbedder } from "../../before/embedders/restore.js";
import { errorIn, LlamafuseError } from "../../errors.js";
import { checkArgument } from "../../read-options.js";
import { readText } from "../../records.js";
import { type Problem, problemOf, sentenceOf } from "../../zod-problem.js";
import { CASCADE_FORMAT, CASCADE_VERSION, type Cascade, type SavedCascade } from "./cascade.js";
import type { TrainedCascade } from "./fitting/trained-cascade.js";
import { cascadeNamed } from "./registry.js";

const envelope = z.object({
  format: z.literal(CASCADE_FORMAT),
  version: z.literal(CASCADE_VERSION),
  name: z.string(),
  options: z.record(z.string(), z.unknown()),
  models: z.array(z.string()).min(1),
  chain: z.array(z.int().min(0)).min(1),
  costs: z.array(z.number().min(0)).min(1),
  embedder: z.object({ id: z.string(), dimension: z.int().min(1) }).optional(),
  state: z.unknown(),
});

/** A fitted cascade with the embedder that it was fitted on, where it has one. */
export interface CascadeFile extends Omit<SavedCascade, "embedder"> {
  embedder?: SavedEmbedder;
}

/** `embedder`: the one of the fit; not looked at where the cascade reads no embeddings. */
export function cascadeFile(cascade: Cascade, embedder?: Embedder): CascadeFile {
  checkArgument(
    "The cascade",
    cascade,
    "a cascade, as createCascade gives it",
    () => typeof cascade.toJSON === "function",
  );
  const { embedder: identity, ...saved } = cascade.toJSON();
  if (identity === undefined) return saved;
  if (embedder?.id === identity.id) return { ...saved, embedder: embedder.toJSON() };
  throw new LlamafuseError(
    "incompatible-members",
    `This ${saved.name} cascade was fitted on the embedder ${identity.id}; found ${embedder?.id ?? "none"}. Give that embedder.`,
    { found: embedder?.id, allowed: identity.id },
  );
}

/** The cascade of a file. Errors: file-unreadable, those of `restoreCascade`. */
export async function readCascade(file: string): Promise<{ cascade: TrainedCascade; saved: CascadeFile }> {
  const text = await readText(file);
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch (error) {
    throw damaged(file, { at: "", words: `not JSON (${(error as Error).message})` });
  }
  return { cascade: restoreCascade(saved, file), saved: saved as CascadeFile };
}

/** The same with its embedder, which may be a model to load. */
export async function loadCascade(file: string): Promise<{ cascade: TrainedCascade; embedder?: Embedder }> {
  const { cascade, saved } = await readCascade(file);
  if (saved.embedder === undefined) return { cascade };
  return { cascade, embedder: await restoreEmbedder(saved.embedder, file) };
}

/**
 * The cascade of `toJSON`, or of a cascade's file. `source` is what errors call it.
 * Errors: invalid-data (no saved cascade, another version, damaged), invalid-option (an unknown cascade or option).
 */
export function restoreCascade(saved: unknown, source = "the saved cascade"): TrainedCascade {
  const { format, version } = (saved ?? {}) as Partial<SavedCascade>;
  if (format === CASCADE_FORMAT && version !== CASCADE_VERSION) {
    throw new LlamafuseError(
      "invalid-data",
      `${source} was saved as version ${version}; this Llamafuse reads version ${CASCADE_VERSION}. Fit the cascade again.`,
      { found: version, allowed: CASCADE_VERSION, file: source },
    );
  }
  const result = envelope.safeParse(saved);
  if (!result.success) throw damaged(source, problemOf(result.error, saved));
  const { data } = result;
  const { models, chain, costs } = data;
  if (costs.length !== models.length || chain.some((column) => column >= models.length)) {
    throw damaged(source, { at: "chain", words: `does not fit ${models.length} models` });
  }
  try {
    const cascade = cascadeNamed(data.name, data.options);
    cascade.restore(data);
    return cascade;
  } catch (error) {
    if (error instanceof LlamafuseError) throw errorIn(source, error);
    throw damaged(source, error instanceof z.ZodError ? problemOf(error) : { at: "", words: String(error) });
  }
}

function damaged(source: string, problem: Pick<Problem, "at" | "words"> & Partial<Problem>): LlamafuseError {
  return new LlamafuseError(
    "invalid-data",
    `${source} is not a saved cascade: ${sentenceOf(problem)}. Write one with "llamafuse cascade fit".`,
    { file: source, field: problem.at },
  );
}
