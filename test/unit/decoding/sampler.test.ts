import { describe, expect, test } from "vitest";
import { Sampler } from "../../../src/decoding/sampler.js";
import type { SamplerOptions } from "../../../src/decoding/sampler-options.js";
import { RandomGenerator } from "../../../src/random.js";
import { distributionOf, randomProbabilities } from "./distributions.js";

/** The definition, written plainly: sort everything, cut three times, raise to 1/T. Entry → probability. */
function reference(p: ArrayLike<number>, options: SamplerOptions, recent: ReadonlySet<number>): Map<number, number> {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const q = Array.from(p, (value, entry) => (recent.has(entry) ? value ** repetitionPenalty : value));
  const total = q.reduce((a, b) => a + b, 0);
  let order = q.map((_, entry) => entry).filter((entry) => q[entry] > 0);
  order.sort((a, b) => q[b] - q[a] || a - b);
  if (temperature === 0) return new Map([[order[0], 1]]);
  const greatest = q[order[0]];
  let mass = total;
  if (topK > 0 && topK < q.length) {
    order = order.slice(0, topK);
    mass = order.reduce((sum, entry) => sum + q[entry], 0);
  }
  if (topP < 1) {
    let sum = 0;
    let kept = 0;
    while (kept < order.length && sum < topP * mass) sum += q[order[kept++]];
    order = order.slice(0, kept);
  }
  order = order.filter((entry) => q[entry] >= minP * greatest);
  order.sort((a, b) => a - b);
  const powers = order.map((entry) =>
    temperature === 1 ? q[entry] : Math.exp((Math.log(q[entry]) - Math.log(greatest)) / temperature),
  );
  const sum = powers.reduce((a, b) => a + b, 0);
  return new Map(order.map((entry, at) => [entry, powers[at] / sum]));
}

/** The entry where the running sum of the reference first exceeds u. */
function walk(probabilities: ReadonlyMap<number, number>, u: number): { entry: number; close: boolean } {
  let sum = 0;
  let close = false;
  for (const [entry, probability] of probabilities) {
    sum += probability;
    if (Math.abs(sum - u) < 1e-12) close = true;
    if (sum > u) return { entry, close };
  }
  return { entry: [...probabilities.keys()].at(-1)!, close };
}

const pick = <T>(random: RandomGenerator, values: readonly T[]): T => values[random.nextUint32() % values.length];

