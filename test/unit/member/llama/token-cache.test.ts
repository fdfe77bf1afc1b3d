/** The tokens that llama.cpp holds, after any sequence of holding, reading and failing in the middle. */
import { afterAll, describe, expect, it } from "vitest";
import { LlamaContext } from "../../../../src/llama/context.js";
import { loadLlama } from "../../../../src/llama/library.js";
import { LlamaModel } from "../../../../src/llama/model.js";
import { READ_AT_ONCE, TokenCache } from "../../../../src/member/llama/token-cache.js";
import { TokenList } from "../../../../src/member/llama/token-list.js";
import { nativeModel } from "../../../../src/native-models.js";
import { RandomGenerator } from "../../../../src/random.js";

const model = LlamaModel.load(loadLlama({ gpu: false }), nativeModel("wren").path);
const contexts: LlamaContext[] = [];
afterAll(() => {
  for (const context of contexts) context.free();
  model.free();
});

/** `patience`: how many batches may still begin before a decode is stopped. */
function cacheWith(batchSize: number): { cache: TokenCache; stop: { patience: number } } {
  const context = new LlamaContext(model, { contextSize: 128, batchSize, outputs: Math.min(READ_AT_ONCE, batchSize) });
  contexts.push(context);
  const stop = { patience: Number.POSITIVE_INFINITY };
  return { cache: new TokenCache(context, () => stop.patience-- > 0), stop };
}

const fresh = cacheWith(32).cache;

function logitsBehind(tokens: Int32Array): Float32Array {
  fresh.clear();
  fresh.hold(tokens);
  return fresh.context.logits().slice();
}

function expectClose(found: Float32Array, wanted: Float32Array): void {
  for (let id = 0; id < wanted.length; id += 7) expect(Math.abs(found[id] - wanted[id])).toBeLessThan(0.02);
}

describe.each([3, 32])("a cache in batches of %i", (batchSize) => {
  it("holds what it is told, decodes only what it lacks, and recovers from decodes that were stopped", () => {
    const { cache, stop } = cacheWith(batchSize);
    const random = new RandomGenerator(batchSize);
    const between = (low: number, high: number) => low + Math.floor(random.next() * (high - low + 1));
    let tokens = Int32Array.of(1);
    for (let round = 0; round < 60; round++) {
      const kept = between(1, tokens.length);
      const more = Array.from({ length: between(0, 12) }, () => between(10, 200));
      tokens = Int32Array.of(...tokens.slice(0, Math.min(kept, 80)), ...more);
      const shared = cache.shared(tokens);
      stop.patience = random.next() < 0.3 ? between(0, 2) : Number.POSITIVE_INFINITY;
      try {
        if (round % 2 === 0) {
          const isThere = cache.holds(tokens);
          const decoded = cache.hold(tokens);
          expect(decoded).toBe(tokens.length - Math.min(shared, tokens.length - 1));
          if (isThere) expect(decoded).toBe(1);
        } else {
          const first = between(0, tokens.length - 1);
          const seen: number[] = [];
          cache.read(tokens, first, (index, logits) => {
            seen.push(index);
            expectClose(logits, logitsBehind(tokens.subarray(0, index + 1)));
          });
          expect(seen).toEqual(Array.from({ length: tokens.length - first }, (_, place) => first + place));
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "aborted" });
        expect(cache.holds(tokens)).toBe(false);
        continue;
      }
      expect(cache.holds(tokens)).toBe(true);
      expectClose(cache.context.logits(), logitsBehind(tokens));
    }
  });

  it("reads on from logits that are there without going back", () => {
    const { cache } = cacheWith(batchSize);
    const tokens = Int32Array.from({ length: 12 }, (_, index) => 20 + index);
    cache.hold(tokens.subarray(0, 8));
    expect(cache.read(tokens, 7, () => {})).toBe(4);
    expect(cache.read(tokens, 11, () => {})).toBe(0);
    expect(cache.read(tokens, 9, () => {})).toBe(3);
  });
});

describe("a cache that follows a list", () => {
  it("compares what has changed, and no more", () => {
    const list = new TokenList();
    const context = new LlamaContext(model, { contextSize: 128, outputs: READ_AT_ONCE });
    contexts.push(context);
    const cache = new TokenCache(context, () => true, list);
    const random = new RandomGenerator(4);
    const between = (low: number, high: number) => low + Math.floor(random.next() * (high - low + 1));
    const change = () => {
      const ids = Array.from({ length: between(1, 3) }, () => between(10, 12));
      list.replaceFrom(Math.min(90, list.length - between(0, Math.min(3, list.length))), Int32Array.from(ids));
    };
    list.replaceFrom(
      0,
      Int32Array.from({ length: 60 }, () => between(10, 12)),
    );
    cache.hold(list.tokens);
    for (let round = 0; round < 60; round++) {
      change();
      if (round % 4 === 0) {
        list.aside(() => {
          change();
          cache.hold(list.tokens);
          change();
        });
      }
      let read = 0;
      const counted = new Proxy(list.tokens, {
        get(tokens, key) {
          if (typeof key === "string" && /^\d/.test(key)) read++;
          return Reflect.get(tokens, key, tokens);
        },
      });
      const shared = cache.shared(counted);
      expect(read).toBeLessThan(12);
      fresh.clear();
      fresh.hold(list.tokens);
      cache.hold(list.tokens);
      expect(shared).toBeLessThanOrEqual(list.length);
      expectClose(cache.context.logits(), fresh.context.logits());
    }
    expect(list.length).toBeGreaterThan(30);
  });
});
