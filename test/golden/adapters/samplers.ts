import { readFileSync } from "node:fs";
import { checkSamplerOptions, type SamplerOptions } from "../../../src/decoding/sampler-options.js";
import type { Cut } from "../../../src/decoding/sampling/cuts.js";
import { Dry } from "../../../src/decoding/sampling/dry.js";
import { History } from "../../../src/decoding/sampling/history.js";
import { Mirostat } from "../../../src/decoding/sampling/mirostat.js";
import { Penalised, RepetitionPenalties } from "../../../src/decoding/sampling/penalties.js";
import { dynamicTemperature, toPower } from "../../../src/decoding/sampling/temperature.js";
import { TopNSigma } from "../../../src/decoding/sampling/top-n-sigma.js";
import { Typical } from "../../../src/decoding/sampling/typical.js";
import { Xtc } from "../../../src/decoding/sampling/xtc.js";
import { Survivors } from "../../../src/decoding/survivors.js";
import type { GoldenAdapter } from "../adapter.js";

interface Kind {
  kind: string;
  [option: string]: unknown;
}

interface Input {
  samplers: Kind[];
  /** The last tokens, oldest first; after `resetAfter` of them the samplers forget. */
  history?: number[];
  resetAfter?: number;
  logits: (number | "-Infinity")[];
  /** Default: 0, 1, … */
  ids?: number[];
  /** Instead of logits: one mirostat over several steps, and what llama.cpp drew at each. */
  steps?: number[][];
  chosen?: number[];
}

/** Vocabulary file of `../models` → token id → bytes (latin 1), as the tokenizer of this project reads that file. */
const vocabularies = JSON.parse(
  readFileSync(new URL("../vocabularies/samplers.json", import.meta.url), "utf8"),
) as Record<string, string[]>;

export const samplers: GoldenAdapter = {
  method: "samplers",
  tolerance: 1e-5,
  run(input: Input) {
    if (input.steps !== undefined) return mirostat(input as Required<Input>);
    const chain = new GoldenChain(input);
    for (const sampler of input.samplers) chain.apply(sampler);
    return chain;
  },
};

/** The stages of this project's sampler, in the order of the case; getters, because files list some fields only. */
class GoldenChain {
  #weights: Float64Array;
  #entries: number[];
  /** What logits are beyond the logarithms of their weights. */
  #logNormaliser: number;
  readonly #ids: readonly number[];
  readonly #bytesOf: (id: number) => Buffer;
  readonly #past: readonly number[];
  /** Right behind penalties: logits that may be too small for a weight. */
  #logitOf: ((at: number) => number) | undefined;

  constructor({ logits, ids, history = [], resetAfter = 0, samplers: kinds }: Input) {
    const values = logits.map(Number);
    const greatest = Math.max(...values);
    this.#logNormaliser = greatest + Math.log(values.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
    this.#weights = Float64Array.from(values, (logit) => Math.exp(logit - this.#logNormaliser));
    this.#ids = ids ?? values.map((_, id) => id);
    this.#entries = values.map((_, entry) => entry);
    const vocab = kinds.find(({ kind }) => kind === "dry")?.vocab as string | undefined;
    const tokens = vocabularies[vocab ?? ""] ?? [];
    // There, tokens differ by id; here, pieces differ by bytes. Of several with the same bytes, the last is no byte token.
    const isOwn = (id: number) => tokens.lastIndexOf(tokens[id]) === id;
    this.#bytesOf = (id) => Buffer.from(vocab !== undefined && isOwn(id) ? tokens[id] : `token ${id},`, "latin1");
    this.#past = history.slice(resetAfter);
  }

