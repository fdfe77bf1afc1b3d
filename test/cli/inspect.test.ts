import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkModel } from "../../src/llama/check-model.js";
import { byteStrings, overlaps, sharedOccurrences } from "../../src/vocabulary/overlap.js";
import { readTokenizerJson } from "../../src/vocabulary/tokenizer-json.js";
import { makeVocabulary, TokenClass } from "../../src/vocabulary/vocabulary.js";
import { models, run } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-inspect-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("overlap", () => {
  const vocabulary = (...tokens: string[]) => makeVocabulary(tokens.map((text) => ({ bytes: Buffer.from(text) })));

  it("counts distinct byte strings of ordinary tokens", () => {
    const special = { bytes: Buffer.from("x"), class: TokenClass.control };
    const tokens = ["a", "b", "a"].map((text) => ({ bytes: Buffer.from(text) }));
    expect([...byteStrings(makeVocabulary([...tokens, special]))]).toEqual(["a", "b"]);
  });

  it("is |A ∩ B| / |A ∪ B| for every pair", () => {
    const named = [vocabulary("a", "b", "c"), vocabulary("b", "c", "d", "e"), vocabulary("z")].map((each, index) => ({
      name: `m${index}`,
      strings: byteStrings(each),
    }));
    expect(overlaps(named)).toEqual([
      { a: "m0", b: "m1", common: 2, union: 5, jaccard: 2 / 5 },
      { a: "m0", b: "m2", common: 0, union: 4, jaccard: 0 },
      { a: "m1", b: "m2", common: 0, union: 5, jaccard: 0 },
    ]);
  });

  it("counts a text's tokens as often as they occur", () => {
    const other = byteStrings(vocabulary("b"));
    expect(sharedOccurrences([0, 1, 1, 1], vocabulary("a", "b"), other)).toBe(3 / 4);
    expect(sharedOccurrences([], vocabulary("a"), other)).toBe(0);
  });
});

