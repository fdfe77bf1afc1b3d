/** A real embedding model, written by scripts/write-encoder.ts, against its own numbers in numpy (golden/embed.py). */
import { expect, it } from "vitest";
import { REAL_EMBEDDER, realModel } from "../../bench/real-models.js";
import { GgufEmbedder } from "../../src/before/embedders/gguf.js";
import { rowOf } from "../../src/learning/matrix.js";
import { jsonOf } from "./models.js";

const { cases } = jsonOf<{ cases: { text: string; first: number[]; cosines: number[] }[] }>("minilm.json");

it("MiniLM's vectors are those that its weights give in numpy", async () => {
  const embedder = await GgufEmbedder.open(realModel(REAL_EMBEDDER)!, { gpu: false });
  try {
    const embeddings = await embedder.embed(cases.map(({ text }) => text));
    for (const [row, { first, cosines }] of cases.entries()) {
      const vector = rowOf(embeddings, row);
      for (const [at, value] of first.entries()) expect(Math.abs(vector[at] - value)).toBeLessThan(2e-3);
      for (const [other, cosine] of cosines.entries()) {
        const found = rowOf(embeddings, other).reduce((sum, value, at) => sum + value * vector[at], 0);
        expect(Math.abs(found - cosine)).toBeLessThan(2e-3);
      }
    }
  } finally {
    await embedder.dispose();
  }
});
