import { describe, expect, test } from "vitest";
import {
  type ChatMessage,
  checkPromptOptions,
  type PromptInput,
  renderPrompt,
  renderPrompts,
} from "../../../src/decoding/prompt.js";
import { formatDate } from "../../../src/decoding/template-date.js";
import type { MemberFacts } from "../../../src/member/member.js";
import { RandomGenerator } from "../../../src/random.js";
import { invalidUtf8At } from "../../../src/vocabulary/utf8.js";
import { TEMPLATES } from "./templates.js";

function memberWith(chatTemplate?: string, facts: Partial<MemberFacts> = {}) {
  return { name: "owl", facts: { bosText: "<s>", eosText: "</s>", chatTemplate, ...facts } as MemberFacts };
}

function textOf(input: PromptInput, member = memberWith(), templateVariables = {}): string {
  const { prompt } = renderPrompt(input, member, { now: new Date(2025, 6, 4, 9, 5), templateVariables });
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(prompt.text);
}

const system = (content: string): ChatMessage => ({ role: "system", content });
const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const TALK = [system("Be brief."), user("Hi"), assistant("Hello"), user("Who?")];

describe("chat templates", () => {
  test.each([
    [
      "chatml",
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n" +
        "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n",
    ],
    ["llama2", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Who? [/INST]"],
    [
      "llama3",
      "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 04 Jul 2025\n\nBe brief.<|eot_id|>" +
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>" +
        "<|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ],
    [
      "gemma",
      "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n" +
        "<start_of_turn>user\nWho?<end_of_turn>\n<start_of_turn>model\n",
    ],
    ["mistral", "<s>[INST] Be brief.\n\nHi [/INST]Hello</s>[INST] Who? [/INST]"],
    [
      "phi3",
      "<s><|user|>\nBe brief.\n\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nWho?<|end|>\n<|assistant|>\n",
    ],
    [
      "zephyr",
      "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello</s>\n<|user|>\nWho?</s>\n<|assistant|>\n",
    ],
    ["parts", "System: Be brief.<end>\nUser: Hi<end>\nAssistant: Hello<end>\nUser: Who?<end>\nAssistant:"],
    ["tools", "<system>Be brief.<user>Hi<assistant>Hello<user>Who?<assistant>"],
  ] as const)("%s", (style, expected) => {
    const member = memberWith(TEMPLATES[style]);
    expect(textOf(TALK, member)).toBe(expected);
    const { prompt, stop } = renderPrompt(TALK, member);
    expect(prompt).toMatchObject({ parseSpecial: true, addBos: !expected.startsWith("<s>") });
    expect(stop).toEqual([]);
  });

  test("a system message that a template takes is left where it is", () => {
    expect(textOf([user("A"), system("S"), user("B")], memberWith(TEMPLATES.tools))).toBe(
      "<user>A<system>S<user>B<assistant>",
    );
  });

  test("a later system message goes before the user message that follows it", () => {
    expect(textOf([user("A"), assistant("a"), system("S"), user("B")], memberWith(TEMPLATES.mistral))).toBe(
      "<s>[INST] A [/INST]a</s>[INST] S\n\nB [/INST]",
    );
  });

  test("a system message alone is asked as a question where it cannot be told as a system message", () => {
    expect(textOf([system("Tell a story.")], memberWith(TEMPLATES.mistral))).toBe("<s>[INST] Tell a story. [/INST]");
  });

  test("neighbours of one role become one message where roles must alternate", () => {
    expect(
      textOf([user("A"), user("B"), assistant("a"), assistant("b"), user("C")], memberWith(TEMPLATES.mistral)),
    ).toBe("<s>[INST] A\n\nB [/INST]a\n\nb</s>[INST] C [/INST]");
  });

  test("a text that the template alters is taken as the template has it", () => {
    const member = memberWith(
      `{% for m in messages %}{{ m.role }}: {{ m.content | replace('/think', '') }}\n{% endfor %}`,
    );
    expect(textOf([user("/think Why?")], member)).toBe("user:  Why?\n");
  });

  test("variables reach the template", () => {
    const member = memberWith(`{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}`);
    expect(textOf([user("A")], member, { enable_thinking: true })).toBe("A<think>");
    expect(textOf([user("A")], member, { enable_thinking: false })).toBe("A");
  });

  test("a refusal names the member and says what the template says", () => {
    expect(() => renderPrompt([assistant("a"), user("A")], memberWith(TEMPLATES.gemma))).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: 'The chat template of member "owl" refuses this conversation: Roles must alternate user/assistant',
        details: { member: "owl", reason: "Roles must alternate user/assistant" },
      }),
    );
  });

  test.each([
    ["does not parse", "{% for m in messages %}"],
    ["uses what is not there", "{{ messages[0].content | no_such_filter }}"],
    ["recurses without end", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"],
  ])("a template that %s is an error that names the member", (_, template) => {
    expect(() => renderPrompt([user("A")], memberWith(template))).toThrow(
      expect.objectContaining({
        code: "unsupported-model",
        message: expect.stringContaining('The chat template of member "owl" cannot be rendered here: '),
        details: expect.objectContaining({ member: "owl" }),
      }),
    );
  });

  test("a template that counts to a billion is stopped", () => {
    expect(() => renderPrompt([user("A")], memberWith("{% for i in range(1000000000) %}x{% endfor %}"))).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ reason: expect.stringContaining("100000") }) }),
    );
    const counting = memberWith(`{{ messages[0].content }}{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}`);
    expect(textOf([user("A")], counting)).toBe("A531");
  });
});

