/** A model that is loaded: members and whoever answers with them. Other methods over the same members are made when asked for. */
import type { MethodOptions } from "../../during/methods.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { loadMembers, type Members, underWeights } from "../../ensemble/members.js";
import type { Member } from "../../member/member.js";
import { createEnsemble, type EnsembleOptions } from "../../systems.js";
import { isFused, type ModelSpec } from "./model-spec.js";

/** Methods over the members that are kept beside the model's own; the least recently used one leaves. */
const MOST_METHODS = 8;

export class LoadedModel {
  readonly #others = new Map<string, Answerer>();

  private constructor(
    readonly spec: ModelSpec,
    /** Who answers where the request names no method. */
    readonly answerer: Answerer,
    /** Undefined behind a router, which loads the members that it chooses. */
    readonly members: Members | undefined,
  ) {}

  /** Errors: those of `createEnsemble`; nothing stays loaded after one. */
  static async open(spec: ModelSpec, signal: AbortSignal): Promise<LoadedModel> {
    const { options } = spec;
    if (!isFused(options)) return new LoadedModel(spec, await createEnsemble({ ...options, signal }), undefined);
    const { method, request, onMemberFailure, ...load } = options;
    const members = await loadMembers({ ...load, signal });
    try {
      const answerer = await createEnsemble({ members, method, request, onMemberFailure, signal });
      return new LoadedModel(spec, answerer, members);
    } catch (error) {
      await members.dispose();
      throw error;
    }
  }

  /** The member whose vocabulary the API's token ids are of; undefined behind a router. */
  get first(): Member | undefined {
    return this.members && (this.answerer.members[0] as Member);
  }

  /** Tokens that every member's context holds; undefined behind a router. */
  get contextSize(): number | undefined {
    return this.members && Math.min(...(this.answerer.members as readonly Member[]).map((each) => each.contextSize));
  }

  /** The same members under another method, or with other weights. Errors: those of `createEnsemble`. */
  async under(method: MethodOptions | undefined, weights: readonly number[] | undefined): Promise<Answerer> {
    const key = JSON.stringify([method, weights]);
    const known = this.#others.get(key);
    if (known !== undefined) {
      this.#others.delete(key);
      this.#others.set(key, known);
      return known;
    }
    const { method: own, request, onMemberFailure } = this.spec.options as EnsembleOptions;
    const members = weights === undefined ? this.members! : underWeights(this.members!, weights);
    const made = await createEnsemble({ members, method: method ?? own, request, onMemberFailure });
    this.#others.set(key, made);
    const [[oldest, first]] = this.#others;
    if (this.#others.size > MOST_METHODS) {
      this.#others.delete(oldest);
      await first.dispose();
    }
    return made;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.answerer, ...this.#others.values()].map((each) => each.dispose()));
    await this.members?.dispose();
  }
}
