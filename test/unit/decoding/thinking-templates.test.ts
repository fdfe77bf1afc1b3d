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
  expect(switched(facts, "on", {})).toEqual({ enable_thinking: true });
  expect(switched(facts, "off", { enable_thinking: true })).toEqual({ thinking_budget: 0 });
  // "none" is an effort only where the template knows it.
  expect(switched(member("{{ reasoning_effort }}").facts, "off", {})).toEqual({});
  expect(switched(member("{{ reasoning_effort == 'none' }}").facts, "off", {})).toEqual({ reasoning_effort: "none" });
});

test("what the caller's variables say", () => {
  expect(switchedBy({ mood: "glad" })).toBeUndefined();
  expect(switchedBy({ enable_thinking: false })).toBe("off");
  expect(switchedBy({ thinking: true })).toBe("on");
});

test("a template can turn thinking off where a conversation reads otherwise then", () => {
  expect(canSwitchOff(member("{{ messages[0].content }}{% if not enable_thinking %}<think></think>{% endif %}"))).toBe(
    true,
  );
  expect(canSwitchOff(member("{{ messages[0].content }}{% set x = enable_thinking %}"))).toBe(false);
  expect(canSwitchOff(member("{{ messages[0].content }}"))).toBe(false);
});
