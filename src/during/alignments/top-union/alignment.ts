/**
 * The union of what the members hold most probable as an alignment (UniTE, arXiv 2410.03777).
 *
 *     S = ∪_i top-k(z_i), as strings
 *     v_i(s) = z_i(s) if s is a token of member i, else z_i(first sub-token of s in member i)
 *     p_i(s) = exp(v_i(s)) / Σ_{r ∈ S} exp(v_i(r))
 *
 * Shapes: |S| ≤ N·k + 1 entries in insertion order (the first asked member's by falling logit, then what the next one
 * adds, …), float64. Every member gives every string of S a probability above 0. N: the members asked.
 *
 * What the paper leaves open is decided so: strings are bytes; where several tokens of a member have the same bytes their
 * probabilities add up; all end tokens are one string, whose v_i is the log of member i's summed end probability, and it
 * is in S whenever an end token is among any member's top k, else the step cannot end the text.
 */
import { settleAll } from "../../../settle-all.js";
import type { AllowedTokens, MethodContext } from "../../method.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { UpToDate } from "../up-to-date.js";
import { TopUnion } from "./candidates.js";
import type { TopKeys } from "./keys.js";

export class TopUnionAlignment implements Alignment {
  readonly #upToDate: UpToDate;
  readonly #space: TopSpace;
  readonly #k: number;

  constructor(
    private readonly context: MethodContext,
    private readonly keys: TopKeys,
    k: number,
  ) {
    const { voices } = context;
    // No member has more tokens than this to propose.
    this.#k = Math.min(k, Math.max(...voices.map(({ member }) => member.vocabulary.size)));
    this.#space = new TopSpace(keys, voices.length, this.#k);
    this.#upToDate = new UpToDate(context);
  }

  async prepare(): Promise<void> {
    const top = Math.max(this.#k, this.context.traceTop);
    // The softmax over the union needs no normaliser of the whole vocabulary; a trace and penalties do.
    const normaliser = this.context.traceTop > 0 || this.context.wantsNormaliser;
    await settleAll(this.context.voices.map(({ member }) => member.prepare({ top, normaliser })));
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    await this.#upToDate.bring(asked);
    const tops = asked.map((index) => {
      const { topIds, topLogits, topCount } = this.context.voices[index].member.output;
      return { member: index, ids: topIds, logits: topLogits, count: Math.min(this.#k, topCount) };
    });
    return this.#space.align(tops);
  }

  async alignAmong(asked: readonly number[], allowed: (voice: number) => AllowedTokens): Promise<AlignedStep> {
    const tops = asked.map((index) => {
      const { logits } = this.context.voices[index].member.output;
      const ids = likeliestOf(logits, allowed(index), this.#k);
      return { member: index, ids, logits: ids.map((id) => logits[id]), count: ids.length };
    });
    return await this.#space.align(tops);
  }

  accept(entry: number): void | Promise<void> {
    return this.keys.accept(this.#space.union.keys[entry]);
  }
}

/** The tokens with the greatest logits among those allowed, best first, ties to the lowest id; `k` at most. */
function likeliestOf(logits: ArrayLike<number>, allowed: AllowedTokens, k: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (best.length === k && logits[id] <= logits[best[k - 1]]) continue;
    if (!allowed(id)) continue;
    let place = best.length;
    while (place > 0 && logits[best[place - 1]] < logits[id]) place--;
    best.splice(place, 0, id);
    best.length = Math.min(best.length, k);
  }
  return best;
}

/** A member's most probable tokens, best first: the first `count` of these. */
export interface TopTokens {
  member: number;
  ids: ArrayLike<number>;
  logits: ArrayLike<number>;
  count: number;
}

/** One step of the rule above, on whatever strings the keys are. */
export class TopSpace {
  readonly union: TopUnion;

  constructor(
    private readonly keys: TopKeys,
    members: number,
    k: number,
  ) {
    this.union = new TopUnion(members, members * k + 1);
  }

  async align(tops: readonly TopTokens[]): Promise<AlignedStep> {
    const { union, keys } = this;
    union.clear();
    for (const { member, ids, logits, count } of tops) {
      for (let place = 0; place < count; place++) keys.add(union, member, ids[place], logits[place]);
    }
    await settleAll(tops.map(({ member }) => keys.complete(union, member)));
    return {
      size: union.size,
      endEntry: keys.endEntryOf(union),
      distributions: union.normalise(tops.map(({ member }) => member)),
      bytesOf: (entry) => keys.bytesOf(union.keys[entry]),
      conclude: keys.conclude && ((fused) => keys.conclude!(union, fused)),
    };
  }
}
