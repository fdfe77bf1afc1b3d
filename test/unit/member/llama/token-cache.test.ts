/** The tokens that llama.cpp holds, after any sequence of holding, reading and failing in the middle. */
import { afterAll, describe, expect, it } from "vitest";
import { RECURRENT_ARCHITECTURES, writeTinyRecurrent } from "../../../../scripts/lib/tiny-recurrent.js";
import { LlamaContext } from "../../../../src/llama/context.js";
import { loadLlama } from "../../../../src/llama/library.js";
import { LlamaModel } from "../../../../src/llama/model.js";
import { mostCheckpoints } from "../../../../src/member/llama/checkpoints.js";
import { READ_AT_ONCE, TokenCache } from "../../../../src/member/llama/token-cache.js";
import { TokenList } from "../../../../src/member/llama/token-list.js";
import { nativeModel } from "../../../../src/native-models.js";
import { RandomGenerator } from "../../../../src/random.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";

const at = temporaryFolder();
const llama = loadLlama({ gpu: false });
const MODELS = new Map([
  ["attention", LlamaModel.load(llama, nativeModel("wren").path)],
  ...RECURRENT_ARCHITECTURES.map((architecture) => {
    const file = writeTinyRecurrent(at(`${architecture}.gguf`), { architecture });
    return [architecture, LlamaModel.load(llama, file)] as const;
  }),
]);
const contexts: LlamaContext[] = [];
afterAll(() => {
  for (const context of contexts) context.free();
  for (const model of MODELS.values()) model.free();
});

/** `patience`: how many batches may still begin before a decode is stopped. */
function cacheWith(model: LlamaModel, batchSize: number): { cache: TokenCache; stop: { patience: number } } {
  const context = new LlamaContext(model, { contextSize: 128, batchSize, outputs: Math.min(READ_AT_ONCE, batchSize) });
  contexts.push(context);
  const stop = { patience: Number.POSITIVE_INFINITY };
  return { cache: new TokenCache(context, () => stop.patience-- > 0), stop };
}

function logitsBehind(fresh: TokenCache, tokens: Int32Array): Float32Array {
  fresh.clear();
  fresh.hold(tokens);
  return fresh.logits.slice();
}

function expectClose(found: Float32Array, wanted: Float32Array): void {
  for (let id = 0; id < wanted.length; id += 7) expect(Math.abs(found[id] - wanted[id])).toBeLessThan(0.02);
}

const CASES = [...MODELS].flatMap(([name, model]) => [3, 32].map((batchSize) => ({ name, model, batchSize })));

describe.each(CASES)("a cache of $name in batches of $batchSize", ({ model, batchSize }) => {
  const fresh = cacheWith(model, 32).cache;

  it("holds what it is told, decodes only what it lacks, and recovers from decodes that were stopped", () => {
    const { cache, stop } = cacheWith(model, batchSize);
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
          const least = tokens.length - Math.min(shared, tokens.length - 1);
          // Nothing, where the logits behind them are at hand.
          if (model.canRollBack) expect([0, least]).toContain(decoded);
          else if (decoded > 0) expect(decoded).toBeGreaterThanOrEqual(least);
          if (isThere) expect(decoded).toBe(0);
        } else {
          const first = between(0, tokens.length - 1);
          const seen: number[] = [];
          cache.read(tokens, first, (index, logits) => {
            seen.push(index);
            expectClose(logits, logitsBehind(fresh, tokens.subarray(0, index + 1)));
          });
          expect(seen).toEqual(Array.from({ length: tokens.length - first }, (_, place) => first + place));
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "aborted" });
        expect(cache.holds(tokens)).toBe(false);
        continue;
      }
      expect(cache.holds(tokens)).toBe(true);
      expectClose(cache.logits, logitsBehind(fresh, tokens));
      if (round % 3 > 0) cache.mark({ stays: round % 5 === 0 });
    }
  });

  it("reads on from logits that are there without going back", () => {
    const { cache } = cacheWith(model, batchSize);
    const tokens = Int32Array.from({ length: 12 }, (_, index) => 20 + index);
    cache.hold(tokens.subarray(0, 8));
    expect(cache.read(tokens, 7, () => {})).toBe(4);
    expect(cache.read(tokens, 11, () => {})).toBe(0);
    // The outputs of the last batch are still there.
    const again = model.canRollBack ? 3 : 12;
    expect(cache.read(tokens, 9, () => {})).toBe(batchSize > 3 ? 0 : again);
  });
});

describe.each(RECURRENT_ARCHITECTURES)("a cache of %s, which cannot drop tokens", (architecture) => {
  const model = MODELS.get(architecture)!;
  const tokens = Int32Array.from({ length: 100 }, (_, index) => 20 + ((index * 37) % 200));

  /** Read one by one, and marked. */
  function stepwise() {
    const { cache } = cacheWith(model, 32);
    cache.hold(tokens.subarray(0, 40));
    cache.mark({ stays: true });
    const logits = new Map([[40, cache.logits.slice()]]);
    for (let length = 41; length <= tokens.length; length++) {
      cache.hold(tokens.subarray(0, length));
      logits.set(length, cache.logits.slice());
      cache.mark();
    }
    return { cache, logits };
  }

  it("goes back to where it was, bit for bit, and reads on from there as it did", () => {
    const { cache, logits } = stepwise();
    for (const length of [99, 97, 90, 40]) {
      const decoded = cache.hold(tokens.subarray(0, length));
      if (length === 99 || length === 40) expect(decoded).toBe(0);
      if (decoded <= 1) expect(cache.logits).toEqual(logits.get(length));
      else expectClose(cache.logits, logits.get(length)!);
    }
    // One by one from the prompt's end, as before: the state is the very same.
    for (const length of [41, 42, 43]) {
      expect(cache.hold(tokens.subarray(0, length))).toBe(1);
      expect(cache.logits).toEqual(logits.get(length));
    }
  });

  it("reads again a small multiple of what is taken back, and never the prompt", () => {
    for (const back of [0, 1, 2, 3, 5, 8, 20, 59]) {
      const { cache } = stepwise();
      const decoded = cache.hold(Int32Array.of(...tokens.subarray(0, 100 - back), 7));
      expect(decoded).toBeLessThanOrEqual(1 + Math.ceil(back / 3));
    }
  });
});

describe("places to go back to", () => {
  it("are as many as fit the memory, and two at least", () => {
    expect(mostCheckpoints(1000)).toBe(24);
    expect(mostCheckpoints(50 * 1024 * 1024)).toBe(5);
    expect(mostCheckpoints(1024 * 1024 * 1024)).toBe(2);
  });
});

describe("a cache that follows a list", () => {
  it("compares what has changed, and no more", () => {
    const list = new TokenList();
    const model = MODELS.get("attention")!;
    const fresh = cacheWith(model, 32).cache;
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
      cache.hold(list.tokens);
      expect(shared).toBeLessThanOrEqual(list.length);
      expectClose(cache.logits, logitsBehind(fresh, list.tokens));
    }
    expect(list.length).toBeGreaterThan(30);
  });
});
