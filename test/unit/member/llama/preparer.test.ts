import { beforeEach, describe, expect, it } from "vitest";
import { type Kernels, loadKernels } from "../../../../src/kernels/kernels.js";
import { Preparer } from "../../../../src/member/llama/preparer.js";
import { MAX_TOP } from "../../../../src/member/offers.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../../src/vocabulary/vocabulary.js";
import { generator } from "../../../vocabularies/random-texts.js";

const { text, control, end, unused } = TokenClass;

function vocabularyOf(classes: readonly TokenClass[]): Vocabulary {
  return makeVocabulary(
    classes.map((tokenClass, id) => ({ bytes: Buffer.from(tokenClass === text ? `t${id}` : ""), class: tokenClass })),
  );
}

describe("what a worker prepares from its logits", () => {
  let kernels: Kernels;
  beforeEach(() => {
    kernels = loadKernels();
  });

  it("gives normaliser, pooled end and top tokens, control and unused ones passed over but counted in the normaliser", () => {
    const vocabulary = vocabularyOf([control, text, end, text, unused, end, text]);
    const preparer = new Preparer("a", vocabulary, kernels);
    const regions = preparer.configure({ top: 4 });
    const logits = Float32Array.of(9, 1, 2, 3, 8, 2, 3);
    preparer.run(logits);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    expect(preparer.logNormaliser).toBeCloseTo(Math.log(sum), 7);
    expect(preparer.endLogProb).toBeCloseTo(Math.log((2 * Math.exp(2)) / sum), 7);
    expect(preparer.topCount).toBe(4);
    expect(Array.from(kernels.shared.int32(regions.topIds, 4))).toEqual([3, 6, 2, 5]);
    expect(Array.from(kernels.shared.float32(regions.topLogits, 4))).toEqual([3, 3, 2, 2]);
    expect(Array.from(kernels.shared.float32(preparer.logits, 7))).toEqual(Array.from(logits));
  });

  it("finds enough text tokens however many control tokens stand before them, and takes no more memory each time", () => {
    const size = 3000;
    const vocabulary = vocabularyOf(Array.from({ length: size }, (_, id) => (id < 500 ? control : text)));
    const preparer = new Preparer("a", vocabulary, kernels);
    const logits = Float32Array.from({ length: size }, (_, id) => -id);
    let used = 0;
    for (let round = 0; round < 50; round++) {
      const regions = preparer.configure({ top: round % 2 === 0 ? 10 : 20 });
      preparer.run(logits);
      expect(preparer.topCount).toBe(regions.top);
      expect(kernels.shared.int32(regions.topIds, 10)).toEqual(
        Int32Array.from({ length: 10 }, (_, rank) => 500 + rank),
      );
      if (round === 4) used = kernels.shared.used;
    }
    expect(kernels.shared.used).toBe(used);
  });

  it("gives what there is where fewer can be chosen than are asked for", () => {
    const vocabulary = vocabularyOf([control, text, end]);
    const preparer = new Preparer("a", vocabulary, kernels);
    expect(preparer.configure({ top: 5 * MAX_TOP }).top).toBe(3);
    preparer.run(Float32Array.of(1, 2, 3));
    expect(preparer.topCount).toBe(2);
    preparer.configure({ top: 0 });
    preparer.run(Float32Array.of(1, 2, Number.NEGATIVE_INFINITY));
    expect([preparer.topCount, preparer.endLogProb]).toEqual([0, Number.NEGATIVE_INFINITY]);
  });

  it("sums probabilities into a shared space", () => {
    const random = generator(2);
    const size = 1001;
    const vocabulary = vocabularyOf(Array.from({ length: size }, () => text));
    const preparer = new Preparer("a", vocabulary, kernels);
    const map = Int32Array.from({ length: size }, (_, id) => (id % 7) - 1);
    const regions = preparer.configure({ top: 0, projection: { map, size: 6 } });
    const logits = Float32Array.from({ length: size }, () => random() * 20 - 10);
    preparer.run(logits);
    const found = kernels.shared.float64(regions.projection, 6);
    for (let entry = 0; entry < 6; entry++) {
      const ids = Array.from(map.keys()).filter((id) => map[id] === entry);
      const expected = ids.reduce((sum, id) => sum + Math.exp(logits[id] - preparer.logNormaliser), 0);
      expect(found[entry]).toBeCloseTo(expected, 12);
    }
  });

  it.each([
    ["NaN", [1, Number.NaN, 3]],
    ["Infinity", [1, Number.POSITIVE_INFINITY, 3]],
    ["-Infinity", [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ])("refuses %s logits and names the member", (found, logits) => {
    const preparer = new Preparer("broken", vocabularyOf([text, text, end]), kernels);
    preparer.configure({ top: 1 });
    expect(() => preparer.run(Float32Array.from(logits))).toThrowError(
      expect.objectContaining({
        code: "invalid-logits",
        message: expect.stringContaining('"broken"'),
        details: { member: "broken", found },
      }),
    );
  });

  it("refuses a projection of another vocabulary", () => {
    const preparer = new Preparer("a", vocabularyOf([text, text, end]), kernels);
    const projection = { map: new Int32Array(2), size: 2 };
    expect(() => preparer.configure({ top: 0, projection })).toThrowError(
      expect.objectContaining({ code: "invalid-option", details: { member: "a", found: 2, allowed: 3 } }),
    );
  });
});
