/** Vocabularies beyond SentencePiece and GPT-2's: what llama.cpp needs of each, and no more. */
import { describe, expect, it } from "vitest";
import { type Field, field, writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;
const [NORMAL, BYTE] = [1, 6];

type Fields = Record<string, Field | undefined>;

/** A file with a vocabulary alone. */
const vocabulary = once((model: string, tokens: readonly string[], fields: Fields = {}): string => {
  const file = at(`${count++}.gguf`);
  const all: Fields = { model: field.string(model), tokens: field.array("string", [...tokens]), ...fields };
  const metadata: Record<string, Field> = { "general.architecture": field.string("llama") };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) metadata[`tokenizer.ggml.${name}`] = value;
  writeGguf(file, { metadata, tensors: [] });
  return file;
});

const check = async (file: string) => (await checkModel(file, { vocabularyOnly: true })).tokenizer;
const isRefused = (file: string, message: RegExp) => expectRefusal(() => check(file), "invalid-model", message, file);

const byteName = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
const byteNames = Array.from({ length: 256 }, (_, byte) => byteName(byte));

describe("RWKV's vocabulary has the first byte of each token as a token", () => {
  it.each<[string, string[]]>([
    ["letters", ["\\n", "a", "ab", "abc"]],
    ["escaped bytes", ["\\n", "\\x41", "\\x41B", "\\xff"]],
    ["escaped names", ["\\n", "\\t", "\\tx", "\\r", "\\r\\n", "\\\\", "\\\\n"]],
    ["an escaped letter that is also spelled plainly", ["\\n", "A", "\\x41B"]],
    ["empty and broken tokens, which begin with nothing", ["\\n", "", "\\", "\\x4"]],
    ["a byte that is no number, which is read as 0", ["\\n", "\\xZZ"]],
  ])("%s", async (_, tokens) => {
    expect(await check(vocabulary("rwkv", tokens))).toMatchObject({ kind: "other", size: tokens.length, bos: -1 });
  });

  it.each<[string, string[], RegExp]>([
    ["a letter", ["\\n", "ab"], /no token for the single byte 0x61/],
    ["an escaped byte", ["\\n", "\\x41B"], /byte 0x41/],
    ["a tab", ["\\n", "\\tx"], /byte 0x09/],
    ["a carriage return", ["\\n", "\\rx"], /byte 0x0d/],
    ["a backslash", ["\\n", "\\\\x"], /byte 0x5c/],
    ["the first of several", ["\\n", "b", "bc", "cd", "ad"], /byte 0x61/],
    ["a line break that no token begins with", ["a"], /byte 0x0a/],
  ])("and is refused without %s", async (_, tokens, message) => {
    await isRefused(vocabulary("rwkv", tokens), message);
  });

  it("may call any token a byte", async () => {
    const types = field.array("int32", [NORMAL, BYTE]);
    expect((await check(vocabulary("rwkv", ["\\n", "a"], { token_type: types }))).size).toBe(2);
  });
});

