import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const at = temporaryFolder();
const members = (models ?? []).flatMap((file) => ["-m", file]);
const QUICK = ["determine", ...members, "--limit", "8", "--threads", "1"];

interface Printed {
  models: { name: string; reason: string; isChosen: boolean; gap: number; length: number; grade: { value: number } }[];
  chosen: string[];
  questions: number;
  settings: { maxGap: number; maxLengthRatio: number };
}

describe.skipIf(models === undefined)("llamafuse determine", () => {
  it("prints a line for each candidate, and the command that combines the chosen", async () => {
    const ended = await run([...QUICK, "--max-gap", "1"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^native {2}8 questions/);
    for (const name of ["robin", "wren"]) expect(ended.stdout).toMatch(new RegExp(`^✓ +${name} +\\d`, "m"));
    expect(ended.stdout).toMatch(/llamafuse generate -m (robin -m wren|wren -m robin) "…"/);
  });

  it("--json is one document, whose grades are those of eval", async () => {
    const ended = await run([...QUICK, "--json", "--max-gap", "1"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const printed = JSON.parse(ended.stdout) as Printed;
    const evaluated = await run([
      "eval",
      ...members,
      "-M",
      "gac",
      "--limit",
      "8",
      "--threads",
      "1",
      "--split",
      "development",
      "--json",
    ]);
    const { rows } = JSON.parse(evaluated.stdout).tasks[0];
    expect(printed.questions).toBe(8);
    expect(printed.settings).toMatchObject({ maxGap: 1, maxLengthRatio: 2 });
    expect(printed.models.map(({ name }) => name).sort()).toEqual(["robin", "wren"]);
    expect(printed.models[0].reason).toBe("best");
    expect(printed.models[0].grade.value).toBeGreaterThanOrEqual(printed.models[1].grade.value);
    expect(printed.chosen[0]).toBe(printed.models[0].name);
    for (const { name, grade, length } of printed.models) {
      const row = rows.find((each: { name: string }) => each.name === name);
      expect(grade.value).toBe(row.all.value);
      expect(length).toBeGreaterThan(3);
    }
  });

  it("leaves out a model that is too weak, and goes on from a ledger", async () => {
    const task = at("sums.jsonl", '{"question": "Question: What is a young deer?\\nAnswer:", "answers": ["fawn"]}\n');
    const ledger = at("runs.jsonl");
    const args = ["determine", ...members, "--task", task, "--ledger", ledger, "--threads", "1", "-n", "12", "--json"];
    const first = JSON.parse((await run(args)).stdout) as Printed;
    expect(first.questions).toBe(1);
    expect(first.models[1].reason).toBe(first.models[1].gap > 0.1 ? "gap" : "compatible");
    expect(first.chosen).toHaveLength(first.models[1].gap > 0.1 ? 1 : 2);
    expect(existsSync(ledger)).toBe(true);
    const kept = readFileSync(ledger, "utf8");
    expect(JSON.parse((await run(args)).stdout)).toEqual(first);
    expect(readFileSync(ledger, "utf8")).toBe(kept);
  });

  it.each([
    [["--max-gap", "10"], 2, "--max-gap is 10"],
    [["--most", "0"], 2, "most"],
    [["--task", "nowhere.jsonl"], 3, "nowhere.jsonl"],
    [["nowhere.jsonl"], 3, "nowhere.jsonl"],
    [["--split", "foo"], 2, "Known: test, development."],
    [["-w", "1"], 2, "-w"],
  ])("%j is one line of error", async (args, code, part) => {
    const ended = await run([...QUICK, ...args]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]+\n$/);
    expect(ended.stderr).toContain(part);
  });

  it("wants two candidates", async () => {
    const ended = await run(["determine", "-m", models![0]]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("two");
  });
});
