import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LlamaModel } from "../../src/llama/model.js";
import type { LlamaTokenizer } from "../../src/llama/tokenizer.js";
import { MAX_WORD_LENGTH } from "../../src/llama/word-lengths.js";
import { byteKey, TokenClass } from "../../src/vocabulary/vocabulary.js";
import { between, generator, randomText } from "./random-texts.js";
import {
  folder,
  loadVocabulary,
  THOROUGHNESS,
  VOCABULARIES,
  type VocabularyName,
  vectorsOf,
  WITHOUT_VECTORS,
} from "./vocabularies.js";

const TEXTS = 2000 * THOROUGHNESS;
const PLAIN = { parseSpecial: false, addBos: false };
const { text, control, end, unused } = TokenClass;

/** Vocabularies that write a space as ▁ and so read ▁ as a space. */
const READS_MARK_AS_SPACE: readonly string[] = ["baichuan", "gemma-4", "llama-spm", "phi-3"];
/** Bytes of well-formed UTF-8 for which there is no token; llama.cpp leaves them out. Missing elsewhere: none. */
const MISSING_BYTES: Partial<Record<VocabularyName, number[]>> = {
  falcon: [0x03, 0x04, 0x05, 0x0b, 0x11, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19, 0x1c, 0x1d, 0x1e, 0xf2],
  refact: [0xf1],
  starcoder: [0xf1],
};

const SPECIAL: Partial<Record<VocabularyName, Record<string, [number, TokenClass]>>> = {
  "llama-bpe": {
    "<|begin_of_text|>": [128000, control],
    "<|end_of_text|>": [128001, end],
    "<|start_header_id|>": [128006, control],
    "<|eot_id|>": [128009, end],
  },
  qwen2: { "<|endoftext|>": [151643, end], "<|im_start|>": [151644, control], "<|im_end|>": [151645, end] },
  "llama-spm": { "<unk>": [0, unused], "<s>": [1, control], "</s>": [2, end] },
  "phi-3": {
    "</s>": [2, end],
    "<|endoftext|>": [32000, end],
    "<|assistant|>": [32001, control],
    "<|end|>": [32007, end],
    "<|user|>": [32010, control],
  },
  "gemma-4": { "<eos>": [1, end], "<bos>": [2, control], "<|turn>": [105, control], "<turn|>": [106, end] },
  "gpt-2": { "<|endoftext|>": [50256, end] },
  "deepseek-llm": { "<｜begin▁of▁sentence｜>": [100000, control], "<｜end▁of▁sentence｜>": [100001, end] },
  "deepseek-coder": {
    "<｜fim▁hole｜>": [32015, control],
    "<｜end▁of▁sentence｜>": [32014, end],
    "<|User|>": [32019, text],
  },
  falcon: { ">>TITLE<<": [0, control], "<|endoftext|>": [11, end] },
  starcoder: { "<|endoftext|>": [0, end], "<fim_prefix>": [1, control] },
  mpt: { "<|endoftext|>": [0, end], "<|padding|>": [1, control] },
  "command-r": {
    "<BOS_TOKEN>": [5, control],
    "<|END_OF_TURN_TOKEN|>": [255001, end],
    "<|USER_TOKEN|>": [255006, text],
  },
};

