/**
 * The alignment contract: how the members' distributions over different vocabularies are brought into one space, step by
 * step, and how what was chosen in that space goes back to the members. One instance serves one request.
 *
 * A published method of token-level fusion is an alignment, a fusion rule (rule.ts) and a schedule put together; what an
 * alignment leaves open (which members are asked, how their distributions become one) is the others' business.
 */

/** One step's distributions in one space. Valid until the next `align`. */
export interface AlignedStep {
  /** Entries of the space. */
  size: number;
  /** The entry that ends the generation, or -1. */
  endEntry: number;
  /** For each member asked, in that order: its distribution, float64[≥ size], non-negative, summing to 1 within rounding. */
  distributions: readonly Float64Array[];
  /** The bytes of an entry; empty for the end. */
  bytesOf(entry: number): Uint8Array;
}

export interface Alignment {
  /** Called once, before the members begin: choose their preparations. */
  prepare(): Promise<void>;
  /** Bring the asked members (indices of the voices, ascending) up to date, decoding what they missed, and into one space. */
  align(asked: readonly number[]): Promise<AlignedStep>;
  /** Queue an entry of the last step in every member. */
  accept(entry: number): void | Promise<void>;
}
