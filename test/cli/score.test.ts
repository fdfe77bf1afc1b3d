import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readTexts } from "../../src/cli/score/texts.js";
import { models, run } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-score-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe("texts", () => {
  it("are files, parts of files, and JSON lines, without the line breaks around them", async () => {
    const plain = write("plain.txt", "\nOne.\n---\n\nTwo.\n---\n");
    expect(await readTexts([plain], {})).toEqual(["One.\n---\n\nTwo.\n---"]);
    expect(await readTexts([plain], { separator: "---" })).toEqual(["One.", "Two."]);
    const lines = write("lines.jsonl", '"One."\n{"text": "Two."}\n');
    expect(await readTexts([lines, plain], { separator: "---", limit: 3 })).toEqual(["One.", "Two.", "One."]);
  });

  it("are cut at whole characters", async () => {
    expect(await readTexts([write("cut.txt", "añb")], { maxBytes: 2 })).toEqual(["a"]);
  });

  it("name the line that has none", async () => {
    const file = write("bad.jsonl", '"One."\n{"texts": 2}\n');
    await expect(readTexts([file], {})).rejects.toMatchObject({ code: "invalid-data" });
    await expect(readTexts([file], {})).rejects.toThrow(/bad\.jsonl:2/);
  });
});

describe.skipIf(models === undefined)("llamafuse score", () => {
  const file = write("story.txt", "Once upon a time there was a cat.<|>The dog saw the cat.");
  const members = (models ?? []).flatMap((model) => ["-m", model]);

  it("--json holds the figures of members and method", async () => {
    const ended = await run(["score", file, ...members, "-M", "bytes:rule=product", "--separator", "<|>", "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const scores = JSON.parse(ended.stdout);
    expect(Object.keys(scores)).toEqual(["texts", "bytes", "tokens", "bitsPerByte", "members"]);
    expect(scores).toMatchObject({ texts: 2, bytes: 53, members: [{ name: "robin" }, { name: "wren" }] });
    expect(scores.bitsPerByte).toBeGreaterThan(0);
    expect(scores.bitsPerByte).toBeLessThan(
      Math.max(...scores.members.map((member: typeof scores) => member.bitsPerByte)),
    );
  });

  it("scores one model in its own tokens, and prints a table", async () => {
    const ended = await run(["score", file, ...members.slice(0, 2), "--max-bytes", "20"]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/robin +\d+\.\d{4}/);
    expect(ended.stdout).toContain("1 text, 20 bytes");
  });

  it("refuses what it cannot score", async () => {
    expect(await run(["score", path.join(folder, "none.txt"), ...members])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("none.txt"),
    });
    expect(await run(["score", file, "--limit", "0"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--limit"),
    });
  });
});
