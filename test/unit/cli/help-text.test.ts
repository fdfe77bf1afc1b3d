import { expect, it } from "vitest";
import { displayWidth } from "../../../src/cli/columns.js";
import { helpText } from "../../../src/cli/help-text.js";

it("leaves what fits as it is", () => {
  const text = "\nExamples:\n  $ llamafuse chat   with the native models\n\nTwo sentences.\nA line each.";
  expect(helpText(text)).toBe(text);
});

it("moves what examples do below them, and wraps remarks", () => {
  const text = [
    "",
    "Examples:",
    "  $ llamafuse chat                  short",
    `  $ llamafuse eval ${"-m model.gguf ".repeat(6)}-M gac  a remark that has no room behind this command`,
    "",
    `A remark that goes on ${"and on ".repeat(14)}`.trimEnd(),
    "and ends here.",
    "The next sentence has its own line.",
  ].join("\n");
  const fitted = helpText(text);
  expect(fitted.split("\n").filter((line) => displayWidth(line) > 80)).toEqual([]);
  expect(fitted).toContain("  $ llamafuse chat\n      short\n");
  expect(fitted).toContain(" \\\n      ");
  expect(fitted).toMatch(/ends here\.\nThe next sentence has its own line\.$/);
});

it("takes lines among the examples that are none", () => {
  const text = `Steps:\n  ${"What the next command does ".repeat(4)}:\n  $ llamafuse chat`.trimEnd();
  expect(
    helpText(text)
      .split("\n")
      .filter((line) => displayWidth(line) > 80),
  ).toEqual([]);
});
