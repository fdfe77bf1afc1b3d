/**
 * GaC: fusing at the level of the union dictionary (Yu, Kuo, Ye, Chang and Li, "Breaking the Ceiling of the LLM Community
 * by Treating Token Generation as a Classification for Ensembling", arXiv 2406.12585).
 *
 *     U = union of the members' vocabularies        M_i: V_i → U
 *     p(u) = Σ_i w_i · Σ_{t: M_i(t) = u} p_i(t)      p_i = softmax(z_i), Σ w_i = 1
 *     u* = argmax p (or a draw); every member tokenises u* on its own and appends its tokens
 *
 * gate "threshold": only the primary member advances; if max_u p_primary(u) > threshold its own distribution stands and
 * the others lag, to catch up in one decode when they are next asked. (The released code lets them read all again.)
 *
 * Shapes: p over |U| entries, float64; in greedy runs without a trace, over the entries that can win (greedy-sum.ts).
 * Defaults are the paper's: every step, piece feedback; threshold 0.5 is ours after secondary reports [unverified], the
 * released examples set 1.0, which always fuses.
 *
 * What differs from the released code, unless `compat`: entries are byte strings, so that members of different families
 * meet on every string; all end tokens are one entry; tokens that are never text are conditioned away; at the start of a
 * fragment a tokenizer's own space is no part of a token. `compat` restores the published strings, prefix probe and
 * separate end strings (see published-strings.ts); sampled runs, which the released code has not, pool the end strings.
 */
import { z } from "zod";
import { LlamafuseError, unknownName } from "../../errors.js";
import { settleAll } from "../../member/settle-all.js";
import type { UnionMaps } from "../../vocabulary/union.js";
import { Combiner, textProbability } from "../combine.js";
import { GreedySum, LISTED } from "../greedy-sum.js";
import type { FusedDistribution, MethodContext, MethodInfo, MethodRun, Voice } from "../method.js";
import { ByteSpace, PublishedSpace, type UnionSpace } from "./gac-spaces.js";

export const gacInfo: MethodInfo = {
  name: "gac",
  summary: "Union dictionary: weighted mean of the members' full distributions over all strings that any of them has.",
  source: "arXiv 2406.12585",
  requires: "Any vocabularies.",
  options: {
    gate: '"every-step" (default), or "threshold": the others are asked only where the primary is unsure.',
    threshold: "With the gate: the primary decides alone above this probability. Default 0.5.",
    primary: "With the gate: the primary member, by name or index. Default 0.",
    feedback:
      '"piece" (default, published): the string is tokenised on its own; "text": the whole text is, canonically.',
    compat: "Reproduce the released code's strings and feedback. Default false.",
  },
};

export const gacOptions = z
  .strictObject({
    gate: z.enum(["every-step", "threshold"]).default("every-step"),
    threshold: z.number().min(0).max(1).optional(),
    primary: z.union([z.string(), z.int().min(0)]).optional(),
    feedback: z.enum(["piece", "text"]).default("piece"),
    compat: z.boolean().default(false),
  })
  .refine((options) => options.gate === "threshold" || options.threshold === undefined, {
    path: ["threshold"],
    error: 'is used only with gate "threshold"',
  })
  .refine((options) => options.gate === "threshold" || options.primary === undefined, {
    path: ["primary"],
    error: 'is used only with gate "threshold"',
  })
  .refine((options) => !options.compat || options.feedback === "piece", {
    path: ["feedback"],
    error: 'must be "piece" with compat, as published',
  });

export type GacOptions = z.output<typeof gacOptions>;

const DEFAULT_THRESHOLD = 0.5;
/** After a step that the members' lists did not decide, so many steps are fused in full; twice as many the next time. */
const FIRST_PATIENCE = 8;
const LONGEST_PATIENCE = 1024;
/** In the place of a map: prepared for a greedy sum, which needs none. */
const LISTS = new Int32Array(0);

export class GacRun implements MethodRun {
  readonly #space: UnionSpace;
  /** The index of the gate's primary, or -1 to fuse at every step. */
  readonly #primary: number;
  readonly #threshold: number;
  readonly #everyone: readonly number[];
  /** Which members' outputs are of the present text. */
  readonly #isCurrent: boolean[];
  /** Each member's map that its output was, or will be, prepared with. */
  readonly #prepared: (Int32Array | undefined)[];
  readonly #combiner: Combiner;
  /** For greedy runs, where most steps need no entry but the likeliest: the same choice, found faster. */
  readonly #greedySum: GreedySum | undefined;
  /** Steps still to be fused in full. */
  #fullSteps = 0;
  #patience = FIRST_PATIENCE;
  /** Whether the last distribution's entries are places in the greedy sum. */
  #isSum = false;
  #pending: void | Promise<void> = undefined;

  constructor(
    private readonly context: MethodContext,
    options: GacOptions,
  ) {
    const { voices } = context;
    this.#combiner = context.combiner ?? new Combiner();
    this.#space = options.compat ? new PublishedSpace(voices, context.greedy) : new ByteSpace(voices, options.feedback);
    this.#primary = options.gate === "threshold" ? indexOfMember(voices, options.primary ?? 0) : -1;
    this.#threshold = options.threshold ?? DEFAULT_THRESHOLD;
    const choosesOnly = !options.compat && context.greedy && context.traceTop === 0;
    this.#greedySum = choosesOnly ? new GreedySum(voices.length) : undefined;
    this.#everyone = voices.map((_, index) => index);
    // The first step finds all members begun.
    this.#isCurrent = voices.map(() => true);
    this.#prepared = voices.map(() => undefined);
  }

