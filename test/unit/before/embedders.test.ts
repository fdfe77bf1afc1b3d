import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { field } from "../../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { CachedEmbedder } from "../../../src/before/embedders/cached.js";
import type { Embedder } from "../../../src/before/embedders/embedder.js";
import { GgufEmbedder, prefixOf } from "../../../src/before/embedders/gguf.js";
import { restoreEmbedder } from "../../../src/before/embedders/restore.js";
import { TfIdfEmbedder } from "../../../src/before/embedders/tf-idf.js";
import { embedQuery, trainingData } from "../../../src/before/fitting/training-data.js";
import { createRouter } from "../../../src/before/registry.js";
import { loadRouter, routerFile } from "../../../src/before/saved-router.js";
import { dot, type Matrix, makeMatrix, rowOf, unitVector } from "../../../src/learning/matrix.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { LlamaContext } from "../../../src/llama/context.js";
import { loadLlama } from "../../../src/llama/library.js";
import { LlamaModel } from "../../../src/llama/model.js";
import { topicTable } from "../../support/outcome-tables.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { writeTinyEncoder } from "../../support/tiny-encoder.js";

const at = temporaryFolder();
const TEXTS = ["the cat sat on the mat", "a cat and a dog", "two plus two is four", "three plus two is five", "zzz"];

describe("the TF-IDF embedder", () => {
  it("puts texts that share words close together, in unit vectors, and repeats exactly", async () => {
    const embedder = TfIdfEmbedder.fit(TEXTS, { leastTexts: 1 });
    const vectors = await embedder.embed(TEXTS);
    expect(vectors.shape).toEqual([5, embedder.dimension]);
    const cosine = (a: number, b: number) => dot(rowOf(vectors, a), rowOf(vectors, b));
    for (let row = 0; row < 5; row++) expect(cosine(row, row)).toBeCloseTo(1, 6);
    expect(cosine(2, 3)).toBeGreaterThan(cosine(0, 3) + 0.3);
    const again = TfIdfEmbedder.fit(TEXTS, { leastTexts: 1 });
    expect(again.id).toBe(embedder.id);
    expect((await again.embed(TEXTS)).data).toEqual(vectors.data);
    expect((await TfIdfEmbedder.fitInSteps(TEXTS, { leastTexts: 1 })).id).toBe(embedder.id);
    const stopped = TfIdfEmbedder.fitInSteps(TEXTS, { leastTexts: 1, signal: AbortSignal.abort() });
    expect((await refusal(() => stopped)).code).toBe("aborted");
    expect(TfIdfEmbedder.fit(TEXTS.slice(1), { leastTexts: 1 }).id).not.toBe(embedder.id);
  });

  it("is the same embedder after JSON, gives zeros for unknown words, and needs words", async () => {
    const embedder = TfIdfEmbedder.fit(TEXTS);
    const restored = await restoreEmbedder(JSON.parse(JSON.stringify(embedder)));
    expect(restored.id).toBe(embedder.id);
    expect((await restored.embed(TEXTS)).data).toEqual((await embedder.embed(TEXTS)).data);
    expect((await embedder.embed(["qwertz"])).data.every((value) => value === 0)).toBe(true);
    expect((await refusal(() => TfIdfEmbedder.fit([" ", ""]))).message).toMatch(/no words/);
    const saved = JSON.parse(JSON.stringify(embedder));
    expect((await refusal(() => restoreEmbedder({ ...saved, kind: "word2vec" }))).message).toMatch(
      /Known: tfidf, gguf/,
    );
    expect((await refusal(() => restoreEmbedder({ ...saved, state: {} }))).code).toBe("invalid-data");
    expect((await refusal(() => restoreEmbedder({ ...saved, id: "tfidf:other" }))).code).toBe("incompatible-members");
  });
});

