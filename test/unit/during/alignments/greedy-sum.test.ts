import { describe, expect, test } from "vitest";
import { GreedySum, LISTED } from "../../../../src/during/alignments/union/greedy-sum.js";
import { combine, textProbability } from "../../../../src/during/combine.js";
import { ScriptedMember } from "../../../../src/member/scripted/scripted-member.js";
import { unionOf } from "../../../../src/vocabulary/union-dictionary.js";
import { makeVocabulary, TokenClass } from "../../../../src/vocabulary/vocabulary.js";

/** A small generator, so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Tokens of random short strings over a few letters: shared between members, and now and then twice in one. */
function randomVocabulary(random: () => number, size: number) {
  return makeVocabulary(
    Array.from({ length: size }, (_, id) => {
      if (id < 2) return { bytes: new Uint8Array(), class: TokenClass.end };
      if (id < 6) return { bytes: new Uint8Array(), class: id < 4 ? TokenClass.control : TokenClass.unused };
      const length = 1 + Math.floor(3 * random());
      return { bytes: Buffer.from(Array.from({ length }, () => 97 + Math.floor(8 * random()))) };
    }),
  );
}

async function begun(vocabulary: ReturnType<typeof makeVocabulary>, logits: number[]) {
  const member = new ScriptedMember({ vocabulary, script: () => logits, tokenizer: "longest" });
  return member;
}

describe("GreedySum", () => {
  test("finds the argmax of the whole sum wherever it decides, with its probability", async () => {
    const random = generator(7);
    let decided = 0;
    for (let round = 0; round < 300; round++) {
      const vocabularies = [400, 300, 500].map((size) => randomVocabulary(random, size));
      const union = unionOf(vocabularies);
      const { size, maps } = union.everywhere;
      const spread = 2 + 30 * random();
      const members = await Promise.all(
        vocabularies.map((vocabulary) =>
          begun(
            vocabulary,
            Array.from({ length: vocabulary.size }, () => spread * (random() + random())),
          ),
        ),
      );
      const weights = [0.5, 0.2, 0.3];
      const projections: Float64Array[] = [];
      for (const [index, member] of members.entries()) {
        await member.prepare({ top: LISTED, projection: { map: maps[index], size: size + 1 } });
        await member.begin({ text: Buffer.from("abc"), parseSpecial: false, addBos: false });
        projections.push(member.output.projection);
      }
      const full = new Float64Array(size);
      const conditioned = weights.map((weight, index) => weight / textProbability(projections[index], size));
      const best = combine(projections, conditioned, full, size);
      const sum = new GreedySum(members.length);
      const place = sum.find(members, weights, union.everywhere);
      for (let at = 0; at < sum.size; at++) expect(sum.probabilities[at]).toBeCloseTo(full[sum.entryAt(at)], 12);
      if (place < 0) continue;
      decided++;
      expect(sum.entryAt(place)).toBe(best);
    }
    expect(decided).toBeGreaterThan(100);
    expect(decided).toBeLessThan(300);
  });

  test("decides for the lowest of equal entries, and not at all where something unlisted could be as likely", async () => {
    const letters = Array.from({ length: 100 }, (_, id) => ({ bytes: Buffer.from(String.fromCharCode(256 + id)) }));
    const vocabulary = makeVocabulary([{ bytes: new Uint8Array(), class: TokenClass.end }, ...letters]);
    const { everywhere } = unionOf([vocabulary]);
    const place = async (logits: number[]) => {
      const member = await begun(vocabulary, logits);
      await member.prepare({ top: LISTED });
      await member.begin({ text: Buffer.from("Ā"), parseSpecial: false, addBos: false });
      const sum = new GreedySum(1);
      const found = sum.find([member], [1], everywhere);
      return found < 0 ? found : sum.entryAt(found);
    };
    const flat = new Array(101).fill(0);
    expect(await place(flat)).toBe(-1);
    expect(await place(flat.with(40, 5).with(20, 5).with(70, 5))).toBe(20);
    expect(await place(flat.with(0, 5).with(20, 5))).toBe(0);
  });
});
