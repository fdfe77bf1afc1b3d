/** What a request may say, up to its bounds. */
import { describe, expect, it } from "vitest";
import { checkDefaults, checkRequest, checkScoring, type GenerateOptions } from "../../../src/decoding/request.js";
import { MAX_TOP } from "../../../src/member/offers.js";
import { refusal } from "../../support/refusal.js";

const optionsOf = (given: GenerateOptions, defaults?: GenerateOptions) => checkRequest("a", given, defaults).options;

describe("a request", () => {
  it.each<[GenerateOptions, object]>([
    [{ maxTokens: 0 }, { maxTokens: 0 }],
    [{ maxTokens: Number.MAX_SAFE_INTEGER }, { maxTokens: Number.MAX_SAFE_INTEGER }],
    [{ trace: 0 }, { traceTop: 0 }],
    [{ trace: MAX_TOP }, { traceTop: MAX_TOP }],
    [{ trace: true }, { traceTop: 5 }],
    [
      { logProbs: true, reusePrompt: true },
      { logProbs: true, reusePrompt: true },
    ],
    [{ stop: "x" }, { stop: ["x"] }],
    [{ stop: ["x", "y", "x"] }, { stop: ["x", "y"] }],
    [{ seed: 0 }, { seed: 0 }],
    [{ parseSpecial: false }, { parseSpecial: false }],
    [{ now: "2026-03-07T09:05Z" }, { now: new Date("2026-03-07T09:05Z") }],
    [{ templateVariables: { a: 1 } }, { templateVariables: { a: 1 } }],
  ])("takes %j", (given, wanted) => {
    expect(optionsOf(given)).toMatchObject(wanted);
  });

  it.each<[unknown, RegExp]>([
    [{ maxTokens: -1 }, /maxTokens.*0 to 9007199254740991/],
    [{ maxTokens: 1.5 }, /maxTokens/],
    [{ maxTokens: "3" }, /maxTokens/],
    [{ maxTokens: null }, /maxTokens/],
    [{ trace: MAX_TOP + 1 }, new RegExp(`trace.*0 to ${MAX_TOP}`)],
    [{ trace: -1 }, /trace/],
    [{ trace: "yes" }, /trace/],
    [{ logProbs: 1 }, /logProbs/],
    [{ reusePrompt: "no" }, /reusePrompt/],
    [{ signal: null }, /signal/],
    [{ signal: {} }, /signal/],
    [{ chat: 1 }, /chat/],
    [{ system: 5 }, /system/],
    [{ parseSpecial: 0 }, /parseSpecial/],
    [{ now: "noon" }, /now/],
    [{ templateVariables: [] }, /templateVariables/],
    [{ templateVariables: null }, /templateVariables/],
    [{ templateVariables: "x" }, /templateVariables/],
    [{ templateVariables: { f: () => 1 } }, /templateVariables/],
    [{ seed: -1 }, /seed/],
    [{ temperature: -0.1 }, /temperature/],
    [{ maxToken: 3 }, /maxToken.*maxTokens/],
    [{ stop: [""] }, /stop/],
    ["x", /request/],
    [null, /request/],
  ])("refuses %j", async (given, message) => {
    const error = await refusal(() => checkRequest("a", given as GenerateOptions));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(message);
  });

  it("fills in what an ensemble says for all requests, and says no more than it knows", () => {
    expect(optionsOf({ maxTokens: 3 }, { maxTokens: 9, temperature: 0.5 })).toMatchObject({
      maxTokens: 3,
      temperature: 0.5,
    });
    const plain = optionsOf({});
    for (const option of ["seed", "signal", "templateVariables", "now", "parseSpecial"])
      expect(plain).not.toHaveProperty(option);
    const { signal } = new AbortController();
    expect(optionsOf({ signal }).signal).toBe(signal);
  });

  it("copies what the caller may change later", () => {
    const bytes = Buffer.from("abc");
    const templateVariables = { list: [1] };
    const message = { role: "user" as const, content: "hi" };
    const { prompt, options } = checkRequest(bytes, { templateVariables });
    const chat = checkRequest([message]);
    bytes[0] = 0x78;
    templateVariables.list.push(2);
    message.content = "bye";
    expect(Buffer.from(prompt as Uint8Array).toString()).toBe("abc");
    expect(options.templateVariables).toEqual({ list: [1] });
    expect(chat.prompt).toEqual([{ role: "user", content: "hi" }]);
  });
});

describe("a prompt", () => {
  const user = { role: "user" as const, content: "a" };
  const system = (content: string) => ({ role: "system" as const, content });

  it("is the user's message in a chat, behind what the members are told", () => {
    const promptOf = (prompt: Parameters<typeof checkRequest>[0], given: GenerateOptions) =>
      checkRequest(prompt, given).prompt;
    expect(promptOf("a", {})).toBe("a");
    expect(promptOf("a", { chat: false })).toBe("a");
    expect(promptOf("a", { chat: true })).toEqual([user]);
    expect(promptOf("a", { system: "be brief" })).toEqual([system("be brief"), user]);
    expect(promptOf("a", { system: "be brief", chat: false })).toEqual([system("be brief"), user]);
    expect(promptOf([user], { chat: true })).toEqual([user]);
    expect(promptOf([user], { system: "be brief" })).toEqual([system("be brief"), user]);
    expect(promptOf([system("own"), user], { system: "be brief" })).toEqual([system("own"), user]);
    expect(promptOf(Buffer.from("a"), { chat: true })).toEqual(new Uint8Array([0x61]));
  });
});

describe("defaults of an ensemble", () => {
  it("are checked, and have no signal", async () => {
    expect(checkDefaults()).toEqual({});
    expect(checkDefaults({ maxTokens: 3 })).toEqual({ maxTokens: 3 });
    expect((await refusal(() => checkDefaults({ maxTokens: -3 }))).message).toMatch(/maxTokens/);
    const { signal } = new AbortController();
    expect((await refusal(() => checkDefaults({ signal }))).message).toMatch(/signal/);
    expect((await refusal(() => checkDefaults({ maxTokns: 3 } as never))).message).toMatch(/maxTokens/);
  });
});

describe("a text to score", () => {
  it("is text, and its options are few", async () => {
    expect(checkScoring("a", "b", { reusePrompt: true })).toMatchObject({
      prompt: "a",
      text: "b",
      options: { reusePrompt: true },
    });
    for (const [text, message] of [
      ["", /empty/],
      [5, /is 5/],
      ["a\ud800", /surrogate/],
    ] as const) {
      const error = await refusal(() => checkScoring("a", text as string));
      expect([error.code, message.test(error.message)]).toEqual(["invalid-text", true]);
    }
    for (const options of [{ maxTokens: 3 }, { reusePrompt: 1 }, { signal: 1 }, { now: "noon" }])
      expect((await refusal(() => checkScoring("a", "b", options as never))).code).toBe("invalid-option");
    expect((await refusal(() => checkScoring("", "b"))).code).toBe("invalid-text");
  });
});