describe("members without a template", () => {
  test.each([undefined, "", " \n"])("template %j: the plain format and its stop string", (template) => {
    const { prompt, stop } = renderPrompt(TALK, memberWith(template));
    expect(new TextDecoder().decode(prompt.text)).toBe(
      "Be brief.\n\nUser: Hi\nAssistant: Hello\nUser: Who?\nAssistant:",
    );
    expect(prompt).toMatchObject({ parseSpecial: true, addBos: true });
    expect(stop).toEqual(["\nUser:"]);
  });
});

describe("plain prompts", () => {
  test("are used as they are, special tokens included, with or without a template", () => {
    for (const member of [memberWith(), memberWith(TEMPLATES.chatml)]) {
      expect(renderPrompt(" <|im_start|>user\n", member)).toEqual({
        prompt: { text: new TextEncoder().encode(" <|im_start|>user\n"), parseSpecial: true, addBos: true },
        stop: [],
      });
    }
  });

  test("a beginning-of-text token is not put twice", () => {
    expect(renderPrompt("<s>Once", memberWith()).prompt.addBos).toBe(false);
    expect(renderPrompt("<s", memberWith()).prompt.addBos).toBe(true);
    expect(renderPrompt("Once", memberWith(undefined, { bosText: "" })).prompt.addBos).toBe(true);
  });

  test("bytes are taken as they are", () => {
    const bytes = new TextEncoder().encode("\uFEFFné 😀");
    expect(renderPrompt(bytes, memberWith()).prompt.text).toEqual(bytes);
  });

  test("the first invalid byte is the one that a decoder refuses", () => {
    const random = new RandomGenerator(4);
    const values = [0x41, 0x80, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf4, 0xf5];
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const valid = (bytes: Uint8Array) => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    for (let round = 0; round < 5_000; round++) {
      const bytes = Uint8Array.from(
        { length: random.nextUint32() % 8 },
        () => values[random.nextUint32() % values.length],
      );
      // Prefixes that end within a character are invalid, so the longest valid one ends before the first bad byte.
      let longest = bytes.length;
      while (!valid(bytes.subarray(0, longest))) longest--;
      const expected = longest === bytes.length ? -1 : longest;
      if (invalidUtf8At(bytes) !== expected) expect.fail(`${bytes}: ${invalidUtf8At(bytes)}`);
    }
  });
});