describe("sampler against sort-everything", () => {
  test("the same choices for thousands of random distributions and every combination of options", () => {
    const random = new RandomGenerator(1);
    let undecided = 0;
    for (let round = 0; round < 6000; round++) {
      const p = randomProbabilities(random, pick(random, [3, 40, 1000]));
      const options: SamplerOptions = {
        temperature: pick(random, [0, 0.3, 1, 1, 1.7]),
        topK: pick(random, [0, 0, 1, 5, 40, 5000]),
        topP: pick(random, [1, 1, 0.95, 0.5, 0.1, 1 - 1e-12]),
        minP: pick(random, [0, 0, 0.05, 0.5, 1e-9]),
        repetitionPenalty: pick(random, [1, 1, 1.3, 0.8]),
        seed: round,
      };
      const sampler = new Sampler(options);
      const uniform = new RandomGenerator(round);
      const recent = new Set<number>();
      const distribution = distributionOf(p, { spare: pick(random, [0, 3]) });
      for (let draw = 0; draw < 4; draw++) {
        const u = options.temperature === 0 ? 0 : uniform.next();
        const expected = walk(reference(p, options, recent), u);
        const entry = sampler.choose(distribution);
        if (expected.close) undecided++;
        else expect({ round, options, entry }).toEqual({ round, options, entry: expected.entry });
        recent.add(entry);
      }
    }
    expect(undecided).toBeLessThan(5);
  });

  test("penalties on logits, by how often a piece stands in the window, drawn from what is left", () => {
    const random = new RandomGenerator(9);
    let undecided = 0;
    for (let round = 0; round < 400; round++) {
      const p = randomProbabilities(random, 8);
      const end = pick(random, [-1, 0]);
      const [penalty, frequency, presence] = [
        pick(random, [1, 1.5, 0.7]),
        pick(random, [0, 0.8, -0.3]),
        pick(random, [0, 1.1, -0.4]),
      ];
      const window = pick(random, [2, 3, 64]);
      const logNormaliser = pick(random, [0, 2, 30]);
      const sampler = new Sampler({
        ...{ temperature: 1, repetitionPenalty: penalty, frequencyPenalty: frequency, presencePenalty: presence },
        ...{ repetitionWindow: window, seed: round },
      });
      const uniform = new RandomGenerator(round);
      const said: number[] = [];
      for (let draw = 0; draw < 8; draw++) {
        const weights = p.map((share, entry) => {
          const count = entry === end ? 0 : said.slice(-window).filter((other) => other === entry).length;
          if (count === 0 || share === 0) return share;
          const logit = Math.log(share) + logNormaliser;
          const scaled = logit > 0 ? logit / penalty : logit * penalty;
          return Math.exp(scaled - count * frequency - presence - logNormaliser);
        });
        const total = weights.reduce((a, b) => a + b, 0);
        const shares = new Map(Array.from(weights, (weight, entry) => [entry, weight / total] as const));
        const { entry: wanted, close } = walk(shares, uniform.next());
        const entry = sampler.choose(distributionOf(p, { endEntry: end }), logNormaliser);
        if (close) undecided++;
        else expect({ round, draw, entry }).toEqual({ round, draw, entry: wanted });
        // The end is no piece of text: nothing follows it.
        if (entry !== end) said.push(entry);
      }
    }
    expect(undecided).toBeLessThan(5);
  });

  test("large distributions, where only part of the entries is sorted", () => {
    const random = new RandomGenerator(2);
    for (let round = 0; round < 60; round++) {
      const p = randomProbabilities(random, 60_000);
      const options: SamplerOptions = {
        temperature: 1,
        topK: pick(random, [0, 40, 20_000]),
        topP: pick(random, [1, 0.95, 0.3, 0.999]),
        minP: pick(random, [0, 0.1]),
        seed: round,
      };
      const expected = walk(reference(p, options, new Set()), new RandomGenerator(round).next());
      const entry = new Sampler(options).choose(distributionOf(p));
      if (!expected.close) expect({ round, entry }).toEqual({ round, entry: expected.entry });
    }
  });

  test("few and many survivors are chosen with the temperature's probabilities", () => {
    // 3,000 entries take the rejection path at T < 1, 30 the direct one; the last entries are pooled for the χ² test.
    for (const [size, temperature] of [
      [30, 0.7],
      [3000, 0.7],
      [3000, 0.2],
      [3000, 0.02],
      [3000, 1],
      [3000, 1.5],
    ]) {
      const weights = Float64Array.from({ length: size }, (_, entry) => 1 / (1 + ((entry * 7) % size)) ** 1.2);
      const sum = weights.reduce((a, b) => a + b, 0);
      const p = weights.map((weight) => weight / sum);
      const expected = reference(p, { temperature }, new Set());
      const bin = (entry: number) => Math.min(19, (entry * 7) % size);
      const bins = new Float64Array(20);
      for (const [entry, probability] of expected) bins[bin(entry)] += probability;
      const counts = new Float64Array(20);
      const sampler = new Sampler({ temperature, seed: 5 });
      const distribution = distributionOf(p);
      const draws = 20_000;
      for (let draw = 0; draw < draws; draw++) counts[bin(sampler.choose(distribution))]++;
      let chiSquare = 0;
      for (let at = 0; at < 20; at++) {
        if (bins[at] * draws > 1) chiSquare += (counts[at] - bins[at] * draws) ** 2 / (bins[at] * draws);
      }
      expect(chiSquare, `size ${size}, T ${temperature}`).toBeLessThan(43.8); // χ²(19) at 0.001
    }
  });
});

