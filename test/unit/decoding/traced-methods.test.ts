/** Log-probabilities in traces and answers against their definition, whatever the method. */
import { describe, expect, it } from "vitest";
import { methods } from "../../../src/during/methods.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { PROMPT } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";
import { byteKey, TokenClass, textAtFragmentStart } from "../../../src/vocabulary/vocabulary.js";

/** ln softmax over the whole vocabulary, of text tokens by rank; all end tokens are one, at its own rank. */
function byDefinition({ vocabulary, output, atFragmentStart }: Member, top: number) {
  const { logits } = output;
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  const said: { key: string; logProb: number }[] = [];
  let end = 0;
  for (let id = 0; id < vocabulary.size; id++) {
    const bytes = vocabulary.bytesOf(id);
    if (vocabulary.classOf(id) === TokenClass.end) end += Math.exp(logits[id] - total);
    if (vocabulary.classOf(id) !== TokenClass.text || bytes.length === 0) continue;
    const key = byteKey(atFragmentStart ? textAtFragmentStart(bytes) : bytes);
    said.push({ key, logProb: logits[id] - total });
  }
  said.push({ key: "<end>", logProb: Math.log(end) });
  return { end: Math.log(end), best: said.sort((a, b) => b.logProb - a.logProb).slice(0, top) };
}

const TOP = 4;
const vocabularies = [sentencePieceVocabulary(), bytePairVocabulary()];
/** Logits that sum to anything: a constant on all of them is no probability. */
const pair = () =>
  vocabularies.map((vocabulary, index) => {
    const plain = randomMember(index + 1, vocabulary);
    return Object.assign(plain, { name: `member ${index}` });
  });

/** That fuse two members of any vocabularies token by token, need nothing else, and whose members all hold one text. */
const names = methods
  .filter((method) => method.info.name === "guard" || !("level" in method))
  .filter(({ laws }) => laws.every(({ exempt }) => !exempt || !("one-text" in exempt)))
  .map(({ info }) => info.name)
  .filter((name) => !["single", "purify", "proxy", "citer"].includes(name));

describe.each(names)("a trace of %s", (name) => {
  it("has every heard member's best pieces with their log-probabilities over its whole vocabulary", async () => {
    const members = pair();
    await using ensemble = await createEnsemble({ members, method: { name } as never });
    let heard = 0;
    // While the reader looks at a step, the members are still where they were.
    for await (const { step } of ensemble.stream(PROMPT, { maxTokens: 5, trace: TOP })) {
      for (const [index, described] of (step?.members ?? []).entries()) {
        if (!described.heard) continue;
        heard++;
        const { end, best } = byDefinition(members[index], TOP);
        expect(described.endLogProb).toBeCloseTo(end, 6);
        const logProbs = described.candidates.map(({ logProb }) => logProb);
        expect(logProbs).toHaveLength(TOP);
        for (const [rank, { logProb }] of best.entries()) expect(logProbs[rank]).toBeCloseTo(logProb, 6);
        const [first] = described.candidates;
        const key = first.end ? "<end>" : byteKey(Buffer.from(first.bytes ?? first.text, first.bytes ? "hex" : "utf8"));
        expect(key).toBe(best[0].key);
      }
    }
    expect(heard).toBeGreaterThan(0);
  });
});

it("pieces have the log-probability of the whole distribution, whatever the sampler leaves of it", async () => {
  const vocabulary = bytePairVocabulary();
  const member = randomMember(3, vocabulary);
  await using ensemble = await createEnsemble({ members: [member] });
  const options = { temperature: 0.6, topK: 7, topP: 0.9, seed: 3, maxTokens: 12, logProbs: true };
  const { pieces, text } = await ensemble.generate(PROMPT, options);
  expect(pieces).toHaveLength(12);
  const ids = Array.from(await member.tokenize(Buffer.from(PROMPT)));
  const tokens = Array.from(await member.cachedTokens());
  // The last choice did not go back.
  const said = tokens.slice(ids.length);
  expect(said).toHaveLength(11);
  for (const [place, id] of said.entries()) {
    await member.begin({
      text: Buffer.of(),
      tokens: [...ids, ...said.slice(0, place)],
      parseSpecial: false,
      addBos: false,
    });
    const { logits } = member.output;
    const possible = Array.from(logits.keys()).filter((other) => vocabulary.classOf(other) !== TokenClass.control);
    const total = possible.reduce((sum, other) => sum + Math.exp(logits[other]), 0);
    expect(pieces![place].logProb).toBeCloseTo(logits[id] - Math.log(total), 5);
  }
  expect(text.length).toBeGreaterThan(0);
});
