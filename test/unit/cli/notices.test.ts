import { expect, it } from "vitest";
import { noticesOfAnswer, noticesOfMembers } from "../../../src/cli/notices.js";
import type { GenerateResult } from "../../../src/decoding/result.js";

const member = (name: string, chatTemplate?: string, trainedContext = 512) => ({
  name,
  facts: { trainedContext, embeddingLength: 8, chatTemplate, bosText: "", eosText: "" },
});
const answer = (finishReason: GenerateResult["finishReason"], steps: number) =>
  ({ finishReason, usage: { steps } }) as GenerateResult;

it("names the members without a chat template, where one is used", () => {
  const members = [member("a"), member("b", "{{ x }}"), member("c", " ")];
  expect(noticesOfMembers({ members }, [], { chat: false })).toEqual([]);
  expect(noticesOfMembers({ members }, [], { chat: true })).toEqual([
    'a, c have no chat template and read plain "User:" and "Assistant:" lines.',
  ]);
});

it("names the members whose context is larger than they were trained for", () => {
  const members = [member("a", "t"), member("b", "t", 8192)];
  const asked = [{ contextSize: 4096 }, { contextSize: 4096 }];
  expect(noticesOfMembers({ members }, asked, { chat: true })).toEqual([
    "Contexts longer than trained for: a (4096, trained for 512). Answers get worse beyond that length.",
  ]);
});

it("tells nothing of members that a router has not loaded", () => {
  expect(noticesOfMembers({ members: [{ name: "a" }] }, [{ contextSize: 99999 }], { chat: true })).toEqual([]);
});

it("asks about a temperature that was meant as threads", () => {
  expect(noticesOfMembers({ members: [] }, [], { chat: false, temperature: 8 })[0]).toMatch(
    /-t is --temperature.*--threads/,
  );
});

it("tells why an answer was cut, unless the limit was asked for", () => {
  expect(noticesOfAnswer(answer("stop", 8), {}, 256)).toEqual([]);
  expect(noticesOfAnswer(answer("length", 256), {}, 256)).toEqual([
    "The answer was cut after 256 tokens. Raise --max-tokens.",
  ]);
  expect(noticesOfAnswer(answer("length", 8), { maxTokens: 8 }, 8)).toEqual([]);
  expect(noticesOfAnswer(answer("length", 5), { maxTokens: 8 }, 8)).toEqual([
    "The answer was cut: the context is full. Raise --context-size.",
  ]);
});
