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
  ])(
    "%s writes a switching model that generate uses with these members, and with no others",
    async (method, flags, option) => {
      const output = at(`${method}.json`);
      const trained = await run(["train", method, ...members, "--limit", "30", ...flags, "-o", output, "--json"]);
      expect(trained).toMatchObject({ code: 0, stderr: "" });
      const facts = JSON.parse(trained.stdout);
      expect(facts).toMatchObject({ method, output, examples: 30 });
      expect(facts.used).toBeGreaterThan(15);
      expect(JSON.parse(readFileSync(output, "utf8"))).toMatchObject({
        format: "llamafuse-switching-model",
        version: 1,
        method,
      });

      const generate = ["generate", "--method", method, "-o", `${option}=${output}`, "-n", "12"];
      const prompt = "Question: What is a young deer?\nAnswer:";
      const answered = await run([...generate, ...members, prompt]);
      expect(answered.code).toBe(0);
      expect(answered.stdout).toMatch(/\w+/);
      expect((await run([...generate, ...members, prompt])).stdout).toBe(answered.stdout);

      const swapped = await run([...generate, "-m", wren, "-m", robin, prompt]);
      expect(swapped).toMatchObject({ code: 6, stdout: "" });
      expect(swapped.stderr).toMatch(new RegExp(`${method}.json was trained with "robin".*llamafuse train ${method}`));
    },
  );

  it.each([
    [["citr", ...members], /Unknown method to train "citr".*Did you mean "citer"/],
    [["citer", "-m", robin], /two members; --member was given 1 times/],
    [["cds", ...members, "--metric", "choice"], /metric/],
    [["citer", ...members, "--rounds", "0"], /--rounds must be an integer >= 1; found 0/],
    [["citer", ...members, "--epochs", "0"], /--epochs must be an integer >= 1; found 0/],
    [["citer", ...members, "--learning-rate", "-1"], /--learning-rate must be .* above 0; found -1/],
    [["cds", ...members, "--ridge", "-1"], /--ridge must be .* >= 0; found -1/],
    [["cds", ...members, "-s", "1.5"], /--seed must be an integer .*; found 1.5/],
    [["citer", ...members, "--ridge", "1"], /--ridge applies to training cds.*--rounds, --epochs/],
    [["cds", ...members, "--rounds", "1"], /--rounds applies to training citer.*--ridge/],
    [["cds", ...members, "-w", "1", "-w", "1"], /unknown option '-w'/i],
    [["cds", ...members, "--split", "foo"], /Known: test, development/],
  ])("%j is refused", async (args, message) => {
    const ended = await run(["train", ...args, "-o", at("never.json")]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it.each([
    [[], /METHOD/],
    [["foo"], /Unknown method to train "foo"/],
    [["citer", ...members], /The router needs a file to be written to.*-o router.json/],
  ])("%j says what is missing", async (args, message) => {
    const ended = await run(["train", ...args]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("says in words what was learned, and the command that uses it", async () => {
    const output = at("told.json");
    const { stdout } = await run(["train", "cds", ...members, "--limit", "30", "-o", output]);
    expect(stdout).toMatch(
      /: a classifier for cds, from \d+ tokens of \d+ right answers \(30 questions\), in [\d.]+ s\.\n/,
    );
    expect(stdout).toMatch(/Of \d+ tokens held back, \d+ are critical/);
    expect(stdout).toContain(`llamafuse generate -m ${robin} -m ${wren} -M cds -o classifier=${output} "…"`);
    expect(stdout).not.toMatch(/heldBack|seed/);
  });

  it("Ctrl-C ends it with 130 and one line, also between epochs", async () => {
    const args = ["train", "citer", ...members, "--limit", "5", "--epochs", "100000", "-o", at("stopped.json")];
    const ended = await run(args, { onStart: (child) => setTimeout(() => child.kill("SIGINT"), 5000) });
    expect(ended).toMatchObject({ code: 130, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: Stopped( while loading)?\.\n$/);
  });

  it("says before the training that the file cannot be written", async () => {
    const ended = await run(["train", "cds", ...members, "-o", at("no/such/folder.json")]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/cannot be written/);
  });
});
