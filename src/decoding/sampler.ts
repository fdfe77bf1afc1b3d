/**
 * The sampler: chooses one entry of a fused distribution p over entries 0 … size − 1.
 *
 * In the order of llama.cpp's default chain:
 * 1. penalties (repetition, presence, frequency), 2. DRY: lower the logits of what was said, z(u) = ln p(u) + ln Z;
 * 3. top-n-σ, 4. top-k, 5. typical, 6. top-p, 7. min-p, 8. XTC: only some of the entries survive (see sampling/cuts.ts);
 * 9. temperature T, fixed or dynamic: entry i is chosen with probability w_i^(1/T) / Σ w_j^(1/T), the sums over the
 *    survivors, w = exp(z). T = 0 takes the greatest w_i, the lowest index among equals.
 *
 * Mirostat takes the place of 1 to 8 and comes behind the temperature. Only XTC and the choice draw random numbers.
 *
 * A fused distribution has no logits of its own: ln Z is the weighted mean of the members' normalisers (the loop's), so that
 * one member's z are its own logits. The pieces that penalties look back on are the choices and, before them, the prompt as
 * the first member reads it. The end is never penalised (ours: llama.cpp penalises an end token that stands in the prompt).
 *
 * The choice walks the surviving entries in ascending order up to a uniform random share of their weight, so an
 * option that removes nothing changes nothing. For 0 < T < 1 and many survivors it does without a power for each of
 * them: an entry is drawn by w and accepted with probability (w_i / max w)^(1/T − 1), which is the same distribution
 * (rejection sampling); after MAX_REJECTIONS draws the powers are computed after all.
 *
 * Nothing that grows with the distribution is allocated per call; the arrays are kept from one call to the next.
 */
import type { FusedDistribution } from "../during/method.js";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator, randomSeed } from "../random.js";
import {
  type CheckedSamplerOptions,
  checkSamplerOptions,
  type SamplerOption,
  type SamplerOptions,
} from "./sampler-options.js";
import { Chain, cutsOf } from "./sampling/cuts.js";
import { Dry } from "./sampling/dry.js";
import { History } from "./sampling/history.js";
import { Mirostat } from "./sampling/mirostat.js";
import { Penalised, RepetitionPenalties } from "./sampling/penalties.js";
import { dynamicTemperature, toPower } from "./sampling/temperature.js";
import { WeightedDraw } from "./weighted-draw.js";

/** From this many survivors on, a few draws and as many powers cost less than a power for each survivor. */
const MANY_SURVIVORS = 1024;

/** A draw costs about 2 µs and a power 30 ns: at 300,000 entries the powers cost as much as thousands of draws. */
const MAX_REJECTIONS = 256;

export class Sampler {
  readonly options: CheckedSamplerOptions;
  /** The seed in use, given or drawn; reported with the result so that a run can be repeated. */
  readonly seed: number;
  /**
   * Options in effect by which a choice may be another than the most probable entry although the temperature is 0.
   */
  readonly altering: readonly SamplerOption[];
  /** Options in effect by which a draw is not one from the distribution; a temperature of 0 asks for none. */
  readonly shaping: readonly SamplerOption[];
  readonly #random: RandomGenerator;
  readonly #penalties: RepetitionPenalties;
  readonly #dry: Dry;
  readonly #history: History;
  readonly #penalised = new Penalised();
  readonly #chain: Chain;
  readonly #mirostat: Mirostat | undefined;
  /** Temperature 0, and no cut that can drop the greatest: nothing else needs a look. */
  readonly #takesGreatest: boolean;
  readonly #draw = new WeightedDraw();
  #weights = new Float64Array(0);

