import { describe, expect, it } from "vitest";
import { methodNamed } from "../../../src/during/methods.js";
import { LogLinearRule } from "../../../src/during/rules/log-linear.js";
import { MinimumRule } from "../../../src/during/rules/minimum.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  sentencePieceVocabulary,
} from "../../../src/laws/scripted-members.js";
import { walk } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { firstDifference } from "../../../src/vocabulary/same-tokens.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const stepOf = (...distributions: number[][]) => ({
  size: distributions[0].length,
  endEntry: -1,
  distributions: distributions.map((values) => Float64Array.from(values)),
  bytesOf: () => new Uint8Array(),
});
/** kl with exponents w / T, or max. */
const fuse = (form: "kl" | "max", weights: number[], temperature: number | number[], ...p: number[][]) => {
  const temperatures = typeof temperature === "number" ? p.map(() => temperature) : temperature;
  const coefficients = weights.map((weight, i) => weight / temperatures[i]);
  const rule = form === "kl" ? new LogLinearRule({ coefficients }) : new MinimumRule({ temperature });
  return Array.from(rule.fuse(stepOf(...p), weights, [...p.keys()]).probabilities);
};
const expectClose = (found: readonly number[], expected: readonly number[], digits = 12) => {
  expect(found.length).toBe(expected.length);
  for (const [index, value] of expected.entries()) expect(found[index]).toBeCloseTo(value, digits);
};

describe("purification", () => {
  const p = [0.7, 0.2, 0.1];
  const q = [0.2, 0.7, 0.1];

  it("has the closed forms of CP-Δ", () => {
    expectClose(fuse("kl", [0.5, 0.5], 1, p, q), [0.441061, 0.441061, 0.117878], 6);
    expectClose(fuse("max", [0.5, 0.5], 1, p, q), [0.4, 0.4, 0.2]);
  });

  it("computes the same with and without logarithms", () => {
    expectClose(fuse("kl", [0.5, 0.5], 1, p, q), fuse("kl", [1, 1], 2, p, q));
    expectClose(fuse("kl", [0.5 - 1e-16, 0.5], 1, p, q), fuse("kl", [0.5, 0.5], 1, p, q));
  });

  it("is the softmax of the weighted logits over the temperature", () => {
    const [alpha, beta, temperature] = [0.8, 0.7, 1.3];
    const raw = p.map((_, j) => Math.exp((alpha * Math.log(p[j]) + beta * Math.log(q[j])) / temperature));
    const sum = raw.reduce((a, b) => a + b);
    expectClose(
      fuse("kl", [alpha, beta], temperature, p, q),
      raw.map((value) => value / sum),
    );
  });

  it("gives every member its own temperature", () => {
    const sharp = p.map((value) => value ** 2 / (0.49 + 0.04 + 0.01));
    const low = sharp.map((value, j) => Math.min(value, q[j]));
    const sum = low.reduce((a, b) => a + b);
    expectClose(
      fuse("max", [0.5, 0.5], [0.5, 1], p, q),
      low.map((value) => value / sum),
    );
  });

  it("does not underflow where exponents are large", () => {
    const [a, b] = fuse("kl", [0.5, 0.5], 1e-3, [0.5, 0.5], [0.5001, 0.4999]);
    expect(a + b).toBeCloseTo(1, 12);
    expect(a / b).toBeCloseTo((0.5001 / 0.4999) ** 500, 9);
  });

  it("refuses members that have nothing in common", () => {
    for (const form of ["kl", "max"] as const)
      expect(() => fuse(form, [0.5, 0.5], 1, [1, 0], [0, 1])).toThrow(
        expect.objectContaining({
          code: "incompatible-members",
          message: expect.stringMatching(/no string is possible for all members.*mean/),
        }),
      );
  });
});

describe("purify", () => {
  const siblings = () => [randomMember(1, byteVocabulary()), randomMember(2, byteVocabulary())];
  const create = (options: object, members: Member[]) =>
    methodNamed({ name: "purify", ...options } as never).create({
      voices: members.map((member) => ({ member, weight: 1 / members.length })),
      greedy: true,
      traceTop: 0,
      advance: async () => {},
    });

  it("takes alpha and beta as the exponents of the two members", async () => {
    const method = { name: "purify", alpha: 1, beta: 0 } as const;
    const fused = await walk({ method, members: siblings(), greedy: false });
    const alone = await walk({ method: { name: "single" }, members: [siblings()[0]], weights: [1], greedy: false });
    expect(fused.text).toEqual(alone.text);
  });

  it.each([
    [
      {},
      () => [randomMember(1, bytePairVocabulary()), randomMember(2, sentencePieceVocabulary())],
      "incompatible-members",
      /"random-1".*"random-2".*first differ at token 0.*gac or unite/,
    ],
    [
      {},
      () => [randomMember(1, bytePairVocabulary()), randomMember(2, bytePairVocabulary(1))],
      "incompatible-members",
      /one vocabulary.*differ/,
    ],
    [
      { alpha: 1, beta: 1 },
      () => [...siblings(), randomMember(3, byteVocabulary())],
      "invalid-option",
      /alpha and beta.*2 members, but the ensemble has 3/,
    ],
    [{ temperature: [1, 1, 1] }, siblings, "invalid-option", /temperature.*3 members, but the ensemble has 2/],
    [{ alpha: 1 }, siblings, "invalid-option", /"beta".*alpha/],
    [{ alpha: 0, beta: 0 }, siblings, "invalid-option", /"alpha".*above 0/],
    [{ form: "max", alpha: 1, beta: 1 }, siblings, "invalid-option", /"alpha".*form "kl"/],
    [{ temperature: 0 }, siblings, "invalid-option", /"temperature"/],
  ])("refuses %j of such members", (options, members, code, message) => {
    expect(() => create(options, members())).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("overlooks what is never text: padding, and an end token that another model has for a control token", async () => {
    const text = (value: string) => ({ bytes: Buffer.from(value) });
    const special = (tokenClass: TokenClass) => ({ bytes: new Uint8Array(), class: tokenClass });
    const base = makeVocabulary([text("a"), text("b"), special(TokenClass.end), special(TokenClass.control)]);
    const chat = makeVocabulary([
      text("a"),
      text("b"),
      special(TokenClass.control),
      special(TokenClass.end),
      special(TokenClass.unused),
    ]);
    expect(firstDifference(base, chat)).toBe(-1);
    expect(firstDifference(base, makeVocabulary([text("a"), text("c")]))).toBe(1);
    expect(firstDifference(base, makeVocabulary([...["a", "b", "c", "d"].map(text)]))).toBe(2);
    const members = [randomMember(1, base), randomMember(2, chat)];
    const { steps } = await walk({ method: { name: "purify" }, members, prompt: "a", greedy: false });
    for (const { probabilities } of steps) expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});
