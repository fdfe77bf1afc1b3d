/** From a router's name and its file to an ensemble that it leads. */
import { checkDefaults } from "../../decoding/request.js";
import { untilAborted } from "../../ensemble/members.js";
import type { MemberSource } from "../../ensemble/system.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import { theKnob } from "../allocation/choose.js";
import { loadRouter, readRouter, requireEmbedder } from "../saved-router.js";
import { checkedMemory, namesOf, poolOf } from "./pool-entries.js";
import { RoutedEnsemble } from "./routed-ensemble.js";
import { type RoutedMethod, requireFitted } from "./routed-method.js";

const METHOD_OPTIONS = ["name", "router", "memory", "lambda", "threshold", "budget", "preference"];

/**
 * Whether the router is there and understood. Errors: those of `readRouter`, invalid-option.
 */
export async function checkRoutedMethod(method: RoutedMethod): Promise<void> {
  requireFitted(method);
  for (const key of Object.keys(method)) {
    if (!METHOD_OPTIONS.includes(key)) throw unknownName(`option of ${method.name}`, key, METHOD_OPTIONS);
  }
  if (typeof method.router === "string") await readRouter(method.router);
}

/**
 * A router over members: those to be loaded are loaded when the router first chooses them, those that are loaded stay the
 * caller's. Errors: those of `loadRouter`, invalid-option, incompatible-members (a model of the router is not a member),
 * out-of-memory.
 */
export async function openRouter(method: RoutedMethod, source: MemberSource): Promise<RoutedEnsemble> {
  requireFitted(method);
  const { name, router: given, memory: most, ...knob } = method;
  const memory = checkedMemory(most);
  const defaults = checkDefaults(source.request);
  namesOf(source);
  return await untilAborted(source.signal, async () => {
    const isFile = typeof given === "string";
    const { router, embedder } = isFile ? await loadRouter(given) : given;
    try {
      requireEmbedder(router.toJSON(), embedder);
      if (router.info.name !== name) {
        const file = isFile ? given : "the router";
        throw new LlamafuseError(
          "invalid-option",
          `${file} is a ${router.info.name} router; use the method ${router.info.name} instead of ${name}.`,
          { found: name, allowed: router.info.name, option: "method" },
        );
      }
      theKnob(knob, router.info);
      const pool = await poolOf(router.models, source, memory, "router");
      source.signal?.throwIfAborted();
      return new RoutedEnsemble({ router, embedder, ownsEmbedder: isFile, knob, defaults, pool });
    } catch (error) {
      if (isFile) await embedder.dispose?.();
      throw error;
    }
  });
}
