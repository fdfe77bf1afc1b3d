/** Members by name as entries of a pool: loaded when they are first asked, or the caller's own. */
import os from "node:os";
import { type Ensemble, fuse, loadEnsemble } from "../../ensemble/ensemble.js";
import { type CheckedLoadOptions, checkLoadOptions } from "../../ensemble/load-options.js";
import type { Members } from "../../ensemble/members.js";
import type { MemberSource } from "../../ensemble/system.js";
import { LlamafuseError } from "../../errors.js";
import { checkModel } from "../../llama/check-model.js";
import { isMember } from "../../member/is-member.js";
import type { Member } from "../../member/member.js";
import type { MemberOptions } from "../../member/member-options.js";
import { isRemote, resolveModel } from "../../member/resolve-model.js";
import { memoryOfModel } from "./member-memory.js";
import { checkFits, MemberPool, type PoolEntry } from "./member-pool.js";

/** Bytes of weights and contexts that may be loaded at once, where nobody says. Error: invalid-option. */
export function checkedMemory(memory: number = os.totalmem() / 2): number {
  if (memory > 0) return memory;
  const message = `The memory for members is ${memory}; it must be a number of bytes above 0.`;
  throw new LlamafuseError("invalid-option", message, { found: memory, allowed: "> 0", option: "memory" });
}

/** The members' names, in the order in which they were given; nothing is opened. Errors: invalid-option. */
export function namesOf(source: MemberSource): readonly string[] {
  return "loaded" in source ? source.loaded.names : checkLoadOptions(source.load, "createEnsemble").names;
}

/**
 * A pool of these members. Files on this machine are checked now, all others when they are asked. `who`: what errors call
 * whoever chooses them. Errors: incompatible-members (no member has a name), out-of-memory, those of files.
 */
export async function poolOf(
  names: readonly string[],
  source: MemberSource,
  memory: number,
  who: "router" | "cascade",
): Promise<MemberPool<Ensemble>> {
  if ("loaded" in source) return new MemberPool(loadedEntries(names, source.loaded, who), memory);
  const load = checkLoadOptions(source.load, "createEnsemble");
  return new MemberPool(await entriesToLoad(names, load, memory, who), memory);
}

function loadedEntries(models: readonly string[], members: Members, who: string): PoolEntry<Ensemble>[] {
  return models.map((name) => {
    if (!members.names.includes(name)) throw missingMember(name, members.names, who);
    return { name, bytes: () => 0, load: () => fuse(members.only(name), { name: "single" }) };
  });
}

async function entriesToLoad(
  models: readonly string[],
  { members, names, ...rest }: CheckedLoadOptions,
  memory: number,
  who: string,
): Promise<PoolEntry<Ensemble>[]> {
  return await Promise.all(
    models.map(async (model) => {
      const index = names.indexOf(model);
      if (index < 0) throw missingMember(model, names, who);
      const member = members[index];
      const load = (chosen: MemberOptions | Member) => (signal: AbortSignal) =>
        loadEnsemble({ ...rest, members: [chosen], method: { name: "single" }, signal });
      if (isMember(member)) return { name: model, bytes: () => 0, load: load(member) };
      // A server's memory is its own.
      if (member.url !== undefined)
        return { name: model, bytes: () => 0, load: load({ ...member, name: model, weight: 1 }) };
      const bytes = async () => memoryOfModel(await checkModel(await resolveModel(member.model)), member.contextSize);
      if (!isRemote(member.model)) checkFits(model, await bytes(), memory);
      return { name: model, bytes, load: load({ ...member, name: model, weight: 1 }) };
    }),
  );
}

function missingMember(model: string, names: readonly string[], who: string): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The ${who} can choose ${model}, but no member has that name. Members: ${names.join(", ")}. Add it, as members: [{ name: "${model}", model: "….gguf" }].`,
    { found: names, allowed: model },
  );
}
