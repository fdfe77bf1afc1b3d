/**
 * The sampler: chooses one entry of a fused distribution p over entries 0 … size − 1.
 *
 * In the order of llama.cpp's default chain:
 * 1. repetition penalty: q_i = p_i^penalty for entries chosen within the window, else p_i (see repetition.ts);
 * 2. top-k, 3. top-p, 4. min-p: only a prefix of the entries, most probable first, survives (see survivors.ts);
 * 5. temperature T: entry i is chosen with probability q_i^(1/T) / Σ q_j^(1/T), the sums over the survivors.
 * T = 0 takes the greatest q_i, the lowest index among equals, whatever the other options are.
 *
 * The choice walks the surviving entries in ascending order up to a uniform random share of their weight, so an
 * option that removes nothing changes nothing. For 0 < T < 1 and many survivors it does without a power for each of
 * them: an entry is drawn by q and accepted with probability (q_i / max q)^(1/T − 1), which is the same distribution
 * (rejection sampling); after MAX_REJECTIONS draws the powers are computed after all.
 *
 * Nothing that grows with the distribution is allocated per call; the arrays are kept from one call to the next.
 */
import type { FusedDistribution } from "../during/method.js";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator, randomSeed } from "../random.js";
import { RepetitionPenalty } from "./repetition.js";
import { type CheckedSamplerOptions, checkSamplerOptions, type SamplerOptions } from "./sampler-options.js";
import { Survivors } from "./survivors.js";
import { WeightedDraw } from "./weighted-draw.js";

/** From this many survivors on, a few draws and as many powers cost less than a power for each survivor. */
const MANY_SURVIVORS = 1024;

/** A draw costs about 2 µs and a power 30 ns: at 300,000 entries the powers cost as much as thousands of draws. */
const MAX_REJECTIONS = 256;

export class Sampler {
  readonly options: CheckedSamplerOptions;
  /** The seed in use, given or drawn; reported with the result so that a run can be repeated. */
  readonly seed: number;
  readonly #random: RandomGenerator;
  readonly #repetition: RepetitionPenalty;
  readonly #survivors: Survivors;
  readonly #draw = new WeightedDraw();
  #weights = new Float64Array(0);

  /** Errors: invalid-option. */
  constructor(options: SamplerOptions = {}) {
    this.options = checkSamplerOptions(options);
    this.seed = this.options.seed ?? randomSeed();
    this.#random = new RandomGenerator(this.seed);
    this.#repetition = new RepetitionPenalty(this.options.repetitionPenalty, this.options.repetitionWindow);
    this.#survivors = new Survivors(this.options);
  }

  /** Whether the most probable entry of a distribution is all it ever needs (MethodContext.greedy). */
  get greedy(): boolean {
    return this.options.temperature === 0 && !this.#repetition.active;
  }

  /** Uniform in [0, 1), from the generator that the choices draw from. */
  random(): number {
    return this.#random.next();
  }

  /** The chosen entry, which the repetition window remembers. Errors: invalid-logits if nothing can be chosen. */
  choose(distribution: FusedDistribution): number {
    const entry = this.#choose(distribution, this.#repetition.find(distribution));
    this.#repetition.record(distribution, entry);
    return entry;
  }

  /** An entry chosen in the same way, to which repetition is nothing. Errors: invalid-logits. */
  draw(distribution: FusedDistribution): number {
    return this.#choose(distribution, []);
  }

  #choose(distribution: FusedDistribution, hits: readonly number[]): number {
    const entry =
      this.options.temperature === 0 ? this.#greatest(distribution, hits) : this.#sample(distribution, hits);
    if (entry < 0) {
      throw new LlamafuseError(
        "invalid-logits",
        `The fused distribution of ${distribution.size} entries has none that can be chosen: its probabilities are ` +
          "all zero, or one is not a number. Run with a trace to see which member reports them.",
        { size: distribution.size },
      );
    }
    return entry;
  }

  #greatest(distribution: FusedDistribution, hits: readonly number[]): number {
    if (hits.length === 0 && distribution.best >= 0) return distribution.best;
    const weights = this.#repetition.apply(distribution, hits);
    let best = -1;
    let greatest = 0;
    for (let entry = 0; entry < distribution.size; entry++) {
      if (weights[entry] > greatest) {
        greatest = weights[entry];
        best = entry;
      }
    }
    return best;
  }

  #sample(distribution: FusedDistribution, hits: readonly number[]): number {
    const weights = this.#repetition.apply(distribution, hits);
    const { temperature } = this.options;
    if (!this.#survivors.active) return this.#drawAt(weights, distribution.size, temperature);
    const count = this.#survivors.select(weights, distribution.size);
    const own = this.#ownWeights(count);
    for (let at = 0; at < count; at++) own[at] = weights[this.#survivors.entries[at]];
    const position = this.#drawAt(own, count, temperature);
    return position < 0 ? -1 : this.#survivors.entries[position];
  }

  /** A position below `count`, by weight^(1/temperature); -1 if the weights have no sum. */
  #drawAt(weights: Float64Array, count: number, temperature: number): number {
    if (temperature === 1) return this.#draw.prepare(weights, count) ? this.#draw.at(this.#random.next()) : -1;
    let greatest = 0;
    for (let at = 0; at < count; at++) if (weights[at] > greatest) greatest = weights[at];
    if (temperature < 1 && count > MANY_SURVIVORS) {
      if (!this.#draw.prepare(weights, count)) return -1;
      const exponent = 1 / temperature - 1;
      for (let draw = 0; draw < MAX_REJECTIONS; draw++) {
        const position = this.#draw.at(this.#random.next());
        if (this.#random.next() < (weights[position] / greatest) ** exponent) return position;
      }
    }
    const powers = this.#ownWeights(count);
    const logGreatest = Math.log(greatest);
    for (let at = 0; at < count; at++) {
      powers[at] = weights[at] === 0 ? 0 : Math.exp((Math.log(weights[at]) - logGreatest) / temperature);
    }
    return this.#draw.prepare(powers, count) ? this.#draw.at(this.#random.next()) : -1;
  }

  #ownWeights(count: number): Float64Array {
    if (this.#weights.length < count) this.#weights = new Float64Array(count);
    return this.#weights;
  }
}