  /** Errors: invalid-option. */
  constructor(options: SamplerOptions = {}) {
    const checked = checkSamplerOptions(options);
    this.options = checked;
    this.seed = checked.seed ?? randomSeed();
    this.#random = new RandomGenerator(this.seed);
    this.#penalties = new RepetitionPenalties(checked);
    this.#dry = new Dry(checked);
    this.#history = new History(Math.max(this.#penalties.window, this.#dry.window));
    this.#chain = new Chain(cutsOf(checked, () => this.random()));
    const { mirostat, mirostatTau, mirostatEta } = checked;
    this.#mirostat = mirostat === 0 ? undefined : new Mirostat(mirostat, mirostatTau, mirostatEta);
    this.altering = alteringOptions(checked, this.#penalties);
    this.shaping = shapingOptions(checked, this.altering);
    const { temperature, dynamicTemperatureRange, typicalP, xtcProbability } = checked;
    this.#takesGreatest = temperature === 0 && dynamicTemperatureRange === 0 && typicalP === 1 && xtcProbability === 0;
  }

  /** Whether the most probable entry of a distribution is all it ever needs (MethodContext.greedy). */
  get greedy(): boolean {
    return this.options.temperature === 0 && this.altering.length === 0;
  }

  /** How many pieces before a choice it looks back on; 0 where logits and pieces are nothing to it. */
  get lookBack(): number {
    return this.#history.capacity;
  }

  /** Uniform in [0, 1), from the generator that the choices draw from. */
  random(): number {
    return this.#random.next();
  }

  /** What stands before the first choice: the bytes of a piece, or the id of a control token. */
  remember(pieces: readonly (Uint8Array | number)[]): void {
    for (const piece of pieces) {
      if (typeof piece === "number") this.#history.addControl(piece);
      else this.#history.add(piece);
    }
  }

  /**
   * The chosen entry, which the window remembers. `logNormaliser`: ln Z, which penalties need alone. Errors: invalid-logits
   * if nothing can be chosen.
   */
  choose(distribution: FusedDistribution, logNormaliser = 0): number {
    const weights = this.#penalise(distribution, logNormaliser);
    const { entry, probability } = this.#choose(distribution, weights);
    this.#mirostat?.observe(probability);
    if (entry !== distribution.endEntry && this.lookBack > 0) this.#history.add(distribution.bytesOf(entry), entry);
    return entry;
  }

  /** An entry chosen in the same way, to which penalties are nothing. Errors: invalid-logits. */
  draw(distribution: FusedDistribution): number {
    return this.#choose(distribution, distribution.probabilities).entry;
  }

  #penalise(distribution: FusedDistribution, logNormaliser: number): Float64Array {
    if (this.#history.length === 0) return distribution.probabilities;
    this.#penalised.take(distribution, logNormaliser);
    this.#penalties.apply(distribution, this.#history, this.#penalised);
    this.#dry.apply(distribution, this.#history, this.#penalised);
    return this.#penalised.weights();
  }

  /** `probability`: among what mirostat left; 1 without it. */
  #choose(distribution: FusedDistribution, weights: Float64Array): { entry: number; probability: number } {
    const chosen =
      this.#mirostat === undefined
        ? { entry: this.#cutAndChoose(distribution, weights), probability: 1 }
        : this.#chooseBySurprise(distribution, weights, this.#mirostat);
    if (chosen.entry >= 0) return chosen;
    throw new LlamafuseError(
      "invalid-logits",
      `The fused distribution of ${distribution.size} entries has none that can be chosen: its probabilities are ` +
        "all zero, or one is not a number. Run with a trace to see which member reports them.",
      { size: distribution.size },
    );
  }

  #cutAndChoose(distribution: FusedDistribution, weights: Float64Array): number {
    const { dynamicTemperatureRange: range, dynamicTemperatureExponent: exponent, temperature } = this.options;
    if (this.#takesGreatest) {
      const isUntouched = weights === distribution.probabilities && distribution.best >= 0;
      return isUntouched ? distribution.best : greatestOf(weights, distribution.size);
    }
    const count = this.#chain.select(weights, distribution.size);
    const left = this.#chain.weights;
    const own = dynamicTemperature(left, count, { temperature, range, exponent });
    const position = own === 0 ? greatestOf(left, count) : this.#drawAt(left, count, own);
    return position < 0 ? -1 : this.#chain.entryAt(position);
  }

