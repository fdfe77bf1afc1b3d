import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const at = temporaryFolder();
const file = at("ensemble.json");

describe.skipIf(models === undefined)("an ensemble in a file", () => {
  it("init writes it, every command reads it, options win over it", async () => {
    const written = await run([
      "init",
      file,
      "-m",
      "robin",
      "-m",
      models![1],
      "-w",
      "2",
      "-w",
      "1",
      "-M",
      "gac",
      "-n",
      "4",
    ]);
    expect(written).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      $schema: expect.stringMatching(/ensemble\.schema\.json$/),
      members: [
        { model: "robin", weight: 2 },
        { model: expect.stringMatching(/wren\.gguf$/), weight: 1 },
      ],
      method: "gac",
      request: { maxTokens: 4 },
    });
    const answered = await run(["generate", "--ensemble", file, "--json", "Once"]);
    expect(JSON.parse(answered.stdout)).toMatchObject({ method: "gac", usage: { steps: 4 } });
    const other = await run([
      "generate",
      "--ensemble",
      file,
      "-n",
      "2",
      "-M",
      "unite",
      "-m",
      "finch",
      "--json",
      "Once",
    ]);
    expect(JSON.parse(other.stdout)).toMatchObject({
      usage: { steps: 2, memberTokens: { finch: expect.any(Number) } },
    });
    const inspected = await run(["inspect", "--ensemble", file, "--json"]);
    expect(JSON.parse(inspected.stdout).models.map(({ name }: { name: string }) => name)).toEqual(["robin", "wren"]);
  });

  it("init never replaces a file without --force, and writes nothing that is wrong", async () => {
    const before = readFileSync(file, "utf8");
    expect(await run(["init", file])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/already exists.*--force/),
    });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect((await run(["init", file, "--force"])).code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8")).members).toEqual(["robin", "wren", "finch"]);
    const wrong = at("wrong.json");
    expect(await run(["init", wrong, "-M", "unit"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"unite"/),
    });
    expect(existsSync(path.resolve(wrong))).toBe(false);
  });

  it("what is wrong in it is named with its file and field", async () => {
    const wrong = at("typo.json", JSON.stringify({ members: ["robin"], metod: "gac" }));
    expect(await run(["generate", "--ensemble", wrong, "Once"])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/typo\.json has the unknown field metod\. Did you mean "method"\?/),
    });
  });
});
