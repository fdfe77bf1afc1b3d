/** The laws, on scripted members of every kind of vocabulary: every method that is registered. */
import { describe, expect, it } from "vitest";
import type { Method } from "../../src/during/define-method.js";
import { methods } from "../../src/during/methods.js";
import { methodLaws } from "../../src/laws/method-laws.js";
import { fitting, scriptedEnsembles } from "../../src/laws/scripted-ensembles.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  sentencePieceVocabulary,
  twinVocabulary,
} from "../../src/laws/scripted-members.js";
import { memberLaws } from "./member.js";

const contextSize = 256;
const sp = sentencePieceVocabulary();
const bpe = bytePairVocabulary();

memberLaws("scripted, a token a byte", () => randomMember(1, byteVocabulary(), { contextSize }));
memberLaws("scripted, byte tokenizer over words", () => randomMember(2, bpe, { contextSize, tokenizer: "bytes" }));
memberLaws("scripted, like SentencePiece", () => randomMember(3, sp, { contextSize }));
memberLaws("scripted, like byte-level BPE", () => randomMember(4, bpe, { contextSize }));
memberLaws("scripted, tokens with the same bytes", () => randomMember(5, twinVocabulary(), { contextSize }));

/** Sets a setting is checked on; the first ones that fit are of unlike vocabularies. */
const SETS = 4;
/** Those that write whole texts take longer. */
const SETS_OF_SPANS = 1;
/** At the start of a fragment the tokenizer's space is no part of the text. */
const BEHIND_SPECIAL = { prompt: "Hello</s>", parseSpecial: true };

for (const method of methods as unknown as Method[]) {
  const { name } = method.info;
  it(`${name} says how it keeps the laws, and gives a reason for each that it cannot`, () => {
    expect(method.laws?.length, `${name} has no laws in its definition`).toBeGreaterThan(0);
    for (const { exempt = {} } of method.laws)
      for (const [law, reason] of Object.entries(exempt)) expect(reason, `${name}: ${law}`).toMatch(/\w+ \w+/);
  });

  for (const [index, laws] of (method.laws ?? []).entries()) {
    const choice = method(laws.options);
    const sets = (await fitting(choice, laws, scriptedEnsembles)).slice(
      0,
      method.level === undefined ? SETS : SETS_OF_SPANS,
    );
    const title = `method laws: ${name} ${JSON.stringify(laws.options ?? {})}`;
    it(`${title} on one set or more`, () => expect(sets.length).toBeGreaterThan(0));
    for (const set of sets)
      describe(`${title} on ${set.name}`, () => {
        for (const { name: law, check } of methodLaws(choice, laws, set)) it(law, check);
      });
    if (index === 0 && sets.length > 0)
      describe(`${title} behind a special token`, () => {
        const set = sets.find((each) => each.name.startsWith("SentencePiece and")) ?? sets[0];
        for (const { name: law, check } of methodLaws(choice, laws, set, BEHIND_SPECIAL)) it(law, check);
      });
  }
}