describe.skipIf(folder === undefined).each(VOCABULARIES)("the tokenizer of %s", (name) => {
  let model: LlamaModel;
  let tokenizer: LlamaTokenizer;
  beforeAll(() => {
    model = loadVocabulary(name);
    tokenizer = model.tokenizer;
  });
  afterAll(() => model.free());

  it.skipIf(WITHOUT_VECTORS.includes(name))("gives the ids of llama.cpp's conformance vectors", () => {
    const vectors = vectorsOf(name);
    expect(vectors.length).toBeGreaterThanOrEqual(46);
    for (const vector of vectors) {
      expect(Array.from(tokenizer.encode(Buffer.from(vector.text), PLAIN)), JSON.stringify(vector.text)).toEqual(
        vector.ids,
      );
    }
  });

  it("gives tokens whose bytes are the text's", () => {
    const random = generator(20_250);
    for (let count = 0; count < TEXTS; count++) {
      const given = Buffer.from(randomText(random, between(random, 1, 12)));
      const found = bytesOf(tokenizer, given);
      // Not toEqual, which takes long to compare bytes.
      if (!found.equals(expected(name, given))) expect(found.toString()).toBe(expected(name, given).toString());
    }
  });

  it("leaves out the bytes for which there is no token, and no others", () => {
    const { vocabulary } = tokenizer;
    const lead = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => byte < 0xc0 || (byte > 0xc1 && byte < 0xf5),
    );
    const missing = lead.filter((byte) => vocabulary.idOf(byteKey(Uint8Array.of(byte))) < 0);
    expect(missing).toEqual(MISSING_BYTES[name] ?? []);
  });

  it("classes special tokens and says how they are written", () => {
    for (const [written, [id, tokenClass]] of Object.entries(SPECIAL[name] ?? {})) {
      expect([written, tokenizer.vocabulary.textOf(id), tokenizer.vocabulary.classOf(id)]).toEqual([
        written,
        written,
        tokenClass,
      ]);
      expect(tokenizer.vocabulary.endTokens.includes(id)).toBe(tokenClass === end);
      expect(tokenizer.vocabulary.bytesOf(id).length > 0).toBe(tokenClass === text);
      expect(Array.from(tokenizer.encode(Buffer.from(written), { parseSpecial: true, addBos: false }))).toEqual([id]);
    }
    expect(tokenizer.vocabulary.endTokens.length).toBeGreaterThan(0);
  });

  it("has a beginning-of-text token that it puts first where it is asked to", () => {
    const given = Buffer.from("Hello");
    const bare = Array.from(tokenizer.encode(given, PLAIN));
    const begun = Array.from(tokenizer.encode(given, { parseSpecial: false, addBos: true }));
    expect(begun).toEqual(tokenizer.addsBos ? [tokenizer.vocabulary.bos, ...bare] : bare);
  });

  it("takes words as long as it says, and refuses longer ones rather than end the process", () => {
    for (const letter of ["a", "中", "-", " ", "7"]) {
      const longest = Buffer.from(letter.repeat(MAX_WORD_LENGTH));
      expect(bytesOf(tokenizer, longest).equals(expected(name, longest))).toBe(true);
      const longer = Buffer.from(`${letter.repeat(3 * MAX_WORD_LENGTH)} end.`);
      const refused = codeOf(() => tokenizer.encode(longer, PLAIN));
      expect(refused).toBe(takesAnyWord(name) ? undefined : "invalid-text");
    }
  });
});

/** What the tokens' bytes are to be: the text, with the exceptions that LlamaTokenizer.encode names. */
function expected(name: VocabularyName, given: Buffer): Buffer {
  if (READS_MARK_AS_SPACE.includes(name)) return Buffer.from(given.toString().replaceAll("\u2581", " "));
  const missing = MISSING_BYTES[name];
  return missing === undefined ? given : Buffer.from(given.filter((byte) => !missing.includes(byte)));
}

/** The tokens' bytes, less the tokenizer's own leading space. */
function bytesOf(tokenizer: LlamaTokenizer, given: Uint8Array): Buffer {
  const { vocabulary } = tokenizer;
  const bytes = Buffer.concat(Array.from(tokenizer.encode(given, PLAIN), (id) => vocabulary.bytesOf(id)));
  if (!vocabulary.addsSpacePrefix) return bytes;
  expect(bytes[0]).toBe(0x20);
  return bytes.subarray(1);
}

function takesAnyWord(name: VocabularyName): boolean {
  return !["aquila", "deepseek-coder", "deepseek-llm", "falcon", "gpt-neox"].includes(name);
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
