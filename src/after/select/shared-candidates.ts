/**
 * Answers that several selections over the same members make once: comparing ten of them costs one generation. Answers are kept
 * while the last few questions last; each selection counts all that it was given as its own.
 */
import { keyOf } from "../../content-identity.js";
import type { PromptInput } from "../../decoding/prompt.js";
import type { GenerateOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import type { Ensemble } from "../../ensemble/ensemble.js";
import { castOf, type Members } from "../../ensemble/members.js";
import type { Turns } from "../../ensemble/turns.js";
import type { MemberAlone } from "./candidate.js";

/** A few questions' worth. */
const MOST_KEPT = 4096;

const shared = new WeakMap<Turns, Map<string, GenerateResult>>();

/** From here on, selections over these members, or over some of them, share their answers. */
export function shareCandidates(members: Members): void {
  const { turns } = castOf(members);
  if (!shared.has(turns)) shared.set(turns, new Map());
}

/** A member whose answers are made once; itself where none are shared. */
export function withShared(member: Ensemble, members: Members): MemberAlone {
  const known = shared.get(castOf(members).turns);
  if (known === undefined) return member;
  return {
    members: member.members,
    stream: (prompt, options) => member.stream(prompt, options),
    score: (prompt, text, options) => member.score(prompt, text, options),
    generate: async (prompt: PromptInput, options: GenerateOptions = {}) => {
      const { signal, reusePrompt: _, ...rest } = options;
      const key = keyOf({ member: member.members[0].name, prompt, rest });
      const made = known.get(key);
      if (made !== undefined) return made;
      const result = await member.generate(prompt, options);
      if (signal?.aborted) return result;
      known.set(key, result);
      if (known.size > MOST_KEPT) known.delete(known.keys().next().value!);
      return result;
    },
  };
}
