import { expect, test } from "vitest";
import { chatTemplateIn } from "../../../src/llama/chat-template.js";

test("the default template goes first, and one named tool_use stands in for it", () => {
  const of = (metadata: Record<string, string>) => chatTemplateIn((key) => metadata[key]);
  const both = { "tokenizer.chat_template": "a", "tokenizer.chat_template.tool_use": "b" };
  expect(of(both)).toBe("a");
  expect(of({ ...both, "tokenizer.chat_template": " " })).toBe("b");
  expect(of({ "tokenizer.chat_template.tool_use": "b" })).toBe("b");
  expect(of({ "tokenizer.chat_template.rag": "c" })).toBeUndefined();
});