  /** Mirostat: temperature first, then its own cut, then the choice among what is left. */
  #chooseBySurprise({ size }: FusedDistribution, weights: Float64Array, mirostat: Mirostat) {
    const powers = this.#ownWeights(size);
    toPower(weights, size, this.options.temperature, powers);
    const count = mirostat.select(powers, size);
    let sum = 0;
    for (let at = 0; at < count; at++) sum += powers[at] = powers[mirostat.entries[at]];
    const position = this.#drawAt(powers, count, 1);
    if (position < 0) return { entry: -1, probability: 1 };
    return { entry: mirostat.entries[position], probability: powers[position] / sum };
  }

  /** A position below `count`, by weight^(1/temperature); -1 if the weights have no sum. */
  #drawAt(weights: Float64Array, count: number, temperature: number): number {
    if (temperature === 1) return this.#draw.prepare(weights, count) ? this.#draw.at(this.#random.next()) : -1;
    if (temperature < 1 && count > MANY_SURVIVORS) {
      if (!this.#draw.prepare(weights, count)) return -1;
      let greatest = 0;
      for (let at = 0; at < count; at++) if (weights[at] > greatest) greatest = weights[at];
      const exponent = 1 / temperature - 1;
      for (let draw = 0; draw < MAX_REJECTIONS; draw++) {
        const position = this.#draw.at(this.#random.next());
        if (this.#random.next() < (weights[position] / greatest) ** exponent) return position;
      }
    }
    const powers = this.#ownWeights(count);
    toPower(weights, count, temperature, powers);
    return this.#draw.prepare(powers, count) ? this.#draw.at(this.#random.next()) : -1;
  }

  #ownWeights(count: number): Float64Array {
    if (this.#weights.length < count) this.#weights = new Float64Array(count);
    return this.#weights;
  }
}

function alteringOptions(options: CheckedSamplerOptions, penalties: RepetitionPenalties): readonly SamplerOption[] {
  const isOn: Partial<Record<SamplerOption, boolean>> = {
    repetitionPenalty: penalties.window > 0 && options.repetitionPenalty !== 1,
    presencePenalty: penalties.window > 0 && options.presencePenalty !== 0,
    frequencyPenalty: penalties.window > 0 && options.frequencyPenalty !== 0,
    dryMultiplier: options.dryMultiplier > 0,
    typicalP: options.typicalP < 1,
    xtcProbability: options.xtcProbability > 0,
    dynamicTemperatureRange: options.dynamicTemperatureRange > 0,
  };
  return namesOf(isOn);
}

function shapingOptions(options: CheckedSamplerOptions, altering: readonly SamplerOption[]): readonly SamplerOption[] {
  const isOn: Partial<Record<SamplerOption, boolean>> = {
    temperature: options.temperature !== 0 && options.temperature !== 1,
    topK: options.topK > 0,
    topP: options.topP < 1,
    minP: options.minP > 0,
    topNSigma: options.topNSigma > 0,
    mirostat: options.mirostat > 0,
  };
  return [...namesOf(isOn), ...altering];
}

function namesOf(isOn: Partial<Record<SamplerOption, boolean>>): readonly SamplerOption[] {
  return (Object.keys(isOn) as SamplerOption[]).filter((option) => isOn[option]);
}

/** The first of the greatest weights, or -1 where none is above 0. */
function greatestOf(weights: Float64Array, count: number): number {
  let best = -1;
  let greatest = 0;
  for (let at = 0; at < count; at++) {
    if (!(weights[at] > greatest)) continue;
    greatest = weights[at];
    best = at;
  }
  return best;
}
