import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import {
  allocateFloats,
  dequantise,
  freeFloats,
  ggmlMath,
  Multiplier,
  viewFloats,
} from "../../../src/llama/ggml-math.js";
import { GGML_TYPES, ggmlTypeNamed } from "../../../src/llama/gguf/ggml-types.js";
import { loadLlama } from "../../../src/llama/library.js";
import { RandomGenerator } from "../../../src/random.js";
import { quantiserOf } from "../../support/quantise.js";
import { refusal } from "../../support/refusal.js";

const llama = loadLlama({ gpu: false });
const math = ggmlMath(llama.files);
const random = new RandomGenerator(5);
const COUNT = 512;
const numbers = Float32Array.from({ length: COUNT }, () => drawNormal(random));

const quantise = quantiserOf(llama.files.ggml);

/** The most that a root mean square may be off, as a share of the numbers' own. */
const COARSENESS: Record<string, number> = {
  F16: 1e-3,
  BF16: 5e-3,
  Q8_0: 0.01,
  Q6_K: 0.03,
  Q5_0: 0.06,
  Q5_1: 0.06,
  Q5_K: 0.05,
  Q4_0: 0.12,
  Q4_1: 0.1,
  Q4_K: 0.1,
  IQ4_NL: 0.1,
  IQ4_XS: 0.1,
  Q3_K: 0.2,
  IQ3_S: 0.2,
  IQ3_XXS: 0.25,
  Q2_K: 0.35,
  IQ2_S: 0.35,
  IQ2_XS: 0.4,
  IQ2_XXS: 0.45,
};

describe("reading rows of a number format", () => {
  it("reads float32 as it is", () => {
    expect(dequantise(math, 0, new Uint8Array(numbers.buffer), COUNT)).toEqual(numbers);
  });

  it.each(Object.entries(COARSENESS))("reads %s", (name, coarseness) => {
    const type = ggmlTypeNamed(name)!;
    const bytes = new Uint8Array((COUNT / type.blockElements) * type.blockBytes);
    const written = quantise(type.id, numbers, bytes, 0, 1, COUNT, new Float32Array(COUNT).fill(1));
    expect(written).toBe(bytes.length);
    const read = dequantise(math, type.id, bytes, COUNT);
    let off = 0;
    let all = 0;
    for (let j = 0; j < COUNT; j++) {
      off += (read[j] - numbers[j]) ** 2;
      all += numbers[j] ** 2;
    }
    expect(Math.sqrt(off / all)).toBeLessThan(coarseness);
    expect(Math.sqrt(off / all)).toBeGreaterThan(0);
  });

  it("reads Q8_0 and Q4_0 as their definitions say", () => {
    // A block: a half-precision scale (0.5 is 0x3800), then 32 signed bytes; or 16 bytes of two nibbles, less 8.
    const bytes = Uint8Array.from({ length: 34 }, (_, at) => (at === 0 ? 0 : at === 1 ? 0x38 : at * 7));
    const eights = dequantise(math, ggmlTypeNamed("Q8_0")!.id, bytes, 32);
    expect([...eights]).toEqual([...new Int8Array(bytes.buffer, 2)].map((value) => value / 2));
    const fours = dequantise(math, ggmlTypeNamed("Q4_0")!.id, bytes.subarray(0, 18), 32);
    const nibbles = [...bytes.subarray(2, 18)];
    expect([...fours]).toEqual(
      [...nibbles.map((byte) => byte & 15), ...nibbles.map((byte) => byte >> 4)].map((value) => (value - 8) / 2),
    );
  });

  it("refuses a format that holds no numbers", async () => {
    const integers = [...GGML_TYPES.values()].find(({ name }) => name === "I32")!;
    const error = await refusal(() => dequantise(math, integers.id, new Uint8Array(4), 1));
    expect(error.code).toBe("unsupported-model");
  });
});

describe("matrix products", () => {
  it("are those of the definition, for any number of rows, with one and with two threads", () => {
    const [n, width, capacity] = [37, 64, 9];
    const a = allocateFloats(n * width);
    const rows = viewFloats(a);
    for (let at = 0; at < rows.length; at++) rows[at] = drawNormal(random);
    for (const threads of [1, 2]) {
      const multiplier = new Multiplier(math, a, width, capacity, threads);
      for (let at = 0; at < multiplier.input.length; at++) multiplier.input[at] = drawNormal(random);
      for (const count of [1, 4, capacity]) {
        multiplier.multiply(count);
        for (let i = 0; i < count; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let k = 0; k < width; k++) sum += multiplier.input[i * width + k] * rows[j * width + k];
            expect(Math.abs(multiplier.output[i * n + j] - sum)).toBeLessThan(1e-4);
          }
        }
      }
      multiplier.free();
    }
    freeFloats(a);
  });
});