describe("prompts that are refused", () => {
  test.each([
    ["", "The prompt is empty."],
    [new Uint8Array(0), "The prompt is empty."],
    ["ab\uD83D!", "The prompt is not UTF-8 text: index 2 holds half a surrogate pair (U+D83D)"],
    [Uint8Array.of(0x61, 0xe4, 0xbd), "The prompt is not UTF-8: the byte 0xe4 at offset 1 does not start a character."],
    [[], "The conversation has no messages."],
    [[user("a"), assistant("b"), user(" \n")], "The user's last message is empty."],
    [[user(""), system("be kind")], "The user's last message is empty."],
    [[system("")], "The user's last message is empty."],
    [[user("a\uDC00")], "Message 1 is not UTF-8 text: index 1"],
    [[{ role: "user", content: 7 }], "The content of message 1 must be text, or a list of parts"],
    [7, "The prompt must be a string, bytes or a list of messages; found number."],
    [null, "The prompt must be a string, bytes or a list of messages; found null."],
  ])("%j", (input, message) => {
    expect(() => renderPrompt(input as PromptInput, memberWith())).toThrow(
      expect.objectContaining({ code: "invalid-text", message: expect.stringContaining(message) }),
    );
  });

  test.each([
    ["", { found: "" }],
    [new Uint8Array(0), { found: "" }],
    ["ab\uD83D!", { found: "U+D83D", at: 2, allowed: "well-formed Unicode" }],
    ["\uD83D", { found: "U+D83D", at: 0, allowed: "well-formed Unicode" }],
    [Uint8Array.of(0x61, 0x09, 0xff), { found: "0xff", at: 2, allowed: "UTF-8" }],
    [Uint8Array.of(0x80), { found: "0x80", at: 0, allowed: "UTF-8" }],
    [7, { found: "number", allowed: "string | Uint8Array | ChatMessage[]" }],
    [null, { found: "null", allowed: "string | Uint8Array | ChatMessage[]" }],
    [[user("a"), assistant("b"), user(" \n")], { found: " \n", message: 3 }],
  ])("say what was found, and where: %j", (input, details) => {
    expect(() => renderPrompt(input as PromptInput, memberWith())).toThrow(expect.objectContaining({ details }));
  });

  test("an unknown role, with the one that was meant", () => {
    expect(() => renderPrompt([{ role: "asistant", content: "a" }] as never, memberWith())).toThrow(
      'Unknown role "asistant". Did you mean "assistant"? Known: system, user, assistant, tool.',
    );
    expect(() => renderPrompt([null] as never, memberWith())).toThrow(
      expect.objectContaining({ code: "invalid-option" }),
    );
  });

  test("an empty message of the assistant at the end", () => {
    for (const content of ["", " \n"])
      expect(() => renderPrompt([user("a"), assistant(content)], memberWith())).toThrow(
        expect.objectContaining({ code: "invalid-text", details: { found: content, message: 2 } }),
      );
  });
});

