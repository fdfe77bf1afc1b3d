/** An embedder from its saved form. */
import { z } from "zod";
import { errorIn, LlamafuseError, unknownName } from "../../errors.js";
import { problemOf, sentenceOf } from "../../zod-problem.js";
import { CachedEmbedder } from "./cached.js";
import type { Embedder } from "./embedder.js";
import { GGUF, GgufEmbedder } from "./gguf.js";
import { LABELS, LabelEmbedder } from "./label-probabilities.js";
import { ROUTES, RouteEmbedder } from "./route-probabilities.js";
import { TF_IDF, TfIdfEmbedder } from "./tf-idf.js";

const envelope = z.object({ kind: z.string(), id: z.string(), dimension: z.int().min(1), state: z.unknown() });

const KINDS: Record<string, (state: unknown) => Embedder | Promise<Embedder>> = {
  [TF_IDF]: (state) => TfIdfEmbedder.restore(state),
  [GGUF]: async (state) => new CachedEmbedder(await GgufEmbedder.restore(state)),
  [ROUTES]: async (state) => new CachedEmbedder(await RouteEmbedder.restore(state)),
  [LABELS]: async (state) => new CachedEmbedder(await LabelEmbedder.restore(state)),
};

/**
 * Errors: invalid-data (no saved embedder, or one that no longer gives the vectors it was saved with), and those of a
 * model's file.
 */
export async function restoreEmbedder(saved: unknown, source = "the saved embedder"): Promise<Embedder> {
  const result = envelope.safeParse(saved);
  if (!result.success) {
    const message = `${source} has no embedder to restore: ${sentenceOf(problemOf(result.error, saved))}.`;
    throw new LlamafuseError("invalid-data", message, { file: source });
  }
  const { kind, id, state } = result.data;
  if (!Object.hasOwn(KINDS, kind)) throw errorIn(source, unknownName("kind of embedder", kind, Object.keys(KINDS)));
  const embedder = await restored(kind, state, source);
  if (embedder.id === id) return embedder;
  throw new LlamafuseError(
    "incompatible-members",
    `${source} was made with the embedder ${id}; the current one is ${embedder.id}. Fit the router again.`,
    { found: embedder.id, allowed: id, file: source },
  );
}

async function restored(kind: string, state: unknown, source: string): Promise<Embedder> {
  try {
    return await KINDS[kind](state);
  } catch (error) {
    if (error instanceof LlamafuseError && error.code === "invalid-data") throw errorIn(source, error);
    if (!(error instanceof z.ZodError)) throw error;
    throw new LlamafuseError("invalid-data", `${source}: the embedder is damaged: ${sentenceOf(problemOf(error))}.`, {
      file: source,
    });
  }
}