  apply({ kind, ...given }: Kind): void {
    const o = given as Record<string, number>;
    switch (kind) {
      case "penalties":
        this.#penalise({
          repetitionPenalty: o.repeat,
          presencePenalty: o.presence,
          frequencyPenalty: o.frequency,
          repetitionWindow: o.lastN,
        });
        break;
      case "dry":
        this.#penalise({
          dryMultiplier: o.multiplier,
          ...(o.multiplier > 0 && {
            dryBase: o.base,
            dryAllowedLength: o.allowedLength,
            dryWindow: o.lastN,
            dryBreakers: given.breakers as string[],
          }),
        });
        break;
      case "top-k":
        this.#cut(o.k > 0 && new Survivors({ topK: o.k }));
        break;
      case "top-p":
        this.#cut(o.p < 1 && new Survivors({ topP: o.p, minKeep: o.minKeep }));
        break;
      case "min-p":
        this.#cut(o.p > 0 && new Survivors({ minP: o.p, minKeep: o.minKeep }));
        break;
      case "typical":
        this.#cut(o.p < 1 && new Typical(o.p, o.minKeep));
        break;
      case "top-n-sigma":
        this.#cut(o.n > 0 && new TopNSigma(o.n));
        break;
      case "xtc":
        this.#cut(
          o.probability > 0 &&
            new Xtc(o.threshold, { probability: o.probability, minKeep: o.minKeep, random: () => Number.NaN }),
        );
        break;
      case "temperature":
        this.#heat(o.temperature);
        break;
      case "dynamic-temperature": {
        const { temperature, range, exponent } = o;
        this.#heat(dynamicTemperature(this.#weights, this.#weights.length, { temperature, range, exponent }));
        break;
      }
      case "greedy":
        this.#heat(0);
        break;
      default:
        throw new Error(`no sampler "${kind}" in this project`);
    }
  }

  get selected(): number {
    return this.ids[0];
  }

  get ids(): number[] {
    return this.#order().map((at) => this.#ids[this.#entries[at]]);
  }

  get logits(): number[] {
    return this.#order().map((at) => this.#logitOf?.(at) ?? Math.log(this.#weights[at]) + this.#logNormaliser);
  }

  get probs(): number[] {
    const sum = this.#weights.reduce((total, weight) => total + weight, 0);
    return this.#order().map((at) => this.#weights[at] / sum);
  }

  #order(): number[] {
    const places = this.#entries.map((_, at) => at).filter((at) => this.#weights[at] > 0);
    return places.sort((a, b) => this.#weights[b] - this.#weights[a] || a - b);
  }

  #penalise(options: SamplerOptions): void {
    const checked = checkSamplerOptions(options);
    const penalties = new RepetitionPenalties(checked);
    const dry = new Dry(checked);
    const history = new History(Math.max(penalties.window, dry.window));
    for (const id of this.#past) history.add(this.#bytesOf(id));
    const distribution = {
      size: this.#weights.length,
      probabilities: this.#weights,
      endEntry: -1,
      best: -1,
      bytesOf: (at: number) => this.#bytesOf(this.#ids[this.#entries[at]]),
    };
    const penalised = new Penalised();
    penalised.take(distribution, this.#logNormaliser);
    penalties.apply(distribution, history, penalised);
    dry.apply(distribution, history, penalised);
    this.#weights = Float64Array.from(penalised.weights());
    this.#logitOf = (at) => penalised.logitOf(at);
  }

  #cut(cut: Cut | false): void {
    if (cut === false) return;
    this.#logitOf = undefined;
    const count = cut.select(this.#weights, this.#weights.length);
    const kept = Array.from(cut.entries.subarray(0, count));
    this.#entries = kept.map((at) => this.#entries[at]);
    this.#weights = Float64Array.from(kept, (at) => this.#weights[at]);
  }

  #heat(temperature: number): void {
    this.#logitOf = undefined;
    const greatest = Math.max(...this.#weights);
    const logGreatest = Math.log(greatest) + this.#logNormaliser;
    toPower(this.#weights, this.#weights.length, temperature, this.#weights);
    this.#logNormaliser = temperature === 0 ? logGreatest : logGreatest / temperature;
  }
}

function mirostat({ samplers: [{ tau, eta }], steps, chosen }: Required<Input>) {
  const sampler = new Mirostat(2, tau as number, eta as number);
  return {
    steps: steps.map((logits, step) => {
      const weights = Float64Array.from(logits, (logit) => Math.exp(logit));
      const count = sampler.select(weights, weights.length);
      const kept = Array.from(sampler.entries.subarray(0, count));
      kept.sort((a, b) => weights[b] - weights[a] || a - b);
      const sum = kept.reduce((total, id) => total + weights[id], 0);
      sampler.observe(weights[chosen[step]] / sum);
      return { ids: kept, probs: kept.map((id) => weights[id] / sum) };
    }),
  };
}