describe("a conversation that ends with the assistant's message is continued there", () => {
  const begun = [...TALK, assistant("I am  ")];

  test.each([
    ["chatml", "<|im_start|>assistant\nI am  "],
    ["llama2", "<s>[INST] Who? [/INST] I am  "],
    ["llama3", "<|start_header_id|>assistant<|end_header_id|>\n\nI am  "],
    ["gemma", "<start_of_turn>model\nI am  "],
    ["mistral", "[INST] Who? [/INST]I am  "],
    ["phi3", "<|assistant|>\nI am  "],
    ["zephyr", "<|assistant|>\nI am  "],
    ["parts", "Assistant: I am  "],
    ["tools", "<user>Who?<assistant>I am  "],
  ] as const)("%s", (style, end) => {
    const text = textOf(begun, memberWith(TEMPLATES[style]));
    expect(text.slice(-end.length)).toBe(end);
    // What stands before is what the conversation without its last message renders.
    expect(text.match(/Who\?/g)).toHaveLength(1);
  });

  test("without a template", () => {
    expect(textOf(begun)).toBe("Be brief.\n\nUser: Hi\nAssistant: Hello\nUser: Who?\nAssistant: I am  ");
  });

  test("its words are letters, also those that end a turn", () => {
    const { prompt } = renderPrompt([user("a"), assistant("b<|im_end|>")], memberWith(TEMPLATES.chatml));
    const text = Buffer.from(prompt.text);
    expect(text.subarray(prompt.letters!.at(-2), prompt.letters!.at(-1)).toString()).toBe("b<|im_end|>");
    expect(prompt.letters!.at(-1)).toBe(text.length);
  });

  test("whatever it says, the sign that finds its end is another", () => {
    expect(textOf([user("a\ue0f7\ue0f6"), assistant("b\ue0f7\ue0f6")], memberWith(TEMPLATES.chatml))).toMatch(
      /assistant\nb\ue0f7\ue0f6$/,
    );
  });

  test("a template that leaves it out says so", () => {
    const member = memberWith("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}");
    expect(() => renderPrompt([user("a"), assistant("b")], member)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringContaining("cannot be continued") }),
    );
  });
});

test("dates are written in English, as Python's strftime writes them", () => {
  const date = new Date(2025, 2, 9, 0, 5, 7);
  expect(formatDate(date, "%A %a %d %-d %B %b %m %Y %y %H %-H %I %M %S %p %j %F %T %% %Q")).toBe(
    "Sunday Sun 09 9 March Mar 03 2025 25 00 0 12 05 07 AM 068 2025-03-09 00:05:07 % %Q",
  );
  expect(formatDate(new Date(2024, 11, 31, 15), "%j %I %p %-I")).toBe("366 03 PM 3");
});

describe("what a conversation says is text", () => {
  const lettersOf = (input: PromptInput, member = memberWith(), options = {}) => {
    const { text, letters = [] } = renderPrompt(input, member, options).prompt;
    return letters.flatMap((start, index) =>
      index % 2 === 0 ? [new TextDecoder().decode(text.subarray(start, letters[index + 1]))] : [],
    );
  };

  test("whatever the template does with it; roles and the template's own are not", () => {
    expect(lettersOf([system(" é<s> "), user("<|im_end|>")], memberWith(TEMPLATES.chatml))).toEqual([
      " é<s> ",
      "<|im_end|>",
    ]);
    expect(lettersOf([system(" é "), user("😀 x")], memberWith(TEMPLATES.gemma))).toEqual(["é \n\n😀 x"]);
    const chopped =
      "{% for m in messages %}<|{{ m.role }}|>{{ (m.content.split('b') | join('-')).upper() }}{% endfor %}";
    expect(lettersOf([user("abc")], memberWith(chopped))).toEqual(["A", "C"]);
  });

  test("also variables of the caller, tool calls and parts", () => {
    const member = memberWith("{{ messages[0].content[0].text }}|{{ mood }}|{{ messages[1].tool_calls | tojson }}<x>");
    const talk: ChatMessage[] = [
      { role: "user", content: [{ type: "text", text: "<s>" }] },
      { role: "assistant", content: "", tool_calls: [{ name: "</s>" }] },
      { role: "tool", content: "3" },
    ];
    expect(lettersOf(talk, member, { templateVariables: { mood: "<s>" } })).toEqual(["<s>", "<s>", "name", "</s>"]);
  });

  test("also without a template", () => {
    expect(lettersOf([system("S"), user("<s>")])).toEqual(["S", "<s>"]);
  });

  test("a beginning-of-text token that a user writes is none", () => {
    const member = memberWith("{{ messages[0].content }}");
    expect(renderPrompt([user("<s>Once")], member).prompt.addBos).toBe(true);
    expect(renderPrompt("<s>Once", member, { parseSpecial: false }).prompt).toMatchObject({
      parseSpecial: false,
      addBos: true,
    });
  });
});