describe("sampler", () => {
  test("greedy takes the method's best entry, or finds the lowest index among equals", () => {
    expect(new Sampler().choose(distributionOf([0.2, 0.4, 0.4], { best: 2 }))).toBe(2);
    expect(new Sampler().choose(distributionOf([0.2, 0.4, 0.4]))).toBe(1);
    expect(new Sampler().choose(distributionOf([0.2, 0.4, 0.4], { spare: 5 }))).toBe(1);
  });

  test("greedy looks past the method's best entry once a penalty applies", () => {
    const sampler = new Sampler({ repetitionPenalty: 3 });
    expect(sampler.greedy).toBe(false);
    const distribution = distributionOf([0.3, 0.5, 0.2], { best: 1 });
    expect([sampler.choose(distribution), sampler.choose(distribution)]).toEqual([1, 0]);
    expect(Array.from(distribution.probabilities)).toEqual([0.3, 0.5, 0.2]);
  });

  test("only plain greedy needs nothing but the best entry", () => {
    expect(new Sampler().greedy).toBe(true);
    expect(new Sampler({ repetitionPenalty: 1.2, repetitionWindow: 0 }).greedy).toBe(true);
    expect(new Sampler({ temperature: 0.5 }).greedy).toBe(false);
  });

  test("a penalty follows the bytes when the entries of the next step are others", () => {
    const sampler = new Sampler({ repetitionPenalty: 5 });
    expect(sampler.choose(distributionOf([0.6, 0.4], { keys: ["a", "b"] }))).toBe(0);
    expect(sampler.choose(distributionOf([0.1, 0.4, 0.5], { keys: ["c", "b", "a"] }))).toBe(1);
    expect(sampler.choose(distributionOf([0.45, 0.55], { keys: ["c", "d"] }))).toBe(1);
    expect(sampler.choose(distributionOf([0.4, 0.3, 0.2, 0.1], { keys: ["d", "a", "b", "c"] }))).toBe(3);
  });

  test("a choice leaves the window after so many others, however often it was made", () => {
    const sampler = new Sampler({ repetitionPenalty: 10, repetitionWindow: 2 });
    const forced = (entry: number) => distributionOf([0, 1, 2, 3].map((other) => (other === entry ? 1 : 0)));
    for (const entry of [0, 0, 1]) sampler.choose(forced(entry));
    expect(sampler.choose(distributionOf([0.5, 0, 0.3, 0.2]))).toBe(2); // 0 still stands in the window once
    expect(sampler.choose(distributionOf([0.5, 0, 0.3, 0.2]))).toBe(0); // 1 and 2 do now
  });

  test("the end is never penalised", () => {
    const sampler = new Sampler({ repetitionPenalty: 9 });
    const distribution = distributionOf([0.5, 0.5], { endEntry: 0 });
    expect([0, 1, 2].map(() => sampler.choose(distribution))).toEqual([0, 0, 0]);
  });

  test("penalties act on logits: a piece of the prompt loses its lead, however sure the distribution is", () => {
    // z = ln p + 20: a has 19.99, with the penalties 18.17 and 14.28; b has 15.39.
    const distribution = distributionOf([0.99, 0.01], { keys: ["a", "b"] });
    const choiceWith = (repetitionPenalty: number) => {
      const sampler = new Sampler({ repetitionPenalty });
      sampler.remember([Buffer.from("a")]);
      return sampler.choose(distribution, 20);
    };
    expect([1.1, 1.4].map(choiceWith)).toEqual([0, 1]);
  });

  test("XTC draws from the request's generator, mirostat's choices repeat with the seed", () => {
    const distribution = distributionOf([0.5, 0.3, 0.15, 0.05]);
    const choices = (options: SamplerOptions) => {
      const sampler = new Sampler({ seed: 4, temperature: 1, ...options });
      return Array.from({ length: 40 }, () => sampler.choose(distribution));
    };
    expect(choices({ xtcProbability: 1, xtcThreshold: 0.1 })).not.toContain(0);
    expect(choices({ xtcProbability: 0.5 })).toEqual(choices({ xtcProbability: 0.5 }));
    for (const mirostat of [1, 2] as const) expect(choices({ mirostat })).toEqual(choices({ mirostat }));
  });

  test("at temperature 0 the best of what is left is taken", () => {
    const distribution = distributionOf([0.5, 0.3, 0.15, 0.05], { best: 0 });
    expect(new Sampler({ xtcProbability: 1 }).choose(distribution)).toBe(2);
    expect(new Sampler({ xtcProbability: 1 }).greedy).toBe(false);
  });

  test("an option that removes nothing changes no choice", () => {
    const random = new RandomGenerator(3);
    const steps = Array.from({ length: 50 }, () => distributionOf(randomProbabilities(random, 500)));
    const choices = (options: SamplerOptions) => {
      const sampler = new Sampler({ temperature: 0.9, seed: 11, ...options });
      return steps.map((step) => sampler.choose(step));
    };
    const plain = choices({});
    for (const options of [
      { topK: 500 },
      { topK: 10_000 },
      { minP: 1e-300 },
      { repetitionPenalty: 2, repetitionWindow: 0 },
    ]) {
      expect(choices(options)).toEqual(plain);
    }
  });

  test("the same seed repeats the choices, and a drawn seed is reported", () => {
    const distribution = distributionOf(new Float64Array(200).fill(1 / 200));
    const first = new Sampler({ temperature: 1 });
    const again = new Sampler({ temperature: 1, seed: first.seed });
    const choices = (sampler: Sampler) => Array.from({ length: 20 }, () => sampler.choose(distribution));
    expect(choices(again)).toEqual(choices(first));
    expect(new Set(Array.from({ length: 8 }, () => new Sampler().seed)).size).toBeGreaterThan(1);
  });

  test("a distribution without anything to choose is an error", () => {
    for (const options of [{}, { temperature: 1 }, { temperature: 0.5, topK: 2 }, { temperature: 1, topP: 0.9 }]) {
      for (const p of [[], [0, 0, 0]]) {
        expect(() => new Sampler(options).choose(distributionOf(p))).toThrow(
          expect.objectContaining({ code: "invalid-logits", details: { size: p.length } }),
        );
      }
    }
    for (const options of [
      { temperature: 1 },
      { temperature: 0.5 },
      { temperature: 2, topK: 2 },
      { temperature: 1, topP: 0.5 },
    ]) {
      expect(() => new Sampler(options).choose(distributionOf([0.5, Number.NaN, 0.5]))).toThrow(
        expect.objectContaining({ code: "invalid-logits" }),
      );
    }
  });

  test("nothing that grows with the distribution is allocated once the arrays are there", () => {
    const p = new Float64Array(200_000).fill(1 / 200_000);
    const distribution = distributionOf(p);
    const sampler = new Sampler({ temperature: 0.8, topK: 50, topP: 0.9, minP: 0.01, repetitionPenalty: 1.1, seed: 1 });
    for (let warmUp = 0; warmUp < 2; warmUp++) sampler.choose(distribution); // the second one is the first penalised
    const before = process.memoryUsage().arrayBuffers;
    for (let draw = 0; draw < 20; draw++) sampler.choose(distribution);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(400_000);
  });
});

