import { describe, expect, it } from "vitest";
import { renderPrompt } from "../../../src/decoding/prompt.js";
import { checkRequest } from "../../../src/decoding/request.js";
import { callForm } from "../../../src/decoding/tools/call-form.js";
import { CallSplitter } from "../../../src/decoding/tools/call-splitter.js";
import type { MemberFacts } from "../../../src/member/member.js";

const ADD = {
  name: "add",
  description: "Adds.",
  parameters: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
};
const ASK = [{ role: "user" as const, content: "One and two?" }];
const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';

describe("calls in a text", () => {
  const split = (text: string, size: number) => {
    const splitter = new CallSplitter(true);
    let shown = "";
    for (let at = 0; at < text.length; at += size) shown += splitter.push(text.slice(at, at + size));
    return { text: shown + splitter.flush(), calls: splitter.calls };
  };

  it.each([
    ["a call alone", CALL, "", 1],
    ["text before it, without the space between", `Let me see.\n\n${CALL}`, "Let me see.", 1],
    ["several", `${CALL}\n${CALL}\n`, "", 2],
    ["text around", `a ${CALL} b`, "a b", 1],
    ["none", "a < b <tool_cal> \n", "a < b <tool_cal> \n", 0],
    ["what looks like the end of one within a text of its own", CALL.replace("1", '"</tool_call>"'), "", 1],
    ["one that is cut", `Yes. ${CALL.slice(0, -5)}`, "Yes.", 0],
  ])("are found however it is cut: %s", (_, text, shown, calls) => {
    for (const size of [1, 2, 3, 7, 1000]) {
      const found = split(text, size);
      expect([found.text, found.calls.length, size]).toEqual([shown, calls, size]);
    }
  });
});

it("shows no part of a call where there is nothing but calls", () => {
  const splitter = new CallSplitter(false);
  expect(splitter.push("<tool_ca") + splitter.flush()).toBe("");
});

describe("the form of calls", () => {
  const schemaOf = (parameters: object) =>
    JSON.parse(callForm([{ name: "f", parameters }], { isFree: true, isOne: false })).schema;
  const argumentsOf = (parameters: object) => schemaOf(parameters).anyOf[0].properties.arguments;

  it("leaves out what cannot be enforced, and keeps the rest", () => {
    const parameters = {
      type: "object",
      properties: { a: { type: "number", minimum: 2.5 }, b: { type: "string", format: "color", description: "…" } },
      required: ["a"],
    };
    const { a, b } = argumentsOf(parameters).properties;
    expect([a, b.type]).toEqual([{ type: "number" }, "string"]);
    expect(argumentsOf(parameters).required).toEqual(["a"]);
  });

  it("leads references to where the definitions are", () => {
    const parameters = {
      type: "object",
      properties: { p: { $ref: "#/$defs/P" } },
      $defs: { P: { type: "object", properties: { q: { $ref: "#/$defs/P" } } } },
    };
    const schema = schemaOf(parameters);
    const name = schema.anyOf[0].properties.arguments.properties.p.$ref;
    expect(name).toBe("#/$defs/tool_a_P");
    expect(schema.$defs.tool_a_P.properties.q.$ref).toBe(name);
  });

  it("takes a function without parameters", () => {
    const [call] = JSON.parse(callForm([{ name: "now" }], { isFree: false, isOne: true })).schema.anyOf;
    expect(call.properties.arguments).toEqual({ type: "object", additionalProperties: false });
  });
});

describe("what members are told of tools", () => {
  const read = (chatTemplate: string | undefined, messages: Parameters<typeof renderPrompt>[0]) => {
    const facts = { bosText: "", eosText: "", chatTemplate } as MemberFacts;
    const { prompt } = renderPrompt(messages, { name: "a", facts, templateVariables: {} }, { tools: [ADD] });
    return new TextDecoder().decode(prompt.text as Uint8Array);
  };
  const TALK = [
    ...ASK,
    { role: "assistant" as const, content: "", tool_calls: [{ function: { name: "add", arguments: '{"a": 1}' } }] },
    { role: "tool" as const, content: "3", tool_call_id: "x" },
    { role: "tool" as const, content: "4", tool_call_id: "y" },
  ];
  const OURS =
    "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}" +
    '<tool_call>\n{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}{% endfor %}';

  it("goes through a template that writes our form", () => {
    const text = read(OURS, TALK);
    expect(text).toContain('"description": "Adds."');
    expect(text).toContain(`<assistant>${CALL}<tool>3<tool>4`);
  });

  it.each([
    ["a template without tools", "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"],
    ["a template with another form", OURS.replaceAll("tool_call>", "call>")],
    [
      "a template that refuses tools",
      "{% if tools %}{{ raise_exception('no') }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}",
    ],
    ["no template", undefined],
  ])("is said in words to a member with %s", (_, template) => {
    const text = read(template, TALK);
    expect(text).toContain('{"name":"add","description":"Adds."');
    expect(text).toContain(CALL);
    expect(text).toContain("<tool_response>\n3\n</tool_response>\n<tool_response>\n4\n</tool_response>");
  });

  it("stands behind a system text of the conversation's own", () => {
    const text = read("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", [
      { role: "system", content: "Be brief." },
      ...ASK,
    ]);
    expect(text).toMatch(/^<system>Be brief\.\n\nYou can call/);
  });
});

describe("a request with tools", () => {
  it.each([
    [{ tools: [] }, "tools is"],
    [{ tools: [{}] }, "tools[0].name"],
    [{ tools: [{ ...ADD, strict: true }] }, "tools[0]"],
    [{ tools: [ADD, ADD] }, "one tool of each name"],
    [{ tools: [{ name: "f", parameters: [] }] }, "tools[0].parameters"],
    [{ tools: [ADD], toolChoice: "sometimes" }, "toolChoice"],
    [{ tools: [ADD], toolChoice: { name: "sub" } }, '{ name: "add" }'],
    [{ tools: [ADD], format: { regex: "a" } }, "format"],
    [{ toolChoice: "required" }, "give tools too"],
  ])("is refused: %j", (options, message) => {
    expect(() => checkRequest(ASK, options as object)).toThrow(message);
  });

  it("needs a conversation", () => {
    expect(() => checkRequest("Once", { tools: [ADD] })).toThrow("a list of messages");
    expect(checkRequest("Once", { tools: [ADD], chat: true }).options.tools).toEqual([ADD]);
  });
});
