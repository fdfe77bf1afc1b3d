/** Routers and their embedders in files: one versioned JSON document, refused where anything in it does not fit. */
import { z } from "zod";
import { errorIn, LlamafuseError } from "../errors.js";
import { checkArgument } from "../read-options.js";
import { readText } from "../records.js";
import { type Problem, problemOf, sentenceOf } from "../zod-problem.js";
import { checkEmbedder, type Embedder, type EmbedderIdentity, type SavedEmbedder } from "./embedders/embedder.js";
import { restoreEmbedder } from "./embedders/restore.js";
import { routerNamed } from "./registry.js";
import { type Router, SAVED_FORMAT, SAVED_VERSION, type SavedRouter } from "./router.js";
import { savedCosts } from "./table/costs.js";

const envelope = z.object({
  format: z.literal(SAVED_FORMAT),
  version: z.literal(SAVED_VERSION),
  name: z.string(),
  options: z.record(z.string(), z.unknown()),
  models: z.array(z.string()).min(2),
  costs: savedCosts,
  embedder: z.object({ id: z.string(), dimension: z.int().min(1) }),
  state: z.unknown(),
});

/** A fitted router with the embedder that it was fitted on. */
export interface RouterFile extends SavedRouter {
  embedder: SavedEmbedder;
}

export function routerFile(router: Router, embedder: Embedder): RouterFile {
  checkArgument("The router", router, "a router, as createRouter gives it", () => typeof router.toJSON === "function");
  checkEmbedder(embedder);
  const saved = router.toJSON();
  requireEmbedder(saved, embedder);
  return { ...saved, embedder: embedder.toJSON() };
}

/**
 * A router's file as `route fit` and `routerFile` write it. `embedder` replaces the saved one, and must be the same.
 * Errors: file-unreadable, those of `restoreRouter`, incompatible-members for another embedder.
 */
export async function loadRouter(file: string, given?: Embedder): Promise<{ router: Router; embedder: Embedder }> {
  const { router, saved } = await readRouter(file);
  if (given !== undefined) requireEmbedder(router.toJSON(), given);
  return { router, embedder: given ?? (await restoreEmbedder(saved.embedder, file)) };
}

/** The router of a file without its embedder, which may be a model to load. Errors: those of `loadRouter`. */
export async function readRouter(file: string): Promise<{ router: Router; saved: RouterFile }> {
  const text = await readText(file);
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch (error) {
    throw damaged(file, { at: "", words: `not JSON (${(error as Error).message})` });
  }
  return { router: restoreRouter(saved, file), saved: saved as RouterFile };
}

/**
 * The router of `toJSON`, or of a router's file. `source` is what errors call it.
 * Errors: invalid-data (no saved router, another version, damaged), invalid-option (an unknown router or option).
 */
export function restoreRouter(saved: unknown, source = "the saved router"): Router {
  const version = (saved as Partial<SavedRouter> | null)?.version;
  if ((saved as Partial<SavedRouter> | null)?.format === SAVED_FORMAT && version !== SAVED_VERSION) {
    throw new LlamafuseError(
      "invalid-data",
      `${source} was saved as version ${version}; this Llamafuse reads version ${SAVED_VERSION}. Fit the router again.`,
      { found: version, allowed: SAVED_VERSION, file: source },
    );
  }
  const result = envelope.safeParse(saved);
  if (!result.success) throw damaged(source, problemOf(result.error, saved));
  const { data } = result;
  if (data.costs.length !== data.models.length) {
    throw damaged(source, { at: "costs", words: `${data.costs.length} costs for ${data.models.length} models` });
  }
  try {
    const router = routerNamed(data.name, data.options);
    router.restore(data);
    return router;
  } catch (error) {
    if (error instanceof LlamafuseError) throw errorIn(source, error);
    throw damaged(source, error instanceof z.ZodError ? problemOf(error) : { at: "", words: String(error) });
  }
}

/** LlamafuseError "incompatible-members" where an embedder is not the one that the router was fitted on. */
export function requireEmbedder(
  { name, embedder }: Pick<SavedRouter, "name" | "embedder">,
  found: EmbedderIdentity,
): void {
  if (found.id === embedder.id && found.dimension === embedder.dimension) return;
  throw new LlamafuseError(
    "incompatible-members",
    `This ${name} router was fitted on the embedder ${embedder.id} (${embedder.dimension} numbers) and cannot use ${found.id} (${found.dimension}). Use that embedder, or fit the router again on this one.`,
    { found: found.id, allowed: embedder.id },
  );
}

function damaged(source: string, problem: Pick<Problem, "at" | "words"> & Partial<Problem>): LlamafuseError {
  return new LlamafuseError(
    "invalid-data",
    `${source} is not a saved router: ${sentenceOf(problem)}. Write one with "llamafuse route fit".`,
    { file: source, field: problem.at },
  );
}
