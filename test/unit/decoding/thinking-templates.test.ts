/** What chat templates say of thinking: marks, and switches. */
import { expect, test } from "vitest";
import { marksOf } from "../../../src/decoding/thinking/marks.js";
import { canSwitchOff, switched, switchedBy } from "../../../src/decoding/thinking/switches.js";
import type { MemberFacts } from "../../../src/member/member.js";

const member = (chatTemplate: string) => ({
  name: "owl",
  facts: { bosText: "", eosText: "", chatTemplate } as MemberFacts,
});
const turn = (thought: string) =>
  `{% for m in messages %}<|turn|>{{ m.role }}\n{% if m.reasoning_content %}${thought}{% endif %}{{ m.content }}<|end|>{% endfor %}`;

test("a mark that only the template knows is found, with what stands around it", () => {
  const [marks] = marksOf(member(turn("<ponder>\n{{ m.reasoning_content }}\n</ponder>\n\n")));
  expect(marks).toEqual({ open: "<ponder>", close: "</ponder>", closing: "\n</ponder>\n\n" });
});

test("a mark that the template writes only where it is told to think, behind an answer, is found", () => {
  const told = turn("<ponder>{{ m.reasoning_content }}</ponder>").replace(
    "{% if m.reasoning_content %}",
    "{% if m.reasoning_content and enable_thinking and thinking and not add_generation_prompt %}",
  );
  expect(marksOf(member(told))[0]).toEqual({ open: "<ponder>", close: "</ponder>", closing: "</ponder>" });
});

test.each(["reasoning_content", "reasoning", "thinking"])("a thought that the template reads as %s", (name) => {
  const template = turn("<ponder>{{ m.reasoning_content }}</ponder>").replaceAll("reasoning_content", name);
  expect(marksOf(member(template))[0].open).toBe("<ponder>");
});

test("what is long between a thought and its answer does not belong to the mark", () => {
  const closing = (filler: string) =>
    marksOf(member(turn(`<ponder>{{ m.reasoning_content }}</ponder>${filler}`)))[0].closing;
  expect(closing("-".repeat(60 - "</ponder>".length))).toHaveLength(60);
  expect(closing("-".repeat(61 - "</ponder>".length))).toBe("</ponder>");
});

test("a published mark in a template keeps what is known of it, and is there once", () => {
  const { facts, name } = member(
    turn("<|START_THINKING|>{{ m.reasoning_content }}<|END_THINKING|>").replace(
      "{{ m.content }}",
      "<|START_RESPONSE|>{{ m.content }}",
    ),
  );
  const marks = marksOf({ facts, name });
  expect(marks[0]).toEqual({
    open: "<|START_THINKING|>",
    close: "<|END_THINKING|>",
    closing: "<|END_THINKING|><|START_RESPONSE|>",
    answer: "<|START_RESPONSE|>",
    turn: "",
  });
  expect(new Set(marks.map(({ open }) => open)).size).toBe(marks.length);
  expect(marks).toHaveLength(marksOf(member("")).length);
  expect(marksOf({ facts, name })).toBe(marks);
});

test.each([
  ["a thought without marks", turn("{{ m.reasoning_content }} ")],
  ["no thought", turn("")],
  [
    "the mark of a turn",
    "{% for m in messages %}<turn>{{ m.reasoning_content }}{% if m.reasoning_content %}<sep>{% endif %}{{ m.content }}{% endfor %}",
  ],
  ["a template that refuses", "{{ raise_exception('no') }}"],
])("%s is no mark", (_, template) => {
  expect(marksOf(member(template))[0].open).toBe("<think>");
});

test("switches are those that the template reads, but for what the caller has set", () => {
  const { facts } = member("{% if enable_thinking %}{{ thinking_budget }}{% endif %}");
  expect(switched(facts, "off", {})).toEqual({ enable_thinking: false, thinking_budget: 0 });
  // A budget is the template's own where it thinks.
  expect(switched(facts, "on", {})).toStrictEqual({ enable_thinking: true });
  expect(switched(member("{{ enable_thinking_more }}").facts, "on", {})).toEqual({});
  expect(switched(facts, "off", { enable_thinking: true })).toStrictEqual({ thinking_budget: 0 });
  // "none" is an effort only where the template knows it.
  expect(switched(member("{{ reasoning_effort }}").facts, "off", {})).toEqual({});
  expect(switched(member("{{ reasoning_effort == 'none' }}").facts, "off", {})).toEqual({ reasoning_effort: "none" });
});

test("what the caller's variables say", () => {
  expect(switchedBy({ mood: "glad" })).toBeUndefined();
  expect(switchedBy({ enable_thinking: false })).toBe("off");
  expect(switchedBy({ thinking: true })).toBe("on");
  expect(switchedBy({ enable_thinking: true, thinking: false })).toBe("off");
  expect(switchedBy({ thinking_budget: 0 })).toBe("off");
  expect(switchedBy({ thinking_budget: 9, reasoning_effort: "high" })).toBe("on");
});

test("a template can turn thinking off where a conversation reads otherwise then", () => {
  expect(canSwitchOff(member("{{ messages[0].content }}{% if not enable_thinking %}<think></think>{% endif %}"))).toBe(
    true,
  );
  expect(canSwitchOff(member("{{ messages[0].content }}{% set x = enable_thinking %}"))).toBe(false);
  expect(canSwitchOff(member("{{ messages[0].content }}"))).toBe(false);
  // One that refuses to be turned off has no such switch.
  const refusing = "{{ messages[0].content }}{% if not enable_thinking %}{{ raise_exception('no') }}{% endif %}";
  expect(canSwitchOff(member(refusing))).toBe(false);
});
