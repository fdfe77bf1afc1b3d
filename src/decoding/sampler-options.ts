/** What a user may ask of the sampler, and the check that it makes sense. */
import { LlamafuseError } from "../errors.js";
import { MAX_SEED } from "../random.js";

export interface SamplerOptions {
  /**
   * Probabilities are raised to 1/temperature. Default 0: always the most probable entry.
   * @example { temperature: 0.7 }
   */
  temperature?: number;
  /** Keep only this many of the most probable entries. Default 0: all of them. */
  topK?: number;
  /** Keep the smallest set of most probable entries with at least this share of the probability. Default 1: all. */
  topP?: number;
  /** Drop entries less probable than this fraction of the most probable one. Default 0: none. */
  minP?: number;
  /** Entries chosen within the window get p^penalty instead of p; above 1 discourages. Default 1: off. */
  repetitionPenalty?: number;
  /** How many of the last choices the penalty looks back on; 0 turns it off. Default 64. The prompt does not count. */
  repetitionWindow?: number;
  /** The same seed gives the same choices. Default: drawn at random and reported with the result. */
  seed?: number;
}

/** Every option with a value; only the seed may be left to chance. */
export type CheckedSamplerOptions = Required<Omit<SamplerOptions, "seed">> & Pick<SamplerOptions, "seed">;

interface Rule {
  fallback: number | undefined;
  allowed: string;
  holds(value: number): boolean;
}

const RULES: Record<keyof SamplerOptions, Rule> = {
  temperature: { fallback: 0, allowed: "a finite number >= 0", holds: (t) => Number.isFinite(t) && t >= 0 },
  topK: { fallback: 0, allowed: "an integer >= 0 (0 keeps all)", holds: (k) => Number.isSafeInteger(k) && k >= 0 },
  topP: { fallback: 1, allowed: "a number above 0 and at most 1", holds: (p) => p > 0 && p <= 1 },
  minP: { fallback: 0, allowed: "a number at least 0 and below 1", holds: (p) => p >= 0 && p < 1 },
  repetitionPenalty: { fallback: 1, allowed: "a finite number above 0", holds: (r) => Number.isFinite(r) && r > 0 },
  repetitionWindow: { fallback: 64, allowed: "an integer >= 0", holds: (w) => Number.isSafeInteger(w) && w >= 0 },
  seed: {
    fallback: undefined,
    allowed: `an integer from 0 to ${MAX_SEED}`,
    holds: (seed) => Number.isSafeInteger(seed) && seed >= 0,
  },
};

/** Fill in the defaults; LlamafuseError "invalid-option" names the option, what was found and what is allowed. */
export function checkSamplerOptions(options: SamplerOptions = {}): CheckedSamplerOptions {
  const checked: Record<string, number | undefined> = {};
  for (const [option, rule] of Object.entries(RULES) as [keyof SamplerOptions, Rule][]) {
    const found: unknown = options[option];
    if (found !== undefined && (typeof found !== "number" || !rule.holds(found))) {
      throw new LlamafuseError("invalid-option", `${option} must be ${rule.allowed}; found ${display(found)}.`, {
        option,
        found,
        allowed: rule.allowed,
      });
    }
    checked[option] = found ?? rule.fallback;
  }
  return checked as unknown as CheckedSamplerOptions;
}

function display(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
