import { describe, expect, test } from "vitest";
import { type ChatMessage, type PromptInput, renderPrompt } from "../../../src/decoding/prompt.js";
import { formatDate } from "../../../src/decoding/template-date.js";
import type { MemberFacts } from "../../../src/member/member.js";
import { RandomGenerator } from "../../../src/random.js";
import { invalidUtf8At } from "../../../src/vocabulary/utf8.js";
import { TEMPLATES } from "./templates.js";

function memberWith(chatTemplate?: string, facts: Partial<MemberFacts> = {}) {
  return { name: "owl", facts: { bosText: "<s>", eosText: "</s>", chatTemplate, ...facts } as MemberFacts };
}

function textOf(input: PromptInput, member = memberWith(), variables = {}): string {
  const { prompt } = renderPrompt(input, member, { now: new Date(2025, 6, 4, 9, 5), variables });
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
    expect(textOf([user("A")], member)).toBe("A");
    expect(textOf([user("A")], member, { enable_thinking: true })).toBe("A<think>");
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
    for (let round = 0; round < 20_000; round++) {
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
    ["ab\uD83D!", "The prompt is not UTF-8 text: at index 2 stands half a surrogate pair (U+D83D)"],
    [Uint8Array.of(0x61, 0xe4, 0xbd), "The prompt is not UTF-8: the byte 0xe4 at offset 1 begins no character."],
    [[], "The conversation has no messages."],
    [[user("a"), assistant("b"), user(" \n")], "The user's last message is empty."],
    [[user(""), system("be kind")], "The user's last message is empty."],
    [[system("")], "The user's last message is empty."],
    [[user("a\uDC00")], "Message 1 is not UTF-8 text: at index 1"],
    [[{ role: "user", content: 7 }], "The content of message 1 must be text."],
    [7, "The prompt must be a string, bytes or a list of messages; found number."],
    [null, "The prompt must be a string, bytes or a list of messages; found null."],
  ])("%j", (input, message) => {
    expect(() => renderPrompt(input as PromptInput, memberWith())).toThrow(
      expect.objectContaining({ code: "invalid-text", message: expect.stringContaining(message) }),
    );
  });

  test("an unknown role, with the one that was meant", () => {
    expect(() => renderPrompt([{ role: "asistant", content: "a" }] as never, memberWith())).toThrow(
      'Unknown role "asistant". Did you mean "assistant"? Known: system, user, assistant.',
    );
    expect(() => renderPrompt([null] as never, memberWith())).toThrow(
      expect.objectContaining({ code: "invalid-option" }),
    );
  });

  test("a conversation that ends with the assistant", () => {
    expect(() => renderPrompt([user("a"), assistant("b")], memberWith())).toThrow(
      expect.objectContaining({ code: "invalid-option", details: { found: "assistant", allowed: "user", message: 2 } }),
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
