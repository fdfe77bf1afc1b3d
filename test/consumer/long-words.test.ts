/** The built package gives llama.cpp's recursive tokenizers the large stack that long words need. */
import { describe, expect, it } from "vitest";
import { field } from "../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { run } from "../cli/run.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const CONTEXT = 64;
/** Of this kind: split by std::regex, one nested call a character. */
const SPLITTER = "gpt-4o";

function recursiveModel(): string {
  const file = at("recursive.gguf");
  const metadata = { "tokenizer.ggml.pre": field.string(SPLITTER) };
  writeTinyModel(file, { tokenizer: "bpe", contextLength: CONTEXT, metadata });
  return file;
}

const base64 = (length: number) =>
  Buffer.from("What a long line this is! ".repeat(length)).toString("base64").slice(0, length);

describe("a text with a long word", () => {
  const file = recursiveModel();
  const ask = (prompt: string) => run(["generate", "--member", file, "--max-tokens", "1", "-"], { input: prompt });

  it.each([
    ["a base64 line", base64(20_000)],
    ["a ruler line", `Title\n${"=".repeat(20_000)}\n`],
  ])("is tokenised: %s of 20,000 characters only overflows the context", async (_, prompt) => {
    const { code, stderr } = await ask(prompt);
    expect(stderr).toMatch(/The prompt is \d{5} tokens/);
    expect(code).toBe(6);
  });

  it("is refused beyond what the stack holds, with the length that fits", async () => {
    const { code, stderr } = await ask(base64(30_000));
    expect(stderr).toContain("a word of 30000 characters");
    expect(Number(/takes at most (\d+)/.exec(stderr)?.[1])).toBeGreaterThan(21_000);
    expect(code).toBe(2);
  });
});