describe("the GGUF embedder", () => {
  it("of a model without a pooling is the mean of its last layer's states", async () => {
    const [file] = writeTinyModel(at("mean.gguf"), { dim: 32 });
    const embedder = await GgufEmbedder.open(file, { threads: 1, gpu: false });
    const vectors = await embedder.embed(["Hello there", "Something else"]);
    const model = LlamaModel.load(loadLlama(), file);
    const context = new LlamaContext(model, { hiddenStates: true });
    const tokens = model.tokenizer.encode(Buffer.from("Hello there"), { addBos: true, parseSpecial: false });
    context.decode(tokens, 0, { outputs: tokens.length });
    const mean = new Float64Array(32);
    for (let i = 0; i < tokens.length; i++) {
      for (const [j, value] of context.hiddenState(i).entries()) mean[j] += value / tokens.length;
    }
    context.free();
    model.free();
    const expected = unitVector(mean);
    for (const [j, value] of rowOf(vectors, 0).entries()) expect(value).toBeCloseTo(expected[j], 4);
    expect(dot(rowOf(vectors, 0), rowOf(vectors, 1))).toBeLessThan(0.9999);
    await embedder.dispose();
    expect((await refusal(() => embedder.embed(["x"]))).code).toBe("disposed");
  });

  it("pools as the metadata says, and knows itself again; another file, prefix or pooling is another embedder", async () => {
    const metadata = { "llama.pooling_type": field.uint32(3) };
    const [last] = writeTinyModel(at("last.gguf"), { metadata });
    const options = { threads: 1 };
    const embedder = await GgufEmbedder.open(last, options);
    const mean = await GgufEmbedder.open(last, { ...options, pooling: "mean" });
    const prefixed = await GgufEmbedder.open(last, { ...options, prefix: "query: " });
    const ids = new Set([embedder.id, mean.id, prefixed.id]);
    expect(ids.size).toBe(3);
    const [a, b] = [await embedder.embed(["Hello there"]), await mean.embed(["Hello there"])];
    expect(dot(rowOf(a, 0), rowOf(b, 0))).toBeLessThan(0.999);
    expect((await prefixed.embed(["there"])).data).toEqual((await embedder.embed(["query: there"])).data);
    const restored = await restoreEmbedder(JSON.parse(JSON.stringify(embedder)));
    expect((await restored.embed(["Hello there"])).data).toEqual(a.data);
    const saved = JSON.parse(JSON.stringify(embedder));
    writeTinyModel(at("last.gguf"), { metadata, seed: 5 });
    const error = await refusal(() => restoreEmbedder(saved));
    expect(error.code).toBe("incompatible-members");
    for (const each of [embedder, mean, prefixed, restored]) await each.dispose?.();
  });

  it("runs encoders, each text in one piece, with the pooling of the file", async () => {
    const file = writeTinyEncoder(at("encoder.gguf"));
    const embedder = await GgufEmbedder.open(file, { threads: 1 });
    const vectors = await embedder.embed(["the cat", "the cat", "cat the", "cat ".repeat(200)]);
    expect(embedder.dimension).toBe(32);
    const cosine = (a: number, b: number) => dot(rowOf(vectors, a), rowOf(vectors, b));
    expect(cosine(0, 1)).toBeCloseTo(1, 6);
    expect(cosine(0, 2)).toBeLessThan(0.99999);
    expect(cosine(3, 3)).toBeCloseTo(1, 6);
    const first = await GgufEmbedder.open(file, { threads: 1, pooling: "cls" });
    expect(dot(rowOf(await first.embed(["the cat"]), 0), rowOf(vectors, 0))).toBeLessThan(0.99999);
    for (const each of [embedder, first]) await each.dispose();
    // It can make vectors, and still not be a member.
    expect((await refusal(() => checkModel(file))).code).toBe("unsupported-model");
  });

  it("cuts a text that is too long, and refuses a model that ranks pairs", async () => {
    const [file] = writeTinyModel(at("short.gguf"), { contextLength: 16 });
    const embedder = await GgufEmbedder.open(file, { threads: 1 });
    const [long, cut] = [await embedder.embed(["word ".repeat(500)]), await embedder.embed(["word ".repeat(400)])];
    expect(long.data).toEqual(cut.data);
    await embedder.dispose();
    const [ranker] = writeTinyModel(at("rank.gguf"), { metadata: { "llama.pooling_type": field.uint32(4) } });
    expect((await refusal(() => GgufEmbedder.open(ranker))).code).toBe("unsupported-model");
  });

  it("knows the prefixes of the cards", () => {
    expect(prefixOf("nomic-embed-text-v1.5")).toBe("search_query: ");
    expect(prefixOf("multilingual-e5-small")).toBe("query: ");
    expect(prefixOf("Qwen2.5-0.5B-Instruct")).toBe("");
  });
});