describe("sampler options", () => {
  test.each([
    ["temperature", -1, "a finite number >= 0"],
    ["temperature", Number.NaN, "a finite number >= 0"],
    ["temperature", Number.POSITIVE_INFINITY, "a finite number >= 0"],
    ["temperature", "0.7", "a finite number >= 0"],
    ["topK", 1.5, "an integer >= 0 (0 keeps all)"],
    ["topK", -1, "an integer >= 0 (0 keeps all)"],
    ["topP", 0, "a number above 0 and at most 1"],
    ["topP", 1.01, "a number above 0 and at most 1"],
    ["topP", Number.NaN, "a number above 0 and at most 1"],
    ["minP", 1, "a number at least 0 and below 1"],
    ["minP", -0.1, "a number at least 0 and below 1"],
    ["repetitionPenalty", 0, "a finite number above 0"],
    ["repetitionWindow", 2.5, "an integer >= 0"],
    ["seed", -1, "an integer from 0 to 9007199254740991"],
    ["seed", 2 ** 53, "an integer from 0 to 9007199254740991"],
    ["seed", null, "an integer from 0 to 9007199254740991"],
  ])("%s = %s is refused", (option, found, allowed) => {
    expect(() => new Sampler({ [option]: found } as SamplerOptions)).toThrow(
      expect.objectContaining({ code: "invalid-option", details: { option, found, allowed } }),
    );
  });

  test.each([
    [{ dryBase: 2 }, "dryBase does nothing without dryMultiplier above 0"],
    [{ xtcThreshold: 0.2 }, "xtcThreshold does nothing without xtcProbability above 0"],
    [{ mirostatTau: 3, temperature: 1 }, "mirostatTau does nothing without mirostat 1 or 2"],
    [{ mirostat: 2 }, "mirostat does nothing without a temperature above 0"],
    [{ mirostat: 2, temperature: 1, topK: 5 }, "topK does nothing with mirostat"],
  ] as [SamplerOptions, string][])("%j is refused, which does nothing", (options, message) => {
    expect(() => new Sampler(options)).toThrow(message);
  });

  test("checked options pass the check again", () => {
    const { options } = new Sampler({ temperature: 1, topK: 3 });
    expect(new Sampler(options).options).toEqual(options);
  });

  test("the message names the option, the value and what is allowed", () => {
    expect(() => new Sampler({ topP: 2 })).toThrow("topP must be a number above 0 and at most 1; found 2.");
  });

  test("the ends of the allowed ranges are accepted", () => {
    const options = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, repetitionWindow: 0, seed: 0 };
    expect(new Sampler(options).options).toMatchObject(options);
    expect(new Sampler({ topP: 5e-324, seed: Number.MAX_SAFE_INTEGER }).seed).toBe(Number.MAX_SAFE_INTEGER);
  });
});
