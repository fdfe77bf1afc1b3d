import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { models, run } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-cli-"));
const empty = path.join(folder, "empty.gguf");
const unknown = path.join(folder, "letter.gguf");
const missing = path.join(folder, "nowhere.gguf");

beforeAll(() => {
  writeFileSync(empty, "");
  writeFileSync(unknown, "Dear Sir or Madam,\n".repeat(100));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  args: string[];
  code: number;
  /** Parts of the one line on stderr. */
  says: string[];
  input?: string | Uint8Array;
}

const cases: Record<string, Case> = {
  "an empty file": { args: ["generate", "-m", empty, "Once"], code: 3, says: [empty] },
  "a file of another kind": { args: ["generate", "-m", unknown, "Once"], code: 3, says: [unknown] },
  "a missing file": { args: ["generate", "-m", missing, "Once"], code: 3, says: [missing] },
  "a directory": { args: ["generate", "-m", folder, "Once"], code: 3, says: [folder, "directory"] },
  "a file to inspect that is missing": { args: ["inspect", missing], code: 3, says: [missing] },
  "a text file that is missing": { args: ["inspect", missing, "--text", missing], code: 3, says: [missing] },
  "nothing to inspect": { args: ["inspect"], code: 2, says: ["FILE"] },
  "an unknown command": { args: ["generat", "Once"], code: 2, says: ["generat", "generate"] },
  "help for an unknown command": { args: ["help", "generat"], code: 2, says: ["generat", "generate"] },
  "an unknown flag": {
    args: ["generate", "--temprature", "1", "Once"],
    code: 2,
    says: ["--temprature", "--temperature"],
  },
  "an option of llama.cpp": {
    args: ["generate", "--temp", "1", "Once"],
    code: 2,
    says: ["'--temp'. Use --temperature."],
  },
  "a short option of llama.cpp": {
    args: ["generate", "-ngl", "99", "Once"],
    code: 2,
    says: ["'-ngl'. Use --gpu-layers."],
  },
  "a flag without its value": { args: ["generate", "Once", "--seed"], code: 2, says: ["--seed"] },
  "an unquoted prompt": { args: ["generate", "Once", "upon"], code: 2, says: ["quotes"] },
  "a word too many, where none is a text": {
    args: ["methods", "gac", "unite"],
    code: 2,
    says: ["Expected 1 argument but got 2.\n"],
  },
  "an unknown method": { args: ["generate", "--method", "unit", "Once"], code: 2, says: ['"unit"', '"unite"'] },
  "an unknown option behind a method's name": {
    args: ["generate", "-M", "unite:kk=3", "Once"],
    code: 2,
    says: ['"kk"'],
  },
  "two methods": { args: ["generate", "-M", "unite", "-M", "gac", "Once"], code: 2, says: ["twice", "eval"] },
  "an option of a method where it is evaluated": {
    args: ["eval", "-M", "unite", "-o", "k=3"],
    code: 2,
    says: ["-M unite:k=3"],
  },
  "a temperature of a method": {
    args: ["generate", "-M", "purify", "-o", "temperature=0", "Once"],
    code: 2,
    says: ['The option "temperature" of purify must be above 0'],
  },
  "details of an unknown method": { args: ["methods", "unit"], code: 2, says: ['"unit"', '"unite"'] },
  "an unknown option of a method": { args: ["generate", "-o", "kk=3", "Once"], code: 2, says: ['"kk"', '"k"'] },
  "k = 0": { args: ["generate", "-o", "k=0", "Once"], code: 2, says: ['"k"', "found 0"] },
  "an option without a value": { args: ["generate", "-o", "k", "Once"], code: 2, says: ["--option", '"k"'] },
  "a negative weight": {
    args: ["generate", "-w", "1", "-w", "1", "-w", "-1", "Once"],
    code: 2,
    says: ["weight", "-1"],
  },
  "a weight that is NaN": {
    args: ["generate", "-w", "NaN", "-w", "1", "-w", "1", "Once"],
    code: 2,
    says: ["--weight", "NaN"],
  },
  "weights that are all 0": { args: ["generate", "-w", "0", "-w", "0", "-w", "0", "Once"], code: 2, says: ["weights"] },
  "too few weights": { args: ["generate", "-w", "1", "Once"], code: 2, says: ["--weight", "3 members"] },
  "a temperature that is no number": {
    args: ["generate", "-t", "hot", "Once"],
    code: 2,
    says: ["--temperature", '"hot"'],
  },
  "a negative top-k": { args: ["generate", "--top-k", "-1", "Once"], code: 2, says: ["--top-k", "-1"] },
  "a top-p above 1": { args: ["generate", "--top-p", "1.5", "Once"], code: 2, says: ["--top-p", "1.5"] },
  "half a token": { args: ["generate", "-n", "1.5", "Once"], code: 2, says: ["--max-tokens", "1.5"] },
  "no threads": { args: ["generate", "--threads", "0", "Once"], code: 2, says: ["threads", "0"] },
  "no context": { args: ["generate", "--context-size", "0", "Once"], code: 2, says: ["--context-size", "0"] },
  "half a GPU layer": { args: ["generate", "--gpu-layers", "-1.5", "Once"], code: 2, says: ["--gpu-layers", "-1.5"] },
  "an unknown schedule": {
    args: ["generate", "--schedule", "paralel", "Once"],
    code: 2,
    says: ["paralel", "parallel"],
  },
  "an unknown GPU backend": { args: ["generate", "--gpu", "cude", "Once"], code: 2, says: ["cude", "cuda"] },
  "an empty stop text": { args: ["generate", "--stop", "", "Once"], code: 2, says: ["stop"] },
  "an empty prompt": { args: ["generate", ""], code: 2, says: ["empty"] },
  "an empty stdin": { args: ["generate"], code: 2, says: ["empty"] },
  "a prompt that is not UTF-8": {
    args: ["generate", "-"],
    input: Buffer.from("caf\xe9", "latin1"),
    code: 2,
    says: ["stdin", "UTF-8"],
  },
  "a script that is not UTF-8": {
    args: ["chat"],
    input: Buffer.from("caf\xe9\n", "latin1"),
    code: 2,
    says: ["stdin", "UTF-8"],
  },
  "a prompt that does not fit": {
    args: ["generate"],
    input: "long ".repeat(5000),
    code: 6,
    says: ["prompt", "--context-size"],
  },
  "an unknown benchmark": { args: ["bench", "stp"], code: 2, says: ['"stp"', '"step"'] },
};

describe.skipIf(models === undefined)("an error is one line and an exit code", () => {
  it.each(Object.entries(cases))("%s", async (_, { args, code, says, input }) => {
    const ended = await run(args, { input });
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]+\n$/);
    for (const part of says) expect(ended.stderr).toContain(part);
    expect(ended.code).toBe(code);
  });

  it("--verbose adds the stack below that line", async () => {
    const ended = await run(["generate", "-m", missing, "Once", "--verbose"]);
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]+\n.*\n {4}at /s);
    expect(ended.code).toBe(3);
  });

  it.skipIf(!existsSync("/dev/full"))("an answer for which the disk has no room is one line that says so", () => {
    const full = openSync("/dev/full", "w");
    const args = [path.join("dist", "cli.js"), "methods"];
    const ended = spawnSync(process.execPath, args, { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
    closeSync(full);
    expect(ended.status).toBe(3);
    expect(ended.stderr).toMatch(/^llamafuse: stdout cannot be written: the disk is full \(ENOSPC\)\..*\n$/);
  });

  it("a name with a line break stays on the line", async () => {
    const ended = await run(["inspect", "no\nsuch\u001b[31mfile.gguf"]);
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]+\n$/);
    expect(ended.stderr).not.toContain("\u001b");
    expect(ended.code).toBe(3);
  });
});