describe.skipIf(models === undefined)("llamafuse inspect", () => {
  it("--json holds models and pairs", async () => {
    const ended = await run(["inspect", ...models!, "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(ended.stdout);
    expect(Object.keys(report)).toEqual(["models", "pairs", "devices"]);
    expect(report.devices.at(-1)).toMatchObject({ name: "CPU", kind: "cpu", freeBytes: expect.any(Number) });
    expect(report.models[0].memory).toMatchObject({ weights: expect.any(Number), contextSize: expect.any(Number) });
    expect(report.models).toMatchObject([
      {
        name: "robin",
        architecture: "llama",
        tokens: expect.any(Number),
        byteStrings: expect.any(Number),
        chatTemplate: true,
      },
      { name: "wren" },
    ]);
    const [pair] = report.pairs;
    expect(Object.keys(pair)).toEqual(["a", "b", "common", "union", "jaccard"]);
    expect(pair).toMatchObject({ a: "robin", b: "wren", jaccard: pair.common / pair.union });
    expect(pair.union).toBe(report.models[0].byteStrings + report.models[1].byteStrings - pair.common);
  });

  it("gives every file a name of its own", async () => {
    const [robin] = models!;
    const report = JSON.parse((await run(["inspect", robin, robin, "--json"])).stdout);
    expect(report.pairs).toMatchObject([{ a: "robin", b: "robin-2", jaccard: 1 }]);
    expect(report.models[0].sharedInText).toEqual({ "robin-2": 1 });
  });

  it("prints tables without colours into a pipe", async () => {
    const ended = await run(["inspect", ...models!]);
    expect(ended.stdout).toMatch(/robin +wren/);
    expect(ended.stdout).toContain("overlap");
    expect(ended.stdout).not.toContain("\u001b");
  });

  it("--text counts in a text of the user's", async () => {
    const text = path.join(folder, "text.txt");
    writeFileSync(text, "a");
    const report = JSON.parse((await run(["inspect", ...models!, "--json", "--text", text])).stdout);
    expect(report.models[1].textTokens).toBe(1);
  });

  it("accepts a file with a vocabulary and no tensors", async () => {
    const [robin, wren] = models!;
    const file = path.join(folder, "vocabulary.gguf");
    writeFileSync(file, await withoutTensors(robin));
    const report = JSON.parse((await run(["inspect", robin, file, wren, "--json"])).stdout);
    expect(report.models[1]).toMatchObject({
      name: "vocabulary",
      kind: "vocabulary",
      byteStrings: report.models[0].byteStrings,
    });
    expect(report.pairs.map(({ a, b }: { a: string; b: string }) => `${a} ${b}`)).toEqual([
      "robin vocabulary",
      "robin wren",
      "vocabulary wren",
    ]);
    expect(report.pairs[0].jaccard).toBe(1);
  });

  it("reads the same vocabulary from a tokenizer.json as from the GGUF file made of it", async () => {
    const wren = models![1];
    const file = path.join(folder, "copy", "tokenizer.json");
    mkdirSync(path.dirname(file));
    writeFileSync(file, JSON.stringify(await tokenizerJsonOf(wren)));
    const report = JSON.parse((await run(["inspect", wren, file, "--json"])).stdout);
    expect(report.models[1]).toMatchObject({ name: "copy", kind: "tokenizer.json", tokens: report.models[0].tokens });
    expect(report.pairs[0].jaccard).toBe(1);
    expect(report.models[1].textTokens).toBe(report.models[0].textTokens);
  });
});

describe("tokenizer.json", () => {
  const write = (json: unknown) => {
    const file = path.join(folder, "made.json");
    writeFileSync(file, typeof json === "string" ? json : JSON.stringify(json));
    return file;
  };
  const spelt = (file: string) => [...byteStrings(readTokenizerJson(file).vocabulary)];

  it("spells SentencePiece tokens as bytes", () => {
    const vocab = [
      ["<unk>", 0],
      ["▁a", -1],
      ["<0xE2>", -2],
      ["</s>", -3],
    ];
    const json = {
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      model: { type: "Unigram", unk_id: 0, vocab },
      decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
      added_tokens: [{ id: 3, content: "</s>", special: true }],
    };
    expect(spelt(write(json))).toEqual([" a", "\u00e2"]);
  });

  it.each([
    ["not JSON", "{", "invalid-model"],
    ["no model", { version: "1.0" }, "invalid-model"],
    ["a model of nothing", { model: {}, decoder: { type: "ByteLevel" } }, "invalid-model"],
    [
      "word pieces",
      { model: { type: "WordPiece", vocab: { a: 0 } }, decoder: { type: "WordPiece" } },
      "unsupported-model",
    ],
  ])("refuses %s", (_, json, code) => {
    const file = write(json);
    expect(() => readTokenizerJson(file)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(file) }),
    );
  });
});

/** The file's header up to the list of tensors, which is said to be empty. */
async function withoutTensors(model: string): Promise<Buffer> {
  const { gguf } = await checkModel(model);
  const [{ name }] = gguf.tensors;
  const listed = Buffer.alloc(8 + name.length);
  listed.writeBigUInt64LE(BigInt(name.length));
  listed.write(name, 8);
  const bytes = readFileSync(model);
  const header = Buffer.from(bytes.subarray(0, bytes.indexOf(listed)));
  // Behind the magic number and the version.
  header.writeBigUInt64LE(0n, 8);
  return header;
}

/** The tokenizer.json that a byte-level BPE model's GGUF file could have been made from. */
async function tokenizerJsonOf(model: string) {
  const { gguf, tokenizer } = await checkModel(model);
  const strings = (key: string) => {
    const array = gguf.metadata.array(key, ["string"])!;
    return Array.from({ length: array.length }, (_, index) => array.stringAt(index));
  };
  const tokens = strings("tokenizer.ggml.tokens");
  return {
    version: "1.0",
    added_tokens: [{ id: tokenizer.eos, content: tokens[tokenizer.eos], special: true }],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: strings("tokenizer.ggml.merges"),
    },
  };
}
