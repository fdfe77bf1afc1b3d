/** A native model grades queries; RouteLLM's causal score routes by it. */
import { describe, expect, it } from "vitest";
import { LabelEmbedder, labelExamples, labelPrompt } from "../../src/before/embedders/label-probabilities.js";
import { restoreEmbedder } from "../../src/before/embedders/restore.js";
import { routerNamed } from "../../src/before/registry.js";
import { createEnsemble, nativeModels } from "../../src/index.js";
import { matrixOf, rowOf } from "../../src/learning/matrix.js";
import { topicTable } from "../support/outcome-tables.js";

const [{ path: model }] = nativeModels();
const { table } = topicTable(40, 1);

describe("graded examples", () => {
  const graded = table.selectRows(Array.from({ length: 20 }, (_, row) => row));

  it("take turns over the labels that occur, by the seed", () => {
    const examples = labelExamples(graded, "poet", { count: 6, seed: 4 });
    expect(examples.map(({ label }) => label)).toEqual([1, 5, 1, 5, 1, 5]);
    expect(labelExamples(graded, "poet", { count: 6, seed: 4 })).toEqual(examples);
    for (const { query, label } of examples) {
      expect(graded.quality.get(graded.queries.indexOf(query), 0)).toBe(label === 5 ? 1 : 0);
    }
  });

  it("stand before the query, a line each", () => {
    const prompt = labelPrompt([{ query: "two\nlines", label: 4 }], " what? ");
    expect(prompt).toContain("Question: two lines\nGrade: 4\n\nQuestion: what?\nGrade:");
  });
});

describe("label probabilities", () => {
  it("are the model's own, and the same after a journey through JSON", async () => {
    const examples = labelExamples(table, "poet", { count: 4 });
    const embedder = await LabelEmbedder.open(model, examples);
    const texts = table.queries.slice(0, 3);
    const probabilities = await embedder.embed(texts);
    const ensemble = await createEnsemble({ members: [{ model }], method: { name: "single" } });
    for (const [row, text] of texts.entries()) {
      const shares: number[] = [];
      for (const label of [1, 2, 3, 4, 5]) {
        shares.push(Math.exp((await ensemble.score(labelPrompt(examples, text), ` ${label}`)).logProb));
      }
      const total = shares.reduce((sum, share) => sum + share, 0);
      expect(total).toBeGreaterThan(0);
      // A prompt that is kept between labels changes the last bits of the logits.
      for (const [index, share] of shares.entries()) {
        expect(probabilities.get(row, index)).toBeCloseTo(share / total, 2);
      }
    }
    await ensemble.dispose();
    expect((await embedder.embed(texts.slice(1))).data).toEqual(probabilities.data.slice(5));
    const router = routerNamed("routellm", { variant: "causal", strong: "sage", weak: "poet" });
    const rows = Array.from({ length: 3 }, (_, row) => row);
    await router.fit({
      table: table.selectRows(rows),
      embeddings: matrixOf(rows.map((r) => rowOf(probabilities, r))),
      embedder,
    });
    const { quality } = router.score({ text: texts[0], embedding: Float64Array.from(rowOf(probabilities, 0)) });
    expect(quality[2]).toBeCloseTo(1 - probabilities.get(0, 3) - probabilities.get(0, 4), 12);
    const saved = JSON.parse(JSON.stringify(embedder.toJSON()));
    await embedder.dispose();
    const restored = await restoreEmbedder(saved);
    expect(restored.id).toBe(saved.id);
    await restored.dispose?.();
  }, 60_000);
});
