/** The token trail's law on real vocabularies: always the tokenizer's own tokens, however the text came. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LlamaModel } from "../../src/llama/model.js";
import type { Encoder } from "../../src/member/llama/piece-encoder.js";
import { TextCuts } from "../../src/member/llama/text-cuts.js";
import { TokenTrail } from "../../src/member/llama/token-trail.js";
import { isUtf8, scanUtf8 } from "../../src/vocabulary/utf8.js";
import { byteKey } from "../../src/vocabulary/vocabulary.js";
import { between, generator, type Random, randomProse, randomSplit, randomText, unbrokenText } from "./random-texts.js";
import { folder, loadVocabulary, THOROUGHNESS, VOCABULARIES, type VocabularyName } from "./vocabularies.js";

const WALKS = 40 * THOROUGHNESS;
const UNBROKEN_WALKS = 2 * THOROUGHNESS;
const CUT_TEXTS = 150 * THOROUGHNESS;
const PLAIN = { parseSpecial: false, addBos: false };

/** Prompts in the models' own chat formats, and whether the tokenizer's space is still to come behind them. */
const PROMPTS: Partial<Record<VocabularyName, [prompt: string, atFragmentStart: boolean][]>> = {
  "llama-bpe": [
    [
      "<|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
      false,
    ],
    ["<|eot_id|>", false],
  ],
  qwen2: [
    ["<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n", false],
    ["<|im_start|>", false],
  ],
  "gemma-4": [
    ["<bos><|turn>user\nHi!<turn|>\n<|turn>model\n", false],
    ["<|channel>thought\n<channel|>", false],
  ],
  "command-r": [["<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi!<|END_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", false]],
  "llama-spm": [
    ["<s>[INST] Hi! [/INST]", false],
    ["Hi!</s>", true],
    ["<s>", true],
  ],
  "phi-3": [
    ["<s><|user|>Hi!<|end|><|assistant|>", true],
    ["<|system|>", true],
  ],
  baichuan: [
    ["Hi!</s>", true],
    ["你好", false],
  ],
  "deepseek-llm": [
    ["User: Hi!\n\nAssistant:", false],
    ["<｜end▁of▁sentence｜>", false],
  ],
  "deepseek-coder": [["### Instruction:\nHi!\n### Response:\n<|EOT|>", false]],
};

