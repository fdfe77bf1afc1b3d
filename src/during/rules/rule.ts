/**
 * The fusion-rule contract: how aligned distributions become one. One instance serves one request and may keep what it
 * learns from step to step.
 */
import type { AlignedStep } from "../alignments/alignment.js";

export interface FusedValues {
  /** Over the step's entries: float64[≥ size], non-negative, summing to 1 within rounding; reused by the next step. */
  probabilities: Float64Array;
  /** The most probable entry, the lowest among equals. */
  best: number;
}

export interface FusionRule {
  /** Whether `fuse` is the weighted mean (see Alignment.likeliest). Default false. */
  readonly isMean?: boolean;
  /** Fuse one step. `asked`: the voices whose distributions these are; `weights`: theirs, summing to 1. */
  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues;
  /** The entry of the last fused step that was chosen, for rules that learn; the step's distributions are still valid. */
  observe?(entry: number): void;
}
