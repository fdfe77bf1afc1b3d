/**
 * The alignment contract: how the members' distributions over different vocabularies are brought into one space, step by
 * step, and how what was chosen in that space goes back to the members. One instance serves one request.
 *
 * A published method of token-level fusion is an alignment, a fusion rule (rule.ts) and a schedule put together; what an
 * alignment leaves open (which members are asked, how their distributions become one) is the others' business.
 */
import type { UnionDictionary } from "../../vocabulary/union-dictionary.js";
import type { AllowedTokens, FusedDistribution, MethodReport } from "../method.js";
import type { FusedValues } from "../rules/rule.js";

/** What a member did for a step. */
export interface Effort {
  decodedTokens: number;
  decodeMs: number;
  prepareMs: number;
}

/** One step's distributions in one space. Valid until the next `align`. */
export interface AlignedStep {
  /** Entries of the space. */
  size: number;
  /** The entry that ends the generation, or -1. */
  endEntry: number;
  /**
   * For each member asked, in that order: its distribution, float64[≥ size], non-negative, summing to 1 within rounding,
   * or to its mass where there are `masses`.
   */
  distributions: readonly Float64Array[];
  /** What each distribution sums to, above 0; all of them 1 where left out. Saves a pass over large spaces. */
  masses?: readonly number[];
  /** Whether the distributions lie in the memory that the ensemble's kernels work on. Default false. */
  isInSharedMemory?: boolean;
  /** The bytes of an entry; empty for the end. */
  bytesOf(entry: number): Uint8Array;
  /** See FusedDistribution.dictionary. */
  dictionary?: UnionDictionary;
  /**
   * What each asked member did for this step; undefined for one that others stand in for. Present where the distributions are
   * what the members say of the entries, and their tokens are not.
   */
  efforts?: readonly (Effort | undefined)[];
  /**
   * For the strings of released code, where several entries end the generation or ties go by another order: gives the
   * fused values their last form and returns the entry that stands for all ends, or -1.
   */
  conclude?(fused: FusedValues): number;
}

export interface Alignment {
  /** Called once, before the members begin: choose their preparations. */
  prepare(): Promise<void>;
  /** Bring the asked members (indices of the voices, ascending) up to date, decoding what they missed, and into one space. */
  align(asked: readonly number[]): Promise<AlignedStep>;
  /**
   * `align` and the weighted mean in one, where the entries that cannot win may be left out; undefined where that does not
   * decide. Present where only the likeliest entry is wanted and the alignment knows how to find it sooner.
   */
  likeliest?(asked: readonly number[], weights: readonly number[]): Promise<FusedDistribution | undefined>;
  /** `align` once more at the same place, with other candidates (MethodRun.among). Absent where all tokens take part. */
  alignAmong?(asked: readonly number[], allowed: (voice: number) => AllowedTokens): Promise<AlignedStep>;
  /** ℓ of each member over one sequence of tokens, or in nats a byte, where the alignment has one (weightings/perplexity.ts). */
  losses?(per: "token" | "byte"): Promise<number[]>;
  /** What all members say at each token of the text, where they read one sequence of tokens (weightings/perplexity-search.ts). */
  replay?(): Promise<{ rows: Float32Array[][]; targets: Int32Array }>;
  /** See MethodRun.report. */
  report?(): MethodReport;
  /** Queue an entry of the last step in every member. */
  accept(entry: number): void | Promise<void>;
}

/** The mass of the c-th distribution. */
export function massOf({ masses }: AlignedStep, c: number): number {
  return masses === undefined ? 1 : masses[c];
}
