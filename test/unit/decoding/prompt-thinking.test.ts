/** What a request says of thinking, in the prompt that a member reads. */
import { describe, expect, test } from "vitest";
import { type ChatMessage, renderPrompt } from "../../../src/decoding/prompt.js";
import type { MemberFacts } from "../../../src/member/member.js";

const memberWith = (chatTemplate: string) => ({
  name: "owl",
  facts: { bosText: "<s>", eosText: "</s>", chatTemplate } as MemberFacts,
});
const user = (content: string): ChatMessage => ({ role: "user", content });

describe("thinking in a prompt", () => {
  const switchable = memberWith("{{ messages[0].content }}{% if enable_thinking %}, think{% endif %}:");
  const opening = memberWith("{{ messages[0].content + '<think>\\n' }}");
  const of = (member: typeof opening, options: object) => {
    const { prompt, thinking } = renderPrompt([user("A")], member, options);
    return { text: Buffer.from(prompt.text).toString(), thinking };
  };

  test("sets the template's switch, and may take as many tokens as were asked for", () => {
    for (const [thinking, text, budget] of [
      ["off", "A:", 0],
      ["private", "A, think:", Number.POSITIVE_INFINITY],
      [7, "A, think:", 7],
      [{ budget: 8 }, "A, think:", 8],
    ] as const)
      expect(of(switchable, { thinking })).toMatchObject({ text, thinking: { budget } });
  });

  test("is off where the template can turn it off, and as the caller's variable has it", () => {
    expect(of(switchable, {})).toMatchObject({ text: "A:", thinking: { budget: 0 } });
    const templateVariables = { enable_thinking: true };
    expect(of(switchable, { templateVariables })).toMatchObject({
      text: "A, think:",
      thinking: { budget: Number.POSITIVE_INFINITY },
    });
    expect(of(opening, {}).thinking?.budget).toBe(Number.POSITIVE_INFINITY);
    expect(of(opening, { templateVariables: { enable_thinking: false } }).thinking).toBeUndefined();
  });

  test("that the template begins is closed where it is off, and left open otherwise", () => {
    expect(of(opening, { thinking: "off" })).toEqual({ text: "A<think>\n\n</think>\n\n", thinking: undefined });
    expect(of(opening, { thinking: 1 })).toMatchObject({
      text: "A<think>\n",
      thinking: { budget: 1, opened: { open: "<think>" } },
    });
  });

  test("is not begun by a message that ends with a mark", () => {
    const { text, thinking } = of(memberWith("{{ messages[0].content }}"), { thinking: "private" });
    expect([text, thinking?.opened]).toEqual(["A", undefined]);
    const { thinking: plan } = renderPrompt([user("<think>")], memberWith("{{ messages[0].content }}"), {
      thinking: "private",
    });
    expect(plan?.opened).toBeUndefined();
  });
});
