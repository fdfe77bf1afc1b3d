/** From a router's name and its file to an ensemble that it leads. */
import os from "node:os";
import { checkDefaults } from "../../decoding/request.js";
import { type Ensemble, fuse, loadEnsemble } from "../../ensemble/ensemble.js";
import { type CheckedLoadOptions, checkLoadOptions } from "../../ensemble/load-options.js";
import type { Members } from "../../ensemble/members.js";
import { untilAborted } from "../../ensemble/members.js";
import type { MemberSource } from "../../ensemble/system.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import { checkModel } from "../../llama/check-model.js";
import { isMember } from "../../member/is-member.js";
import type { Member } from "../../member/member.js";
import type { MemberOptions } from "../../member/member-options.js";
import { isRemote, resolveModel } from "../../member/resolve-model.js";
import { theKnob } from "../allocation/choose.js";
import type { Router } from "../router.js";
import { loadRouter, readRouter, requireEmbedder } from "../saved-router.js";
import { memoryOfModel } from "./member-memory.js";
import { checkFits, MemberPool, type PoolEntry } from "./member-pool.js";
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
  const { name, router: given, memory = os.totalmem() / 2, ...knob } = method;
  if (!(memory > 0)) {
    const message = `The memory for members is ${memory}; it must be a number of bytes above 0.`;
    throw new LlamafuseError("invalid-option", message, { found: memory, allowed: "> 0", option: "memory" });
  }
  const defaults = checkDefaults(source.request);
  const load = "load" in source ? checkLoadOptions(source.load, "createEnsemble") : undefined;
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
      const entries =
        "loaded" in source ? loadedEntries(router, source.loaded) : await entriesToLoad(router, load!, memory);
      source.signal?.throwIfAborted();
      const pool = new MemberPool(entries, memory);
      return new RoutedEnsemble({ router, embedder, ownsEmbedder: isFile, knob, defaults, pool });
    } catch (error) {
      if (isFile) await embedder.dispose?.();
      throw error;
    }
  });
}

function loadedEntries({ models }: Router, members: Members): PoolEntry<Ensemble>[] {
  return models.map((name) => {
    if (!members.names.includes(name)) throw missingMember(name, members.names);
    return { name, bytes: () => 0, load: () => fuse(members.only(name), { name: "single" }) };
  });
}

/** Every model of the router as a member that can be loaded. Files on this machine are checked now, all others when asked. */
async function entriesToLoad(
  { models }: Router,
  { members, names, ...rest }: CheckedLoadOptions,
  memory: number,
): Promise<PoolEntry<Ensemble>[]> {
  return await Promise.all(
    models.map(async (model) => {
      const index = names.indexOf(model);
      if (index < 0) throw missingMember(model, names);
      const member = members[index];
      const load = (chosen: MemberOptions | Member) => (signal: AbortSignal) =>
        loadEnsemble({ ...rest, members: [chosen], method: { name: "single" }, signal });
      if (isMember(member)) return { name: model, bytes: () => 0, load: load(member) };
      const bytes = async () => memoryOfModel(await checkModel(await resolveModel(member.model)), member.contextSize);
      if (!isRemote(member.model)) checkFits(model, await bytes(), memory);
      return { name: model, bytes, load: load({ ...member, name: model, weight: 1 }) };
    }),
  );
}

function missingMember(model: string, names: readonly string[]): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The router can choose ${model}, but no member has that name. Members: ${names.join(", ")}. Add it, as members: [{ name: "${model}", model: "….gguf" }].`,
    { found: names, allowed: model },
  );
}
