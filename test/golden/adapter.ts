/** How the runner reaches a method: one adapter a method, which runs the project's own code on a golden case's input. */

/** A JSON document; the files' shapes are known to the adapters alone. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface GoldenAdapter {
  /** The `method` of the files that this adapter is for. */
  method: string;
  /** |found − expected| ≤ tolerance · max(1e-3, |expected|) for numbers that are not counts or ids. */
  tolerance: number;
  /** Why a case cannot be run here, for cases that need more than their input; it is then skipped. */
  // biome-ignore lint/suspicious/noExplicitAny: each adapter declares the input that its files have.
  whyNot?(input: any): string | undefined;
  /**
   * Everything that the case's output lists; more fields are ignored. `output` is for goldens that list a part of
   * something large: it says which part.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each adapter declares the input that its files have.
  run(input: any, output: any): unknown;
  /** What is wrong with all cases of a file together, one line each: a share that must hold. Counts as one case more. */
  // biome-ignore lint/suspicious/noExplicitAny: each adapter declares the cases that its files have.
  checkAll?(cases: readonly any[]): string[];
}
