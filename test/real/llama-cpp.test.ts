/** Real models, one at a time, against llama.cpp's own programs: prompts, greedy answers, perplexity (golden/make.py). */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../bench/choose-sets.js";
import { realModel } from "../../bench/real-models.js";
import { contentHash } from "../../src/content-identity.js";
import { renderPrompt } from "../../src/decoding/prompt.js";
import type { LlamaMember } from "../../src/member/llama/llama-member.js";
import { createEnsemble } from "../../src/systems.js";
import { golden, loadMember, memberOptions, members } from "./models.js";

const WIKITEXT = projectPath("../shared/text/wikitext-2-test.txt");
const AT_THE_SEED = { temperature: 0, seed: 1 };

describe.each(members)("%s", (name) => {
  let member: LlamaMember;
  beforeAll(async () => {
    member = await loadMember(name);
  });
  afterAll(() => member.dispose());

  it("is the file that the goldens are of", async () => {
    expect(await contentHash([realModel(name)!])).toBe(golden.sha256[name]);
  });

  it.each(golden.texts[name])("reads $text as llama-tokenize does", async ({ text, ids }) => {
    const { prompt } = renderPrompt(text, member);
    expect(Array.from(await member.tokenize(prompt.text, prompt))).toEqual(ids);
  });

  it.skipIf(!existsSync(WIKITEXT))(
    "has the perplexity of llama-perplexity that decodes as few tokens at once",
    async () => {
      const { fewAtOnce, default: usual } = golden.perplexities[name];
      const whole = await expectPerplexities(member, fewAtOnce);
      // llama.cpp's own two ways of reading lie 0.26 % (SmolLM2) and 0.01 % (Gemma 3) apart.
      expect(Math.abs(whole / (usual.at(-1) as number) - 1)).toBeLessThan(5e-3);
    },
  );
});

/** After each chunk of wikitext, of all chunks until then. */
async function expectPerplexities(member: LlamaMember, expected: readonly number[]): Promise<number> {
  const { bytes, context } = golden.wikitext;
  const text = readFileSync(WIKITEXT).subarray(0, bytes);
  const ids = await member.tokenize(text, { addBos: true, parseSpecial: false });
  expect(expected).toHaveLength(Math.floor(ids.length / context));
  const { bos } = member.vocabulary;
  const beginsWithBos = ids[0] === bos;
  let sum = 0;
  let count = 0;
  for (const [chunk, perplexity] of expected.entries()) {
    const tokens = Array.from(ids.subarray(chunk * context, (chunk + 1) * context));
    if (beginsWithBos) tokens[0] = bos;
    const { logProbs } = await member.scorePrompt({ text, parseSpecial: false, addBos: false, tokens });
    // A chunk's first half gives the context.
    for (let at = context / 2 + 1; at < context; at++) {
      sum += logProbs[at];
      count++;
    }
    expect(Math.abs(Math.exp(-sum / count) / perplexity - 1)).toBeLessThan(1e-3);
  }
  expect(count).toBeGreaterThan(2000);
  return Math.exp(-sum / count);
}

it.each(golden.chats)(
  "SmolLM2 reads $messages as llama-tokenize reads what Python renders",
  async ({ messages, text, ids }) => {
    const member = await loadMember("smollm2");
    try {
      const { prompt } = renderPrompt(messages, member);
      expect(Buffer.from(prompt.text).toString()).toBe(text);
      expect(Array.from(await member.tokenize(prompt.text, prompt))).toEqual(ids);
    } finally {
      await member.dispose();
    }
  },
);

describe.each(members)("greedy answers of %s", (name) => {
  it.each(golden.answers[name])("are llama-completion's, token for token: $prompt", async (answer) => {
    const { prompt, tokens, text, ended, chosen } = answer;
    await using ensemble = await createEnsemble({ members: [memberOptions(name)], method: "single" });
    const result = await ensemble.generate(prompt, { ...AT_THE_SEED, maxTokens: tokens });
    expect(result.text).toBe(text);
    expect(result.usage.steps + (ended ? 1 : 0)).toBe(chosen);
    expect(result.finishReason).toBe(ended ? "stop" : "length");
  });
});