describe("PLaMo 2's vocabulary has all bytes, none of them as token 0", () => {
  const plamo = (tokens: string[], types: number[]) =>
    vocabulary("plamo2", tokens, {
      token_type: field.array("int32", types),
      scores: field.array("float32", new Float32Array(tokens.length)),
    });
  const all = ["<unk>", ...byteNames];
  const types = all.map((_, id) => (id === 0 ? NORMAL : BYTE));

  it("and passes so", async () => {
    expect(await check(plamo(all, types))).toMatchObject({ kind: "other", bos: 1, eos: 2, addBos: false });
  });

  it.each<[string, string[], number[], RegExp]>([
    ["at token 0", [...byteNames, "<unk>"], [...types.slice(1), NORMAL], /no byte token <0x00>/],
    ["missing", all.with(256, "spare"), types.with(256, NORMAL), /no byte token <0xFF>/],
    ["of another type", all, types.with(11, NORMAL), /no byte token <0x0A>/],
  ])("one is %s", async (_, tokens, own, message) => {
    await isRefused(plamo(tokens, own), message);
  });

  it("with scores and types", async () => {
    await isRefused(vocabulary("plamo2", all), /scores" is missing/);
    const scores = field.array("float32", new Float32Array(257));
    await isRefused(vocabulary("plamo2", all, { scores }), /token_type" is missing/);
  });
});

describe("T5's map of characters leads nowhere outside itself", () => {
  /** Entries as SentencePiece packs them: the character that leads here, whether a value follows, where the next lie. */
  const node = (character: number, isEnd: boolean, base: number, far = false) =>
    ((base << 10) | (far ? 0x200 : 0) | (isEnd ? 0x100 : 0) | character) >>> 0;
  const map = (entries: Record<number, number>, size = 256, replacements = "x\0") => {
    const bytes = Buffer.alloc(4 + 4 * size + replacements.length);
    bytes.writeUInt32LE(4 * size, 0);
    for (const [index, entry] of Object.entries(entries)) bytes.writeUInt32LE(entry, 4 + 4 * Number(index));
    bytes.write(replacements, 4 + 4 * size, "latin1");
    return bytes;
  };
  const t5 = (bytes: Buffer | undefined) =>
    vocabulary("t5", ["<pad>", "</s>", "▁a"], {
      scores: field.array("float32", new Float32Array(3)),
      token_type: field.array("int32", [3, 3, 1]),
      ...(bytes && { precompiled_charsmap: field.array("uint8", [...bytes]) }),
    });
  const letter = 0x61;

  it.each<[string, Buffer | undefined]>([
    ["no map", undefined],
    ["a map of nothing", map({}, 0)],
    ["a map without characters", map({})],
    ["a character with a replacement", map({ [letter]: node(letter, true, 0x80), [letter ^ 0x80]: 0 })],
    ["the last replacement", map({ [letter]: node(letter, true, 0x80), [letter ^ 0x80]: 0x8000_0001 })],
    ["two characters in a row", map({ [letter]: node(letter, false, 0x80), [letter ^ 0x80 ^ 2]: node(2, false, 0) })],
    ["a far entry in a map that is long enough", map({ [letter]: node(letter, false, 1, true) }, 512)],
    ["characters that lead back to themselves", map({ [letter]: node(letter, false, letter) })],
  ])("%s", async (_, bytes) => {
    expect(await check(t5(bytes))).toMatchObject({ kind: "other", eos: 1 });
  });

  it.each<[string, Buffer, RegExp]>([
    ["three bytes", Buffer.alloc(3), /has 3 bytes; 4 are its shortest/],
    ["no bytes behind its table", map({}, 256, ""), /says its table has 1024 bytes, but has 1028 in all/],
    ["an entry too few", map({}, 255), /leads to entry 255; it has 255/],
    ["a far entry", map({ [letter]: node(letter, false, 1, true) }), /leads to entry \d+; it has 256/],
    [
      "a far entry behind another",
      map({ [letter]: node(letter, false, 0x80), [letter ^ 0x80 ^ 2]: node(2, false, 0x100) }),
      /leads to entry \d+; it has 256/,
    ],
    [
      "a replacement past the last",
      map({ [letter]: node(letter, true, 0x80), [letter ^ 0x80]: 2 }),
      /names the replacement at 2, past the last/,
    ],
    [
      "a replacement where there is none",
      map({ [letter]: node(letter, true, 0x80), [letter ^ 0x80]: 0 }, 256, "x"),
      /names the replacement at 0, past the last/,
    ],
  ])("and is refused with %s", async (_, bytes, message) => {
    await isRefused(t5(bytes), message);
  });
});

describe("a byte-pair vocabulary", () => {
  const merges = field.array("string", ["a b"]);
  const pre = (name: string) => field.string(name);

  it.each<[string, string, string[], Fields, object]>([
    ["of whitespace needs no line break", "whitespace", ["a", "b", "ab"], { merges, pre: pre("whitespace") }, {}],
    ["of GPT-2 spells it in its own letters", "gpt2", ["a", "b", "ab", "Ċ"], { merges }, { pre: "default" }],
    ["of an empty pre-tokenizer has the default", "gpt2", ["Ċ"], { merges, pre: pre("") }, { pre: "default" }],
    ["of Kimi K2 needs no merges", "gpt2", ["Ċ"], { pre: pre("kimi-k2") }, { pre: "kimi-k2" }],
    ["without a merge will do", "gpt2", ["Ċ"], { merges: field.array("string", []) }, {}],
    ["may merge letters of several bytes", "gpt2", ["Ċ"], { merges: field.array("string", ["Ġ Ċ", "Ċ Ġ a"]) }, {}],
    [
      "of Gemma 4 spells it plainly",
      "gemma4",
      ["<bos>", "\n"],
      { merges, bos_token_id: field.uint32(0), pre: pre("gpt-2") },
      { pre: "gemma4" },
    ],
    [
      "of Gemma 4 spells it as a byte, and begins texts whatever it says",
      "gemma4",
      ["<bos>", "<0x0A>"],
      { merges, bos_token_id: field.uint32(0), add_bos_token: field.bool(false) },
      { addBos: true, bos: 0 },
    ],
  ])("%s (%s)", async (_, model, tokens, fields, wanted) => {
    expect(await check(vocabulary(model, tokens, fields))).toMatchObject({ kind: "bpe", model, ...wanted });
  });

  it.each<[string, string, string[], Fields, RegExp]>([
    ["whitespace without its tokenizer", "gpt2", ["Ċ"], { merges, pre: pre("whitespace") }, /aborts on spaces then/],
    ["Gemma 4 without merges", "gemma4", ["\n"], { pre: pre("kimi-k2") }, /merges" is missing/],
    ["GPT-2 with a plain line break", "gpt2", ["\n", "<0x0A>"], { merges }, /no token for a line break \("Ċ"\)/],
    ["Gemma 4 in GPT-2's letters", "gemma4", ["Ċ"], { merges }, /line break \("\\n" or "<0x0A>"\)/],
    ["Gemma 4 without a beginning", "gemma4", ["\n"], { merges }, /begins every text.*names none/],
    ["a merge of nothing", "gpt2", ["Ċ"], { merges: field.array("string", [" a"]) }, /merge 0 is " a"/],
    ["a merge with a NUL", "gpt2", ["Ċ"], { merges: field.array("string", ["a b", "a\0 b"]) }, /merge 1 is/],
  ])("is refused: %s", async (_, model, tokens, fields, message) => {
    await isRefused(vocabulary(model, tokens, fields), message);
  });
});

describe("BERT's vocabulary", () => {
  const words = (size: number) => Array.from({ length: size }, (_, id) => `w${id}`);

  it("puts tokens 101 and 102 around a text where it says nothing", async () => {
    expect(await check(vocabulary("bert", words(103)))).toMatchObject({ bos: 101, eos: -1, addBos: true });
    await isRefused(vocabulary("bert", words(102)), /ends every text.*seperator_token_id" names none/);
    await isRefused(vocabulary("bert", words(101)), /begins every text.*bos_token_id" names none/);
  });

  it("begins with its own token also where it is told not to", async () => {
    const fields = { add_bos_token: field.bool(false), seperator_token_id: field.uint32(1) };
    expect(await check(vocabulary("bert", words(102), fields))).toMatchObject({ addBos: false });
    await isRefused(vocabulary("bert", words(50), fields), /begins every text/);
  });

  it("has no bytes", async () => {
    const types = field.array(
      "int32",
      words(103).map((_, id) => (id === 7 ? BYTE : NORMAL)),
    );
    await isRefused(
      vocabulary("bert", words(103).with(7, "<0x00>"), { token_type: types }),
      /token 7 is of the type "byte"/,
    );
  });
});

describe("an end that is put behind every text", () => {
  it("must be a token", async () => {
    const merges = field.array("string", []);
    const fields = { merges, add_eos_token: field.bool(true) };
    await isRefused(vocabulary("gpt2", ["Ċ"], fields), /ends every text.*eos_token_id" names none/);
    expect(await check(vocabulary("gpt2", ["Ċ"], { ...fields, eos_token_id: field.uint32(0) }))).toMatchObject({
      eos: 0,
    });
    // T5 puts one without being told; its default is token 1.
    const t5 = { scores: field.array("float32", [0]), token_type: field.array("int32", [1]) };
    await isRefused(vocabulary("t5", ["a"], t5), /ends every text/);
    expect(await check(vocabulary("t5", ["a"], { ...t5, add_eos_token: field.bool(false) }))).toMatchObject({
      eos: -1,
    });
  });
});

describe("SentencePiece's vocabulary", () => {
  const spm = (tokens: string[]) =>
    vocabulary("llama", tokens, {
      scores: field.array("float32", new Float32Array(tokens.length)),
      token_type: field.array("int32", new Array<number>(tokens.length).fill(NORMAL)),
    });
  const plain = byteNames.map((name, byte) => (byte > 0 && byte < 0x80 ? String.fromCharCode(byte) : name));

  it("may spell a byte plainly, but for NUL", async () => {
    expect((await check(spm(plain))).size).toBe(256);
    await isRefused(spm(plain.with(0, "\0")), /lacks 1 of the 256 byte tokens \(<0x00>\)/);
  });

  it("names the first three bytes that are missing", async () => {
    const without = (...bytes: number[]) =>
      spm(plain.map((token, byte) => (bytes.includes(byte) ? `spare${byte}` : token)));
    await isRefused(without(9, 65, 66), /lacks 3 of the 256 byte tokens \(<0x09>, <0x41>, <0x42>\)/);
    await isRefused(without(9, 65, 66, 255), /lacks 4 of the 256 byte tokens \(<0x09>, <0x41>, <0x42>, …\)/);
  });
});

it("names of object properties and vocabularies without text are no tokenizers", async () => {
  for (const [model, message] of [
    ["constructor", /is "constructor"; this release of llama\.cpp knows llama, gpt2/],
    ["no_vocab", /"no_vocab": it has no vocabulary to write text with/],
  ] as const) {
    const file = vocabulary(model, ["a"]);
    await expectRefusal(() => check(file), "unsupported-model", message, file);
  }
});
