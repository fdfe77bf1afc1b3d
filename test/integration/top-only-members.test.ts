/** Members that tell their likeliest tokens only, as servers do: what runs on them runs to the end, the rest is refused. */
import { afterEach, describe, expect, it } from "vitest";
import type { MethodName } from "../../src/during/methods.js";
import type { Ensemble } from "../../src/ensemble/ensemble.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import { createEnsemble, type EnsembleOptions } from "../../src/systems.js";
import { refusal } from "../support/refusal.js";

const vocabularies = [sentencePieceVocabulary(), bytePairVocabulary()];
const offers = { logits: false, topDepth: 20 };
const topOnly = () =>
  vocabularies.map((vocabulary, index) => randomMember(index + 1, vocabulary, { name: `m${index + 1}`, offers }));

/** They read all logits, embeddings, or strings that may be none of the likeliest. */
const NEED_MORE = ["gac", "abe", "me", "safe", "deepen", "eva", "contrast"] as const;

const made: Ensemble[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((ensemble) => ensemble.dispose()));
});

async function open(method: EnsembleOptions["method"], inputs = topOnly()): Promise<Ensemble> {
  const ensemble = await createEnsemble({ members: inputs, method });
  made.push(ensemble);
  return ensemble;
}

describe("an ensemble of members that offer 20 tokens each", () => {
  it("answers with unite, whole, streamed, sampled and traced", async () => {
    const ensemble = await open({ name: "unite", k: 10 });
    const request = { maxTokens: 12, seed: 3, temperature: 0.8, trace: 3 };
    const { text, usage, trace } = await ensemble.generate("the cat", request);
    expect(text.length).toBeGreaterThan(5);
    expect(Object.values(usage.memberTokens).every((tokens) => tokens > 0)).toBe(true);
    expect(trace!.every((step) => step.members.length === 2)).toBe(true);
    let streamed = "";
    for await (const chunk of ensemble.stream("the cat", request)) streamed += chunk.text;
    expect(streamed).toBe(text);
  });

  it("chooses as members that know all of their logits do, where every candidate is among the 20", async () => {
    // Two that say the same have the same candidates.
    const alike = (options = {}) => ["m1", "m2"].map((name) => randomMember(1, vocabularies[0], { name, ...options }));
    const greedy = { maxTokens: 12, temperature: 0 };
    const some = await (await open("unite", alike({ offers }))).generate("the cat", greedy);
    const all = await (await open("unite", alike())).generate("the cat", greedy);
    expect(some.text).toBe(all.text);
  });

  it.each(["unite", "core"] as const)("answers with %s", async (name) => {
    const { text } = await (await open(name)).generate("the cat", { maxTokens: 4 });
    expect(text.length).toBeGreaterThan(0);
  });

  it.each(NEED_MORE)("is refused by %s: what it lacks, and the methods that would do", async (name) => {
    const error = await refusal(() => open(name));
    expect(error).toMatchObject({ code: "incompatible-members", details: { method: name } });
    expect(error.message).toMatch(new RegExp(`Member "m[12]" \\(scripted\\) does not offer .*, which ${name} needs`));
    expect(error.message).toMatch(/Methods that work with these members: .*unite.*core/);
    // Those named do work.
    for (const alternative of error.details.allowed as Exclude<MethodName, "citer">[]) await open(alternative);
  });

  it("is refused where unite asks for more tokens than they offer", async () => {
    const error = await refusal(() => open({ name: "unite", k: 21 }));
    expect(error.message).toMatch(/its 21 most probable tokens \(it offers 20\), which unite needs/);
  });
});