describe.skipIf(folder === undefined).each(VOCABULARIES)("the token trail over %s", (name) => {
  let model: LlamaModel;
  let trail: TokenTrail;
  const encode = (text: Uint8Array, options = PLAIN) => Array.from(model.tokenizer.encode(text, options));
  beforeAll(() => {
    model = loadVocabulary(name);
    trail = new TokenTrail(model.tokenizer);
  });
  afterAll(() => model.free());

  it("holds the tokens of the whole text after every append, and knows the first one that changed", () => {
    const random = generator(7);
    for (let walk = 0; walk < WALKS; walk++) {
      const prompt = Buffer.from(randomText(random, between(random, 1, 4)));
      trail.begin({ text: prompt, parseSpecial: false, addBos: true });
      expect(trail.isCanonical).toBe(true);
      expectSame(trail.tokens, encode(prompt, { parseSpecial: false, addBos: true }), prompt);
      follow(random, prompt, Buffer.from(randomText(random, between(random, 1, 30))), (text) =>
        encode(text, { parseSpecial: false, addBos: true }),
      );
    }
  });

  it("goes on canonically behind prompts in the model's own chat format", () => {
    const random = generator(8);
    for (const [written, atFragmentStart] of PROMPTS[name] ?? []) {
      const prompt = Buffer.from(written);
      const asPrompt = { parseSpecial: true, addBos: false };
      for (let walk = 0; walk < 4; walk++) {
        trail.begin({ text: prompt, ...asPrompt });
        expect([written, trail.isCanonical, trail.atFragmentStart]).toEqual([written, true, atFragmentStart]);
        // Words only: what the text writes is never a special token, in the prompt it would be.
        const text = Buffer.from(`${walk % 2 === 0 ? "" : " "}${randomProse(random, 120)} 你好，世界。é\n`);
        // Phi-3's special tokens swallow the spaces behind them, but those of an answer are the answer's.
        const start = name === "phi-3" ? encode(prompt, asPrompt) : undefined;
        follow(random, prompt, text, (whole) =>
          start === undefined ? encode(whole, asPrompt) : [...start, ...encode(whole.subarray(prompt.length))],
        );
        expect(trail.atFragmentStart).toBe(false);
      }
    }
  });

  it("cuts where the text behind has the same tokens on its own", () => {
    expect(trail.usesCuts).toBe(true);
    const cuts = new TextCuts(model.tokenizer.vocabulary, model.tokenizer.literals);
    const random = generator(9);
    let count = 0;
    for (let index = 0; index < CUT_TEXTS; index++) {
      const text = Buffer.from(randomText(random, between(random, 5, 40)));
      const whole = encode(text);
      // From the end to the beginning, every cut there is.
      for (let cut = cuts.last(text, text.length); cut > 0; cut = cuts.last(text, cut)) {
        count++;
        const behind = encodeBehind(text.subarray(cut));
        expectSame(whole.slice(whole.length - behind.length), behind, text.subarray(cut));
        // And what stands before has its tokens as soon as the cut is known, which is two characters on.
        const kept = whole.length - behind.length;
        const [first, second] = text.subarray(cut).toString();
        const known = encode(Buffer.concat([text.subarray(0, cut), Buffer.from(first + (second ?? ""))]));
        expectSame(known.slice(0, kept), whole.slice(0, kept), text.subarray(0, cut));
      }
    }
    expect(count).toBeGreaterThan(10 * CUT_TEXTS);
  });

  it("holds the tokens of the whole text where there is no place to cut it", () => {
    expect(trail.usesPlaces).toBe(true);
    const random = generator(11);
    for (let walk = 0; walk < UNBROKEN_WALKS; walk++) {
      const prompt = Buffer.from("x");
      trail.begin({ text: prompt, parseSpecial: false, addBos: true });
      const text = Buffer.from(unbrokenText(random, between(random, 200, 400)));
      follow(random, prompt, text, (whole) => encode(whole, { parseSpecial: false, addBos: true }));
    }
  });

  it("encodes as little for a step in a long text as in a short one", () => {
    let encoded = 0;
    const counting: Encoder = {
      vocabulary: model.tokenizer.vocabulary,
      literals: model.tokenizer.literals,
      encode(text, options) {
        encoded += text.length;
        return model.tokenizer.encode(text, options);
      },
    };
    const counted = new TokenTrail(counting);
    const random = generator(10);
    const prose = (bytes: number) => randomProse(random, bytes);
    const base64 = (bytes: number) => Buffer.from(prose(bytes)).toString("base64").slice(0, bytes);
    const pi = repeating("3141592653589793238462643383279502884197169399375105820974944592307816406286");
    const endless = [base64, pi, repeating("internationalisation"), repeating("="), repeating("今天天气很好我们去")];
    for (const make of [prose, repeating(CHINESE), repeating(JSON_LINES), ...endless]) {
      const most = [1000, 20_000].map((bytes) => {
        counted.begin({ text: Buffer.from(make(bytes)), parseSpecial: false, addBos: true });
        return randomSplit(random, Buffer.from(make(600)), 8).reduce((largest, part) => {
          encoded = 0;
          counted.append({ kind: "text", bytes: part });
          return Math.max(largest, encoded);
        }, 0);
      });
      // A run of marks has tokens of more than a hundred bytes, of which four are asked for anew.
      for (const bytes of most) expect(bytes).toBeLessThan(endless.includes(make) ? 2000 : 250);
    }
  });

  /** Append the text in random parts and check every state on the way. */
  function follow(random: Random, prompt: Buffer, text: Buffer, encodeWhole: (text: Buffer) => number[]): void {
    let whole = prompt;
    for (const part of randomSplit(random, text, 12)) {
      trail.append({ kind: "text", bytes: part });
      whole = Buffer.concat([whole, part]);
      const { end } = scanUtf8(whole);
      const wanted = [...encodeWhole(whole.subarray(0, end)), ...longestMatch(whole.subarray(end))];
      expectSame(trail.tokens, wanted, whole);
    }
    expect(isUtf8(whole)).toBe(true);
  }

  function longestMatch(bytes: Buffer): number[] {
    const { vocabulary } = model.tokenizer;
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let end = bytes.length; end > at; end--) {
        const id = vocabulary.idOf(byteKey(bytes.subarray(at, end)));
        if (id < 0) continue;
        ids.push(id);
        at = end - 1;
        break;
      }
    }
    return ids;
  }

  /** The tokens of a text that does not begin a fragment. */
  function encodeBehind(text: Uint8Array): number[] {
    if (!model.tokenizer.vocabulary.addsSpacePrefix) return encode(text);
    const probe = encode(Buffer.from("\n"));
    return encode(Buffer.concat([Buffer.from("\n"), text])).slice(probe.length);
  }
});

const CHINESE = "今天天气很好，我们去公园散步。路上遇到了几个老朋友，他们正在讨论人工智能的未来！";
const JSON_LINES = '{"id": 12, "name": "abc", "tags": [1, 2.5, "x"], "ok": true},\n';

function repeating(text: string): (bytes: number) => string {
  return (bytes) => text.repeat(Math.ceil(bytes / Buffer.byteLength(text)));
}

function expectSame(found: ArrayLike<number>, wanted: ArrayLike<number>, text: Uint8Array): void {
  if (found.length === wanted.length && Array.from(found).every((id, index) => id === wanted[index])) return;
  expect([Buffer.from(text).toString(), Array.from(found)]).toEqual([Buffer.from(text).toString(), Array.from(wanted)]);
}