/** Counts what it is asked. */
class CountingEmbedder implements Embedder {
  readonly id = "test:counting";
  readonly dimension = 2;
  asked = 0;
  async embed(texts: readonly string[]): Promise<Matrix> {
    this.asked += texts.length;
    const matrix = makeMatrix(texts.length, 2);
    for (const [row, text] of texts.entries()) rowOf(matrix, row).set([text.length, 0.1]);
    return matrix;
  }
  toJSON() {
    return { kind: "test", id: this.id, dimension: 2, state: {} };
  }
}

describe("the cache", () => {
  it("asks for each text once in all runs, and again where a file is damaged", async () => {
    const inner = new CountingEmbedder();
    const folder = at("cache");
    const texts = Array.from({ length: 150 }, (_, i) => `text ${i}`);
    const first = await new CachedEmbedder(inner, folder).embed(texts);
    expect(inner.asked).toBe(150);
    const again = await new CachedEmbedder(inner, folder).embed([...texts, "new"]);
    expect(inner.asked).toBe(151);
    expect(again.data.slice(0, 300)).toEqual(first.data);
    expect(rowOf(first, 0)[1]).toBe(Math.fround(0.1));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    expect(files).toHaveLength(151);
    writeFileSync(path.join(files[0].parentPath, files[0].name), "damaged");
    await new CachedEmbedder(inner, folder).embed(texts);
    expect(inner.asked).toBeLessThanOrEqual(152);
  });
});

describe("a router's file", () => {
  it("decides as the router did, and refuses another embedder, another version and nonsense", async () => {
    const { table } = topicTable(80, 3);
    const { data, embedder } = await trainingData(table);
    const router = createRouter({ name: "knn", k: 10 });
    await router.fit(data);
    const file = at("router.json", JSON.stringify(routerFile(router, embedder)));
    const loaded = await loadRouter(file);
    const query = await embedQuery(loaded.embedder, "rhyme number 3");
    expect(loaded.router.decide(query, { lambda: 0.02 })).toEqual(router.decide(query, { lambda: 0.02 }));
    const other = TfIdfEmbedder.fit(table.queries, { dimension: 3 });
    expect((await refusal(() => loadRouter(file, other))).code).toBe("incompatible-members");
    expect((await refusal(() => routerFile(router, other))).code).toBe("incompatible-members");
    const text = readFileSync(file, "utf8");
    const refused = async (name: string, content: string) => await refusal(() => loadRouter(at(name, content)));
    expect((await refused("v9.json", text.replace('"version":1', '"version":9'))).message).toMatch(
      /v9\.json was saved as version 9/,
    );
    expect((await refused("cut.json", text.slice(0, 200))).message).toMatch(/not JSON/);
    expect((await refused("list.json", "[]")).code).toBe("invalid-data");
    expect((await refused("name.json", text.replace('"name":"knn"', '"name":"knnn"'))).message).toMatch(
      /name\.json: Unknown router .* Did you mean "knn"/,
    );
    expect((await refused("option.json", text.replace('"options":{', '"options":{"dimension":3,'))).message).toMatch(
      /option\.json: Unknown option of knn "dimension"/,
    );
    expect((await refused("kind.json", text.replace('"kind":"', '"kind":"x'))).message).toMatch(
      /kind\.json: Unknown kind of embedder/,
    );
    expect((await refusal(() => loadRouter(at("nowhere.json")))).code).toBe("file-unreadable");
  });
});
