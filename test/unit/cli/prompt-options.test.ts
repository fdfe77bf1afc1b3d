/** Flags that would do nothing are refused, or named. */
import { expect, it } from "vitest";
import { checkPromptFlags, unreadVariables } from "../../../src/cli/prompt-options.js";
import { checkThinking } from "../../../src/decoding/thinking/options.js";
import { defineMethod } from "../../../src/during/define-method.js";
import { listDevices } from "../../../src/llama/devices.js";
import { refusal } from "../../support/refusal.js";

it("refuses flags of conversations beside a prompt that is a text, and healing in a conversation", async () => {
  checkPromptFlags({ thinking: "off", templateVar: { a: 1 }, now: "2026-03-07" }, true);
  checkPromptFlags({ healing: true }, false);
  for (const flags of [{ thinking: "off" }, { templateVar: { a: 1 } }, { now: "2026-03-07" }] as const)
    expect((await refusal(() => checkPromptFlags(flags, false))).message).toMatch(/^--[a-z-]+ does nothing .*--chat/);
  expect((await refusal(() => checkPromptFlags({ healing: true }, true))).message).toMatch(/^--healing/);
});

it("names template variables that no member reads", () => {
  const members = [{ name: "a", facts: { chatTemplate: "{% if enable_thinking %}{{ message.mode }}{% endif %}" } }];
  expect(unreadVariables({ templateVar: { enable_thinking: false } }, members)).toEqual([]);
  expect(unreadVariables({ templateVar: { thinking: 1, mode: 2 } }, members)).toEqual([
    "--template-var thinking does nothing: no member's chat template reads it.",
    "--template-var mode does nothing: no member's chat template reads it.",
  ]);
  expect(unreadVariables({ templateVar: { thinking: 1 } }, [{ name: "later" }])).toEqual([]);
});

it("takes a number of tokens for thinking wherever it is said", async () => {
  expect(checkThinking(500)).toEqual({ budget: 500 });
  expect((await refusal(() => checkThinking(-1))).message).toMatch(/a number of tokens/);
});

it("refuses what is no options and no definition", async () => {
  expect((await refusal(() => listDevices(null as never))).code).toBe("invalid-option");
  expect((await refusal(() => listDevices({ gpu: "opencl" as never }))).code).toBe("invalid-option");
  expect((await refusal(() => defineMethod(undefined as never))).code).toBe("invalid-option");
  expect((await refusal(() => defineMethod({ name: "mine" } as never))).message).toMatch(/create/);
});
