/**
 * The union dictionary as an alignment (GaC, arXiv 2406.12585): every string that any member has is an entry.
 *
 *     p_i(u) = Σ_{t: M_i(t) = u} softmax(z_i)_t / (1 − p_i(never text))        u ∈ U, M_i: V_i → U
 *
 * Shapes: |U| entries (see UnionDictionary), float64, projected by the members themselves, in parallel. A string that is
 * no token of a member has probability 0 there. Strings are bytes; see PublishedSpace for those of released code.
 */
import { settleAll } from "../../../settle-all.js";
import type { UnionMaps } from "../../../vocabulary/union-dictionary.js";
import { textProbability } from "../../combine.js";
import type { FusedDistribution, MethodContext } from "../../method.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { UpToDate } from "../up-to-date.js";
import { GreedySum, LISTED } from "./greedy-sum.js";
import type { UnionSpace } from "./spaces.js";

/** After a step that the members' lists did not decide, so many steps are fused in full; twice as many the next time. */
const FIRST_PATIENCE = 8;
const LONGEST_PATIENCE = 1024;
/** In the place of a map: prepared for a greedy sum, which needs none. */
const LISTS = new Int32Array(0);

export class UnionAlignment implements Alignment {
  readonly likeliest?: Alignment["likeliest"];
  readonly #upToDate: UpToDate;
  /** Each member's map that its output was, or will be, prepared with. */
  readonly #prepared: (Int32Array | undefined)[];
  readonly #greedySum: GreedySum | undefined;
  /** Steps still to be aligned in full. */
  #fullSteps = 0;
  #patience = FIRST_PATIENCE;
  /** Whether the last step's entries are places in the greedy sum. */
  #isSum = false;

  /** @param onlyLikeliest whether a greedy choice by the weighted mean is all that is wanted (bytes only) */
  constructor(
    private readonly context: MethodContext,
    private readonly space: UnionSpace,
    onlyLikeliest = false,
  ) {
    this.#upToDate = new UpToDate(context);
    this.#prepared = context.voices.map(() => undefined);
    if (onlyLikeliest) {
      const sum = (this.#greedySum = new GreedySum(context.voices.length));
      this.likeliest = (asked, weights) => this.#likeliest(sum, asked, weights);
    }
  }

  async prepare(): Promise<void> {
    await this.#prepareFor(
      this.context.voices.map((_, index) => index),
      this.#greedySum === undefined,
    );
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    const { space, context } = this;
    const { size } = await this.#bringUpToDate(asked, true);
    const distributions = asked.map((index) => context.voices[index].member.output.projection);
    this.#isSum = false;
    return {
      size,
      endEntry: space.endEntry,
      distributions,
      masses: space.hasRemainder ? distributions.map((projection) => textProbability(projection, size)) : undefined,
      isInSharedMemory: true,
      bytesOf: (entry) => space.bytesOf(entry),
      dictionary: space.dictionary,
      conclude: space.conclude && ((fused) => space.conclude!(fused)),
    };
  }

  accept(entry: number): void | Promise<void> {
    return this.space.accept(this.#isSum ? this.#greedySum!.entryAt(entry) : entry);
  }

  async #likeliest(
    sum: GreedySum,
    asked: readonly number[],
    weights: readonly number[],
  ): Promise<FusedDistribution | undefined> {
    if (this.#fullSteps > 0) {
      this.#fullSteps--;
      return undefined;
    }
    const { space, context } = this;
    const { size, maps } = await this.#bringUpToDate(asked, false);
    const best = sum.find(
      asked.map((index) => context.voices[index].member),
      weights,
      { size, maps: asked.map((index) => maps[index]) },
    );
    if (best < 0) {
      this.#fullSteps = this.#patience - 1;
      this.#patience = Math.min(2 * this.#patience, LONGEST_PATIENCE);
      return undefined;
    }
    this.#patience = FIRST_PATIENCE;
    this.#isSum = true;
    return {
      size: sum.size,
      probabilities: sum.probabilities,
      best,
      endEntry: space.endEntry,
      bytesOf: (entry) => space.bytesOf(sum.entryAt(entry)),
    };
  }

  /** Advance those of the asked that lag or whose output was prepared for something else; the present space. */
  async #bringUpToDate(asked: readonly number[], inFull: boolean): Promise<UnionMaps> {
    const maps = await this.#prepareFor(asked, inFull);
    await this.#upToDate.bring(asked);
    return maps;
  }

  async #prepareFor(asked: readonly number[], inFull: boolean): Promise<UnionMaps> {
    const { voices, traceTop } = this.context;
    const space = this.space.mapsFor(voices.map(({ member }) => member.atFragmentStart));
    const wanted = (index: number) => (inFull ? space.maps[index] : LISTS);
    const changed = asked.filter((index) => this.#prepared[index] !== wanted(index));
    await settleAll(
      changed.map((index) => {
        const { member } = voices[index];
        if (!inFull) return member.prepare({ top: LISTED });
        const size = this.space.hasRemainder ? space.size + 1 : space.size;
        return member.prepare({ top: traceTop, projection: { map: space.maps[index], size } });
      }),
    );
    for (const index of changed) {
      // The output at hand was prepared otherwise, except where the member has not begun.
      if (this.#prepared[index] !== undefined) this.#upToDate.invalidate(index);
      this.#prepared[index] = wanted(index);
    }
    return space;
  }
}