  async prepare(): Promise<void> {
    await this.#prepareFor(this.#everyone, this.#greedySum === undefined);
  }

  async step(): Promise<FusedDistribution> {
    await this.#pending;
    if (this.#fullSteps > 0) this.#fullSteps--;
    if (this.#primary >= 0) {
      const alone = await this.#fuse([this.#primary]);
      if (primaryDecides(alone.probabilities[alone.best], this.#threshold)) return alone;
    }
    return this.#fuse(this.#everyone);
  }

  accept(entry: number): void | Promise<void> {
    this.#isCurrent.fill(false);
    this.#pending = this.#space.accept(this.#isSum ? this.#greedySum!.entryAt(entry) : entry);
    // The next step reports what goes wrong here, also to a caller that does not wait.
    this.#pending?.catch(() => {});
    return this.#pending;
  }

  /** The weighted mean of these members' distributions; one member alone counts fully. */
  async #fuse(members: readonly number[]): Promise<FusedDistribution> {
    const weights = members.map((index) => (members.length === 1 ? 1 : this.context.voices[index].weight));
    if (this.#greedySum !== undefined && this.#fullSteps === 0) {
      const likeliest = await this.#findLikeliest(this.#greedySum, members, weights);
      if (likeliest !== undefined) return likeliest;
    }
    const { size } = await this.#bringUpToDate(members, true);
    const projections = members.map((index) => this.context.voices[index].member.output.projection);
    if (this.#space.hasRemainder) {
      for (const place of members.keys()) weights[place] /= textProbability(projections[place], size);
    }
    const best = this.#combiner.combine(projections, weights, size);
    this.#isSum = false;
    return this.#space.distribution(this.#combiner.probabilities, size, best);
  }

  /** The likeliest entries alone; undefined where the members' lists do not decide. */
  async #findLikeliest(
    sum: GreedySum,
    members: readonly number[],
    weights: readonly number[],
  ): Promise<FusedDistribution | undefined> {
    const { size, maps } = await this.#bringUpToDate(members, false);
    const best = sum.find(
      members.map((index) => this.context.voices[index].member),
      weights,
      { size, maps: members.map((index) => maps[index]) },
    );
    if (best < 0) {
      this.#fullSteps = this.#patience;
      this.#patience = Math.min(2 * this.#patience, LONGEST_PATIENCE);
      return undefined;
    }
    this.#patience = FIRST_PATIENCE;
    this.#isSum = true;
    const { bytesOf } = this.#space.distribution(sum.probabilities, size, best);
    return {
      size: sum.size,
      probabilities: sum.probabilities,
      best,
      endEntry: 0,
      bytesOf: (entry) => bytesOf(sum.entryAt(entry)),
    };
  }

  /** Advance those of the members that lag or whose output was prepared for something else; the present space. */
  async #bringUpToDate(members: readonly number[], inFull: boolean): Promise<UnionMaps> {
    const space = await this.#prepareFor(members, inFull);
    const lagging = members.filter((index) => !this.#isCurrent[index]);
    if (lagging.length > 0) await this.context.advance(lagging.map((index) => this.context.voices[index]));
    for (const index of lagging) this.#isCurrent[index] = true;
    return space;
  }

  async #prepareFor(members: readonly number[], inFull: boolean): Promise<UnionMaps> {
    const { voices, traceTop } = this.context;
    const space = this.#space.mapsFor(voices.map(({ member }) => member.atFragmentStart));
    const wanted = (index: number) => (inFull ? space.maps[index] : LISTS);
    const changed = members.filter((index) => this.#prepared[index] !== wanted(index));
    await settleAll(
      changed.map((index) => {
        const { member } = voices[index];
        if (!inFull) return member.prepare({ top: LISTED });
        const size = this.#space.hasRemainder ? space.size + 1 : space.size;
        return member.prepare({ top: traceTop, projection: { map: space.maps[index], size } });
      }),
    );
    for (const index of changed) {
      // The output at hand was prepared otherwise, except where the member has not begun.
      if (this.#prepared[index] !== undefined) this.#isCurrent[index] = false;
      this.#prepared[index] = wanted(index);
    }
    return space;
  }
}

/** The gate. The released code compares both sides weighted, w·max p > w·τ, which is the same. */
export function primaryDecides(largest: number, threshold: number): boolean {
  return largest > threshold;
}

function indexOfMember(voices: readonly Voice[], wanted: string | number): number {
  const names = voices.map(({ member }) => member.name);
  const index = typeof wanted === "number" ? wanted : names.indexOf(wanted);
  if (index >= 0 && index < voices.length) return index;
  if (typeof wanted === "string") throw unknownName("primary member", wanted, names);
  throw new LlamafuseError(
    "invalid-option",
    `There is no member ${wanted}: primary must be 0 … ${voices.length - 1}.`,
    {
      option: "primary",
      found: wanted,
      allowed: `0 … ${voices.length - 1}, or a name: ${names.join(", ")}`,
    },
  );
}
