/**
 * Relative space as an alignment (DeePEn, arXiv 2404.12715): a member's distribution as one over the tokens that all
 * members have in common.
 *
 *     p_i = softmax(z_i)        r_i(a) = Σ_v p_i(v) · R_i(v, a)        R_i: see relative-rows.ts
 *
 * Shapes: |A| entries, float64, one a common byte string in the order of the first member's ids, and behind them the
 * end of generation, where all members have one. Tokens that are never text are conditioned away.
 *
 * `published`: the anchors of the released code, which are the common texts of the model files, special tokens included,
 * and distributions over everything that a vocabulary lists.
 */
import { LlamafuseError } from "../../../errors.js";
import type { Member } from "../../../member/member.js";
import type { AlignedStep } from "../alignment.js";
import { commonTexts, commonTokens, sampleCommon } from "../build/common-tokens.js";
import { embeddingsOf, endTokenOf, oncePerMembers } from "../build/embedded-members.js";
import type { BuildOptions } from "../build/pool.js";
import { EMPTY_ROW, ROW_OF_EMBEDDING } from "../build/relative-rows.js";
import { relativeRows, rowsByClass } from "./build.js";
import { RowOperator } from "./row-operator.js";

export interface RelativeOptions {
  /** Anchors at most, drawn with `seed`. Default: all common tokens. */
  anchors?: number;
  seed: number;
  published: boolean;
}

export interface RelativeSpace {
  /** R_i of each member. All runs on the members share them: whoever multiplies has chosen before (RowOperator.choose). */
  operators: readonly RowOperator[];
  /** Each member's token for each anchor. */
  anchors: readonly Int32Array[];
  /** How each member's rows were made. */
  makes: readonly Int32Array[];
  /** The anchor that is the end, or -1. */
  endEntry: number;
  /** For each member: 1 where a token can be text or the end, 0 where it is never asked for. */
  speaks: readonly Uint8Array[];
}

/** With one anchor every row is 1, so all tokens look the same. */
const FEWEST_ANCHORS = 2;

/** The space of these members, built once for as long as the first of them lives. Errors: incompatible-members, aborted. */
export const relativeSpaceOf = oncePerMembers(buildSpace);

async function buildSpace(
  members: readonly Member[],
  { anchors: most, seed, published }: RelativeOptions,
  { onProgress, signal, threads }: BuildOptions,
): Promise<RelativeSpace> {
  const vocabularies = members.map(({ vocabulary }) => vocabulary);
  const sources = members.map((member) => embeddingsOf(member, "input", "deepen"));
  const common = published ? commonTexts(vocabularies) : commonTokens(vocabularies);
  if (common[0].length < FEWEST_ANCHORS) throw tooFewAnchors(members, common[0].length);
  const sampled = most === undefined ? common : sampleCommon(common, most, seed);
  const ends = members.map(endTokenOf);
  const hasEnd = !published && !ends.includes(-1);
  const anchors = sampled.map((ids, index) => (hasEnd ? extended(ids, ends[index]) : ids));
  const endEntry = hasEnd ? sampled[0].length : -1;
  const makes = vocabularies.map((vocabulary) =>
    published ? new Int32Array(vocabulary.size).fill(ROW_OF_EMBEDDING) : rowsByClass(vocabulary, endEntry),
  );
  const operators: RowOperator[] = [];
  for (const [index, source] of sources.entries()) {
    const report = (fraction: number) => onProgress?.((index + fraction) / members.length);
    const run = { onProgress: report, signal, threads };
    operators.push(new RowOperator(await relativeRows(source, anchors[index], makes[index], run)));
    report(1);
  }
  return {
    operators,
    anchors,
    makes,
    endEntry,
    speaks: makes.map((rows) => Uint8Array.from(rows, (make) => (make === EMPTY_ROW ? 0 : 1))),
  };
}

function tooFewAnchors(members: readonly Member[], found: number): LlamafuseError {
  const names = members.map(({ name }) => `"${name}"`).join(" and ");
  return new LlamafuseError(
    "incompatible-members",
    `The vocabularies of ${names} have ${found === 0 ? "no token" : `only ${found} token`} in common; deepen compares tokens by their ` +
      `likeness to at least ${FEWEST_ANCHORS} common ones. Use a method for any vocabularies, such as unite or gac.`,
    { found, allowed: `>= ${FEWEST_ANCHORS}` },
  );
}

/** The members' distributions in relative space, step after step, in arrays of its own. */
export class RelativeProjection {
  /** p_i, float64[|V_i|]. */
  readonly shares: readonly Float64Array[];
  readonly #relative: readonly Float64Array[];

  constructor(
    private readonly members: readonly Member[],
    private readonly space: RelativeSpace,
  ) {
    this.shares = space.operators.map(({ rows }) => new Float64Array(rows));
    this.#relative = space.operators.map(({ columns }) => new Float64Array(columns));
  }

  /** Project the outputs of these members, which are up to date. */
  align(asked: readonly number[]): AlignedStep {
    const { members, space } = this;
    for (const index of asked) {
      speakingShares(members[index].output.logits, space.speaks[index], this.shares[index]);
      space.operators[index].choose(this.shares[index]);
      space.operators[index].times(this.shares[index], this.#relative[index]);
    }
    const [{ vocabulary }] = members;
    return {
      size: space.anchors[0].length,
      endEntry: space.endEntry,
      distributions: asked.map((index) => this.#relative[index]),
      bytesOf: (entry) => vocabulary.bytesOf(space.anchors[0][entry]),
    };
  }
}

/** softmax over the tokens that speak, 0 for the others. Shapes: logits float32[n], speaks uint8[n], out float64[n]. */
function speakingShares(logits: Float32Array, speaks: Uint8Array, out: Float64Array): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < out.length; v++) if (speaks[v] === 1 && logits[v] > largest) largest = logits[v];
  let sum = 0;
  for (let v = 0; v < out.length; v++) {
    const share = speaks[v] === 1 ? Math.exp(logits[v] - largest) : 0;
    out[v] = share;
    sum += share;
  }
  const scale = 1 / sum;
  for (let v = 0; v < out.length; v++) out[v] *= scale;
}

/** One more at the end; there may be more anchors than a call takes arguments. */
function extended(ids: Int32Array, end: number): Int32Array {
  const all = new Int32Array(ids.length + 1);
  all.set(ids);
  all[ids.length] = end;
  return all;
}
