/**
 * UniTE: fusing over the union of the members' top-k tokens (Yao, Wu, Liu and others, "Determine-Then-Ensemble:
 * Necessity of Top-k Union for Large Language Model Ensembling", arXiv 2410.03777).
 *
 *     S = ∪_i top-k(z_i), as strings
 *     v_i(s) = z_i(s) if s is a token of member i, else z_i(first sub-token of s in member i)
 *     p(s) = Σ_i w_i · exp(v_i(s)) / Σ_{r ∈ S} exp(v_i(r))            Σ w_i = 1
 *     s* = argmax p (or a draw); the whole text is tokenised again in every member
 *
 * Shapes: |S| ≤ N·k + 1 entries in insertion order (member 1's by falling logit, then what member 2 adds, …), float64.
 * Defaults are the paper's: k = 10, equal weights, text feedback.
 *
 * What the paper leaves open is decided so: strings are bytes; where several tokens of a member have the same bytes their
 * probabilities add up; all end tokens are one string, whose v_i is the log of member i's summed end probability, and it
 * is in S whenever an end token is among any member's top k, else the step cannot end the text.
 *
 * `compat` with variant "logits": the released code (starrYYxuan/UniTE; see unite-released.ts), with the logit 0 that it
 * gives to a sub-token seen twice, its "/n" and its feedback through the first member. `compat` with variant
 * "probability": the form of Kamichanw/Mixture-model-like-Ensemble on GaC's strings (see unite-mixture.ts). Without
 * `compat` the variants are one and the same rule: a softmax over S is the probabilities renormalised over S.
 */
import { z } from "zod";
import { MAX_TOP } from "../../member/preparer.js";
import { settleAll } from "../../member/settle-all.js";
import { TopUnion } from "../../vocabulary/top-union.js";
import { combine } from "../combine.js";
import type { FusedDistribution, MethodContext, MethodInfo, MethodRun } from "../method.js";
import { ByteKeys, type TopKeys } from "./unite-keys.js";
import { MixtureKeys } from "./unite-mixture.js";
import { ReleasedKeys } from "./unite-released.js";

export const uniteInfo: MethodInfo = {
  name: "unite",
  summary: "Top-k union: weighted mean of the members' softmax over the strings that any of them has among its k best.",
  source: "arXiv 2410.03777",
  requires: "Any vocabularies.",
  options: {
    k: "How many tokens each member proposes. Default 10.",
    feedback: '"text" (default, published): the whole text is tokenised anew; "piece": the string is, on its own.',
    variant: '"logits" (default) or "probability": which released code compat reproduces. The same without compat.',
    compat: "Reproduce the released code's strings, quirks and feedback. Default false.",
  },
};

export const uniteOptions = z
  .strictObject({
    k: z.int().min(1).max(MAX_TOP).default(10),
    feedback: z.enum(["text", "piece"]).optional(),
    variant: z.enum(["logits", "probability"]).default("logits"),
    compat: z.boolean().default(false),
  })
  .refine((options) => !options.compat || options.feedback === undefined, {
    path: ["feedback"],
    error: "cannot be chosen with compat, which feeds back as published",
  });

export type UniteOptions = z.output<typeof uniteOptions>;

export class UniteRun implements MethodRun {
  readonly #keys: TopKeys;
  readonly #fusion: TopFusion;
  readonly #k: number;
  #begun = false;
  #pending: void | Promise<void> = undefined;

  constructor(
    private readonly context: MethodContext,
    options: UniteOptions,
  ) {
    const { voices } = context;
    this.#keys = keysFor(context, options);
    const weights = voices.map(({ weight }) => weight);
    // No member has more tokens than this to propose.
    this.#k = Math.min(options.k, Math.max(...voices.map(({ member }) => member.vocabulary.size)));
    this.#fusion = new TopFusion(this.#keys, weights, this.#k);
  }

  async prepare(): Promise<void> {
    const top = Math.max(this.#k, this.context.traceTop);
    // The softmax over the union needs no normaliser of the whole vocabulary; only a trace shows probabilities.
    const normaliser = this.context.traceTop > 0;
    await settleAll(this.context.voices.map(({ member }) => member.prepare({ top, normaliser })));
  }

  async step(): Promise<FusedDistribution> {
    await this.#pending;
    const { voices } = this.context;
    if (this.#begun) await this.context.advance(voices);
    this.#begun = true;
    const tops = voices.map(({ member: { output } }) => ({
      ids: output.topIds,
      logits: output.topLogits,
      count: Math.min(this.#k, output.topCount),
    }));
    return this.#fusion.fuse(tops);
  }

  accept(entry: number): void | Promise<void> {
    this.#pending = this.#keys.accept(this.#fusion.union.keys[entry]);
    // The next step reports what goes wrong here, also to a caller that does not wait.
    this.#pending?.catch(() => {});
    return this.#pending;
  }
}

/** A member's most probable tokens, best first: the first `count` of these. */
export interface TopTokens {
  ids: ArrayLike<number>;
  logits: ArrayLike<number>;
  count: number;
}

/** One step of the rule above, on whatever strings the keys are. */
export class TopFusion {
  readonly union: TopUnion;
  readonly #probabilities: Float64Array;

  constructor(
    private readonly keys: TopKeys,
    private readonly weights: readonly number[],
    k: number,
  ) {
    const capacity = weights.length * k + 1;
    this.union = new TopUnion(weights.length, capacity);
    this.#probabilities = new Float64Array(capacity);
  }

  async fuse(tops: readonly TopTokens[]): Promise<FusedDistribution> {
    const { union, keys, weights } = this;
    union.clear();
    for (const [member, { ids, logits, count }] of tops.entries()) {
      for (let place = 0; place < count; place++) keys.add(union, member, ids[place], logits[place]);
    }
    await settleAll(tops.map((_, member) => keys.complete(union, member)));
    const best = combine(union.normalise(), weights, this.#probabilities, union.size);
    return keys.distribution(union, this.#probabilities, best);
  }
}

function keysFor({ voices, greedy }: MethodContext, { compat, variant, feedback = "text" }: UniteOptions): TopKeys {
  const members = voices.map(({ member }) => member);
  if (!compat) return new ByteKeys(members, feedback);
  return variant === "logits" ? ReleasedKeys.of(members, greedy) : MixtureKeys.of(members, greedy);
}
