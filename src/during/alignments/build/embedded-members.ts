/** What the alignments that compare tokens by their embeddings ask of members. */

import { LlamafuseError } from "../../../errors.js";
import type { EmbeddingLayer, EmbeddingSource } from "../../../member/embeddings.js";
import type { Member } from "../../../member/member.js";
import { onAbort } from "../../../on-abort.js";
import type { BuildOptions } from "./pool.js";

/** The member's embeddings. Error: incompatible-members where it has none, or not one for every token. */
export function embeddingsOf(member: Member, layer: EmbeddingLayer, method: string): EmbeddingSource {
  const source = member.embeddings?.(layer);
  const { size } = member.vocabulary;
  if (source !== undefined && source.rows >= size && source.width > 0) return source;
  const found = source === undefined ? "none" : `${source.rows} × ${source.width}`;
  throw new LlamafuseError(
    "incompatible-members",
    `The method "${method}" compares tokens by the ${layer} embeddings of all members; member "${member.name}" has ` +
      `${found === "none" ? "none" : `a matrix of ${found} for ${size} tokens`}. Use a method that needs none, such as unite or gac.`,
    { member: member.name, found, allowed: `${size} rows` },
  );
}

/** The token that a model's end text names, or else its first end token; -1 where it has none. */
export function endTokenOf({ vocabulary, facts }: Member): number {
  const named = vocabulary.endTokens.find((id) => facts.eosText !== "" && vocabulary.textOf(id) === facts.eosText);
  return named ?? vocabulary.endTokens[0] ?? -1;
}

interface Built<T> {
  members: readonly Member[];
  key: string;
  value: Promise<T>;
}

/**
 * A function that builds once for the same members in the same order and the same options, and forgets with the first
 * of them. What fails is not kept. Whoever finds another building waits for that, and builds where the other was stopped.
 */
export function oncePerMembers<Options, T>(
  build: (members: readonly Member[], options: Options, run: BuildOptions) => Promise<T>,
): (members: readonly Member[], options: Options, run?: BuildOptions) => Promise<T> {
  const built = new WeakMap<Member, Built<T>[]>();
  return async (given, options, run = {}) => {
    // All slots of a model are that model.
    const members = given.map((member) => member.slots?.[0] ?? member);
    const [first] = members;
    const key = JSON.stringify(options);
    const find = () =>
      built
        .get(first)
        ?.find(
          (candidate) =>
            candidate.key === key &&
            candidate.members.length === members.length &&
            candidate.members.every((member, index) => member === members[index]),
        );
    for (let known = find(); known !== undefined; known = find()) {
      try {
        return await unlessStopped(known.value, run.signal);
      } catch (error) {
        const wasOthers = error instanceof LlamafuseError && error.code === "aborted" && run.signal?.aborted !== true;
        if (!wasOthers) throw error;
      }
    }
    const entry = { members: [...members], key, value: build(members, options, run) };
    built.set(first, [...(built.get(first) ?? []), entry]);
    try {
      return await entry.value;
    } catch (error) {
      built.set(first, built.get(first)?.filter((candidate) => candidate !== entry) ?? []);
      throw error;
    }
  };
}

/** Another caller's work, for as long as this caller waits for it. Error: aborted. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new LlamafuseError("aborted", "Building the alignment was stopped.", {}, signal.reason));
    if (signal.aborted) return stop();
    work.then(resolve, reject).finally(onAbort(signal, stop));
  });
}
