/** Answers that call functions, said by real models that would not call any by themselves. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuse } from "../../src/ensemble/ensemble.js";
import { createEnsemble, type GenerateOptions, loadMembers, type Members } from "../../src/index.js";
import { refusal } from "../support/refusal.js";

const ASK = [{ role: "user" as const, content: "What is the sum of three and four?" }];
const TOOLS = [
  {
    name: "pick",
    description: "Picks an animal.",
    parameters: {
      type: "object",
      properties: { animal: { enum: ["cat", "dog"] }, count: { $ref: "#/$defs/Count" } },
      required: ["animal", "count"],
      $defs: { Count: { type: "integer", minimum: 0, maximum: 9 } },
    },
  },
  { name: "now" },
];
let members: Members;
beforeAll(async () => {
  members = await loadMembers({ members: ["robin", "wren"], gpu: false, schedule: "in-turn" });
});
afterAll(() => members.dispose());

describe.each(["unite", "gac", "bytes", "product"] as const)("%s", (method) => {
  it("calls the function that it has to, with arguments of its schema", async () => {
    const ensemble = await fuse(members, method);
    const options: GenerateOptions = { tools: TOOLS, toolChoice: { name: "pick" }, parallelToolCalls: false };
    for (const temperature of [0, 1]) {
      const result = await ensemble.generate(ASK, { ...options, temperature, seed: 3, maxTokens: 120 });
      expect([result.finishReason, result.text, result.incomplete]).toEqual(["tool-calls", "", undefined]);
      const [{ name, arguments: given }] = result.toolCalls!;
      expect([name, Object.keys(given)]).toEqual(["pick", ["animal", "count"]]);
      expect(["cat", "dog"]).toContain(given.animal);
      expect(given.count).toBeGreaterThanOrEqual(0);
      expect(given.count).toBeLessThanOrEqual(9);
    }
  });

  it("answers in words as it would with the same prompt and no form", async () => {
    const ensemble = await fuse(members, method);
    const options: GenerateOptions = { tools: TOOLS, maxTokens: 12, temperature: 1, seed: 5 };
    const free = await ensemble.generate(ASK, options);
    const without = await ensemble.generate(ASK, { ...options, toolChoice: "none" });
    expect([free.text, free.toolCalls]).toEqual([without.text, undefined]);
  });
});

it("streams a call whole, and no text of it", async () => {
  const ensemble = await fuse(members, "unite");
  const calls: unknown[] = [];
  let text = "";
  const options: GenerateOptions = { tools: TOOLS, toolChoice: "required", parallelToolCalls: false, maxTokens: 120 };
  for await (const chunk of ensemble.stream(ASK, options)) {
    text += chunk.text;
    calls.push(...(chunk.toolCalls ?? []));
  }
  const { toolCalls } = await ensemble.generate(ASK, options);
  expect([text, calls]).toEqual(["", toolCalls]);
});

it("streams a call whose end a stop string may be the beginning of", async () => {
  const ensemble = await fuse(members, "unite");
  const calls: unknown[] = [];
  const options: GenerateOptions = {
    tools: TOOLS,
    toolChoice: "required",
    parallelToolCalls: false,
    stop: "</tool_call>!",
  };
  for await (const chunk of ensemble.stream(ASK, { ...options, maxTokens: 120 }))
    calls.push(...(chunk.toolCalls ?? []));
  expect(calls.length).toBe(1);
});

it("says of a call that maxTokens cuts that it is incomplete", async () => {
  const ensemble = await fuse(members, "unite");
  const result = await ensemble.generate(ASK, { tools: TOOLS, toolChoice: "required", maxTokens: 10 });
  expect(result).toMatchObject({ text: "", finishReason: "length", incomplete: true });
  expect(result.toolCalls).toBeUndefined();
});

it("goes on behind a call and its result", async () => {
  const ensemble = await fuse(members, "unite");
  const call = { id: "1", type: "function", function: { name: "now", arguments: "{}" } };
  const talk = [
    ...ASK,
    { role: "assistant" as const, content: "", tool_calls: [call] },
    { role: "tool" as const, content: "ten o'clock", tool_call_id: "1" },
  ];
  const { text, finishReason } = await ensemble.generate(talk, { tools: TOOLS, maxTokens: 8 });
  expect([text.length > 0, ["stop", "length"].includes(finishReason)]).toEqual([true, true]);
});

it("is refused by name where answers are compared as texts", async () => {
  await using ensemble = await createEnsemble({
    members: ["robin", "wren"],
    method: { name: "agent-forest", samples: 1 },
    gpu: false,
  });
  const error = await refusal(() => ensemble.generate(ASK, { tools: TOOLS }));
  expect([error.code, error.details.option, error.message]).toEqual([
    "invalid-option",
    "tools",
    expect.stringContaining("agent-forest takes no tools"),
  ]);
});
