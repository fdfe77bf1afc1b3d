/**
 * Vocabularies with a space prefix whose fine-tuning added markers as "user-defined" tokens: llama.cpp cuts these out of
 * every text, and puts its space before whatever follows one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Field, field, writeGguf } from "../../scripts/lib/gguf-writer.js";
import { tinyModel } from "../../scripts/lib/tiny-model.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import { TokenTrail } from "../../src/member/llama/token-trail.js";
import { between, generator, pick, randomSplit } from "./random-texts.js";

const PLAIN = { parseSpecial: false, addBos: false };
const USER_DEFINED = 4;
const folder = mkdtempSync(path.join(os.tmpdir(), "llamafuse-literals-"));

/** Literals with edges of every kind: marks, letters, spaces, a line break. */
describe.each([
  ["marks at their edges", ["<|im_start|>", "<|user|>"]],
  ["letters at their edges", ["<|im_start|>", "ing", "The"]],
  ["spaces at their edges", ["  ", "    ", " of", "end "]],
  ["line breaks", ["\n\n", "#\n"]],
])("a vocabulary with a space prefix and literals that have %s", (_, literals) => {
  let model: LlamaModel;
  let trail: TokenTrail;
  const encode = (text: string | Uint8Array) => Array.from(model.tokenizer.encode(Buffer.from(text), PLAIN));
  beforeAll(() => {
    const file = path.join(folder, `${literals.length}-${literals[0].length}.gguf`);
    writeGguf(file, { metadata: withLiterals(literals), tensors: [] });
    model = LlamaModel.load(loadLlama({ gpu: false }), file, { vocabularyOnly: true });
    trail = new TokenTrail(model.tokenizer);
  });
  afterAll(() => model.free());

  it("knows them, and puts its space behind them", () => {
    expect(model.tokenizer.vocabulary.addsSpacePrefix).toBe(true);
    expect(model.tokenizer.literals.map((id) => model.tokenizer.vocabulary.textOf(id))).toEqual(literals);
    const [id] = model.tokenizer.literals;
    expect(encode(`a${literals[0]}a`)).toEqual([...encode("a"), id, ...encode("a")]);
  });

  it("gives every text its own tokens, however it came", () => {
    const random = generator(5);
    const words = [...literals, ...literals, "one", "two", " ", " of", "the ", "\n", ",", "é", "end", "a", "ing"];
    for (let walk = 0; walk < 150; walk++) {
      const make = () => Array.from({ length: between(random, 1, 25) }, () => pick(random, words)).join("");
      let text = Buffer.from(make());
      trail.begin({ text, ...PLAIN });
      expect(Array.from(trail.tokens)).toEqual(encode(text));
      // What was behind the last literal of the prompt goes on; a longer literal across its end would not be seen.
      const start = trail.tokens.length - encode(behindLast(text)).length;
      const prompt = text;
      for (const part of randomSplit(random, Buffer.from(make()), 6)) {
        trail.append({ kind: "text", bytes: part });
        text = Buffer.concat([text, part]);
        const complete = text.toString().replace(/\ufffd$/, "");
        if (Buffer.byteLength(complete) < text.length) continue;
        const wanted = [
          ...encode(prompt).slice(0, start),
          ...encode(behindLast(prompt) + text.subarray(prompt.length)),
        ];
        expect([complete, Array.from(trail.tokens)]).toEqual([complete, wanted]);
      }
    }
  });

  it("starts a fragment behind one that ends the prompt", () => {
    trail.begin({ text: Buffer.from(`one${literals[0]}`), ...PLAIN });
    expect(trail.atFragmentStart).toBe(true);
    trail.append({ kind: "text", bytes: Buffer.from("two") });
    expect(Array.from(trail.tokens)).toEqual(encode(`one${literals[0]}two`));
    expect(trail.atFragmentStart).toBe(false);
  });

  it("starts a fragment behind one that is appended as a token", () => {
    trail.begin({ text: Buffer.from("one"), ...PLAIN });
    trail.append({ kind: "tokens", ids: [model.tokenizer.literals[0]] });
    expect(trail.atFragmentStart).toBe(true);
    const before = trail.length;
    trail.append({ kind: "tokens", ids: encode("two") });
    expect(trail.atFragmentStart).toBe(false);
    trail.append({ kind: "text", bytes: Buffer.from(" three") });
    expect(Array.from(trail.tokens).slice(before)).toEqual(encode("two three"));
  });

  /** The text behind the last literal of a text. */
  function behindLast(text: Buffer): string {
    const { literals: ids, vocabulary } = model.tokenizer;
    const tokens = encode(text);
    const last = tokens.findLastIndex((id) => ids.includes(id));
    const bytes = Buffer.concat(tokens.slice(last + 1).map((id) => vocabulary.bytesOf(id)));
    return bytes.toString().replace(/^ /, "");
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function withLiterals(literals: readonly string[]): Record<string, Field> {
  const { metadata } = tinyModel({ tokenizer: "spm", vocabularySize: 600 });
  const valuesOf = (key: string) => [
    ...(metadata[key].value as { values: ArrayLike<number> & Iterable<number> }).values,
  ];
  return {
    ...metadata,
    "tokenizer.ggml.tokens": field.array("string", [
      ...(valuesOf("tokenizer.ggml.tokens") as unknown as string[]),
      ...literals,
    ]),
    "tokenizer.ggml.scores": field.array("float32", [...valuesOf("tokenizer.ggml.scores"), ...literals.map(() => 0)]),
    "tokenizer.ggml.token_type": field.array("int32", [
      ...valuesOf("tokenizer.ggml.token_type"),
      ...literals.map(() => USER_DEFINED),
    ]),
  };
}
