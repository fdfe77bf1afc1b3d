import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const at = temporaryFolder();

describe.skipIf(models === undefined)("llamafuse train", () => {
  const [robin, wren] = models ?? [];
  const members = ["-m", robin, "-m", wren];

  it.each([
    ["citer", ["--epochs", "20"], "router"],
    ["cds", [], "classifier"],
  ])("%s writes a judge that generate uses with these members, and with no others", async (method, flags, option) => {
    const output = at(`${method}.json`);
    const trained = await run(["train", method, ...members, "--limit", "30", ...flags, "-o", output, "--json"]);
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    const facts = JSON.parse(trained.stdout);
    expect(facts).toMatchObject({ method, output, examples: 30 });
    expect(facts.used).toBeGreaterThan(15);
    expect(JSON.parse(readFileSync(output, "utf8"))).toMatchObject({ format: "llamafuse-judge", version: 1, method });

    const generate = ["generate", "--method", method, "-o", `${option}=${output}`, "-n", "12"];
    const prompt = "Question: What is a young deer?\nAnswer:";
    const answered = await run([...generate, ...members, prompt]);
    expect(answered.code).toBe(0);
    expect(answered.stdout).toMatch(/\w+/);
    expect((await run([...generate, ...members, prompt])).stdout).toBe(answered.stdout);

    const swapped = await run([...generate, "-m", wren, "-m", robin, prompt]);
    expect(swapped).toMatchObject({ code: 6, stdout: "" });
    expect(swapped.stderr).toMatch(new RegExp(`${method}.json was trained with "robin".*llamafuse train ${method}`));
  });

  it.each([
    [["citr", ...members], /Unknown method to train "citr".*Did you mean "citer"/],
    [["citer", "-m", robin], /two members; --member was given 1 times/],
    [["cds", ...members, "--metric", "choice"], /metric/],
  ])("%j is refused", async (args, message) => {
    const ended = await run(["train", ...args, "-o", at("never.json")]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("says before the training that the file cannot be written", async () => {
    const ended = await run(["train", "cds", ...members, "-o", at("no/such/folder.json")]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/cannot be written/);
  });
});