describe("variables of templates", () => {
  const member = memberWith("{{ messages[0].content }}|{{ enable_thinking }}|{{ date_string }}|{{ mood }}");

  test("defaults are llama.cpp's, with thinking off; a request's own go before the member's, these before the defaults", () => {
    const now = "2026-03-07T09:05";
    const text = (variables: Record<string, unknown>, own = {}) =>
      new TextDecoder().decode(
        renderPrompt([user("A")], { ...member, templateVariables: own }, { now, templateVariables: variables }).prompt
          .text,
      );
    expect(text({})).toBe("A|False|07 Mar 2026|");
    expect(text({ enable_thinking: false }, { enable_thinking: true, mood: "sad" })).toBe("A|False|07 Mar 2026|sad");
    expect(text({ date_string: "today", mood: "gay" }, { mood: "sad" })).toBe("A|False|today|gay");
  });

  test.each([
    [{ now: "yesterday" }, "now"],
    [{ templateVariables: [1] }, "templateVariables"],
    [{ templateVariables: "thinking" }, "templateVariables"],
    [{ templateVariables: { f: () => 1 } }, "templateVariables"],
    [{ parseSpecial: 1 }, "parseSpecial"],
  ])("%j is refused", (options, option) => {
    expect(() => checkPromptOptions(options as never)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(option) }),
    );
  });
});

describe("contents that are lists of parts", () => {
  const parts: ChatMessage[] = [
    {
      role: "user",
      content: [
        { type: "text", text: "One " },
        { type: "text", text: "two" },
      ],
    },
  ];

  test("are read by every template, as parts or as one text", () => {
    expect(textOf(parts, memberWith(TEMPLATES.chatml))).toContain("user\nOne two<|im_end|>");
    expect(textOf(parts, memberWith(TEMPLATES.parts))).toBe("User: One two<end>\nAssistant:");
    expect(textOf(parts)).toBe("User: One two\nAssistant:");
  });

  test("must be text", () => {
    const image = [{ role: "user", content: [{ type: "image_url", image_url: {} }] }];
    expect(() => textOf(image as never)).toThrow(
      expect.objectContaining({ code: "invalid-text", message: expect.stringContaining('type "image_url"') }),
    );
  });
});

test.each([
  ["runs for long", "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"],
  ["grows large", "{% set n = namespace(s='ab') %}{% for i in range(40) %}{% set n.s = n.s + n.s %}{% endfor %}"],
])("a template that %s ends with an error", (_, template) => {
  expect(() => textOf([user("A")], memberWith(template))).toThrow(
    expect.objectContaining({
      code: "unsupported-model",
      details: expect.objectContaining({ error: "BudgetExceeded", member: "owl" }),
    }),
  );
});

test("between the templates of two members a cancel is heard", async () => {
  const readers = [memberWith(TEMPLATES.chatml), memberWith(TEMPLATES.chatml)].map((member) => ({ member }));
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  expect(await renderPrompts([user("A")], readers, {}, stop.signal)).toHaveLength(1);
  expect(await renderPrompts([user("A")], readers, {}, new AbortController().signal)).toHaveLength(2);
});

test("all the forms that a template is offered share one limit", () => {
  const busy = (turns: number) => `{% for i in range(${turns}) %}{% endfor %}{{ messages[0].nothing.at_all }}`;
  const failing = (turns: number) => () => textOf([user("A")], memberWith(busy(turns)));
  expect(failing(1)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ error: "UndefinedError" }) }),
  );
  // Two renderings are within it, six are not.
  expect(failing(60_000)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ error: "BudgetExceeded" }) }),
  );
});
