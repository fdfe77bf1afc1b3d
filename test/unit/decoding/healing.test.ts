import { describe, expect, it } from "vitest";
import { Healing, healed } from "../../../src/decoding/healing.js";
import type { Method } from "../../../src/during/define-method.js";
import { methods } from "../../../src/during/methods.js";
import { fitting, scriptedEnsembles } from "../../../src/laws/scripted-ensembles.js";
import { textOfTokens } from "../../../src/laws/text-of-tokens.js";
import type { ScriptState } from "../../../src/member/scripted/options.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const token = (text: string) => ({ bytes: Buffer.from(text), text });
const end = { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" };
const vocabularyOf = (...texts: string[]) => makeVocabulary([...texts.map(token), end]);

/** Says the token of the highest score; every other one is unlikely, in the order of the vocabulary. */
function speaker(name: string, texts: string[], likes: (said: string) => Record<string, number>): ScriptedMember {
  const script = ({ text }: ScriptState) => {
    const scores = likes(Buffer.from(text).toString());
    return [...texts, "</s>"].map((own, place) => scores[own] ?? -5 - place / 100);
  };
  return new ScriptedMember({ name, vocabulary: vocabularyOf(...texts), script });
}

const TALE = ["Once", " upon", " a", " time", " ti", "m", "e", "x", "O", "n", "c", "t", "i", " ", ","];
const teller = (name: string, texts = TALE) =>
  speaker(
    name,
    texts,
    (said): Record<string, number> =>
      said.endsWith(" a") ? { " time": 5, " ti": 1 } : said.endsWith(" time") ? { ",": 5 } : { x: 5 },
  );

const answerOf = async (members: ScriptedMember[], prompt: string, options: object) => {
  const ensemble = await createEnsemble({ members, method: "gac", schedule: "in-turn" });
  const result = await ensemble.generate(prompt, { maxTokens: 2, ...options });
  await ensemble.dispose();
  return result;
};

describe("a prompt that ends inside a token", () => {
  it("goes on as if it had been written at once", async () => {
    const { text, usage } = await answerOf([teller("a")], "Once upon a ti", { healing: true });
    expect(text).toBe("me,");
    expect(usage.steps).toBe(2);
    expect((await answerOf([teller("a")], "Once upon a ti", {})).text).toBe("xx");
  });

  it("is cut at a border of every member, and each reads it by its own tokens", async () => {
    const letters = [..."Once upoatim,x"].filter((letter, at, all) => all.indexOf(letter) === at);
    const other = speaker("letters", letters, (said) => ({ [" time,"[said.length - "Once upon a".length] ?? "x"]: 5 }));
    expect((await answerOf([teller("a"), other], "Once upon a ti", { healing: true })).text).toMatch(/^m/);
  });

  it("reports pieces without what the prompt said already", async () => {
    const { pieces } = await answerOf([teller("a")], "Once upon a ti", { healing: true, logProbs: true });
    expect(pieces?.map(({ text }) => text)).toEqual(["me", ","]);
  });

  it("is left alone where no token reaches across its end", async () => {
    const member = teller("a");
    const prompts = [{ text: Buffer.from("Once upon a time"), parseSpecial: false, addBos: true }];
    const found = await healed([{ member, weight: 1 }], prompts);
    expect(found.prompts).toBe(prompts);
    expect(found.ahead.length).toBe(0);
    const plain = await answerOf([teller("a")], "Once upon a time", { temperature: 1, seed: 3 });
    const asked = await answerOf([teller("a")], "Once upon a time", { healing: true, temperature: 1, seed: 3 });
    expect(asked.text).toBe(plain.text);
    expect(asked.usage).toEqual(plain.usage);
  });

  it("weighs what agrees with it, by enumeration over a toy vocabulary", () => {
    const texts = ["a", "ab", "abc", "b", "bc", "c", "abca", "ca", ""];
    const probabilities = Float64Array.from(texts, (_, entry) => (entry + 1) / 45);
    for (const ahead of ["a", "ab", "abc", "bc", "c"]) {
      const agrees = (text: string) => text !== "" && (text.startsWith(ahead) || ahead.startsWith(text));
      const sum = texts.reduce((total, text, entry) => total + (agrees(text) ? probabilities[entry] : 0), 0);
      const found = new Healing(Buffer.from(ahead)).constrain({
        size: texts.length,
        probabilities,
        endEntry: texts.length - 1,
        best: 0,
        bytesOf: (entry) => Buffer.from(texts[entry]),
      });
      const expected = texts.map((text, entry) => (agrees(text) ? probabilities[entry] / sum : 0));
      expect(Array.from(found.probabilities)).toEqual(expected.map((value) => expect.closeTo(value, 12)));
      expect(found.probabilities[found.best]).toBe(Math.max(...found.probabilities));
    }
  });
});

describe("every method", () => {
  const PROMPT = "the do";
  for (const method of methods as unknown as Method[]) {
    for (const laws of method.laws) {
      if (laws.exempt?.bytes !== undefined) continue;
      const choice = method(laws.options);
      it(`${method.info.name} ${JSON.stringify(laws.options ?? {})} says the end of the prompt again`, async () => {
        for (const set of (await fitting(choice, laws, scriptedEnsembles)).slice(0, 2)) {
          const members = await set.make();
          const ensemble = await createEnsemble({ members, method: choice });
          const { text } = await ensemble.generate(PROMPT, { maxTokens: 4, temperature: 0, healing: true });
          for (const member of members) {
            const held = textOfTokens(member.vocabulary, await member.cachedTokens())
              .toString()
              .trimStart();
            if (held !== "") expect(`${PROMPT}${text}`.startsWith(held) || held.startsWith(PROMPT)).toBe(true);
          }
          await ensemble.dispose();
        }
      });
    }
  }
});
