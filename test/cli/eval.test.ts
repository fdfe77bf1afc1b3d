import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const at = temporaryFolder();
const members = (models ?? []).flatMap((file) => ["-m", file]);
const QUICK = ["eval", ...members, "-M", "gac", "--limit", "4", "--threads", "1"];

interface Report {
  tasks: { rows: { name: string; kind: string; cost: unknown }[]; questions: { results: { text: string }[] }[] }[];
  settings: { seed: number };
}

/** What two runs of one seed share: everything but times. */
function timeless(stdout: string): unknown {
  const { tasks } = JSON.parse(stdout) as Report;
  return tasks.map((task) => ({ ...task, rows: task.rows.map(({ cost: _, ...row }) => row) }));
}

describe.skipIf(models === undefined)("llamafuse eval", () => {
  it("prints a row for each member, each method and the oracle", async () => {
    const ended = await run(QUICK);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^native {2}4 questions, .* greedy, seed 0$/m);
    for (const row of ["robin", "wren", "gac", "oracle"]) expect(ended.stdout).toMatch(new RegExp(`^${row} +\\d`, "m"));
    expect(ended.stdout).not.toContain("single");
  });

  it("writes pairs to train a fuser by: the members' best answers, and the reference", async () => {
    const file = at("pairs.jsonl");
    const ended = await run(["eval", ...members, "--limit", "2", "--threads", "1", "--fusion-pairs", file]);
    expect(ended).toMatchObject({ code: 0 });
    const pairs = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(pairs).toHaveLength(2);
    for (const { question, candidates, messages } of pairs) {
      expect(messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant"]);
      expect(messages[0].content).toContain(question);
      for (const { text } of candidates) expect(messages[0].content).toContain(text);
      expect(candidates[0].quality).toBeGreaterThanOrEqual(candidates.at(-1).quality);
    }
  });

  it("--json is one document; the same seed gives the same table and the same answers", async () => {
    const args = [...QUICK, "--json", "-t", "0.8", "-s", "3"];
    const [first, again] = [await run(args), await run(args)];
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(first.stdout) as Report;
    expect(report.settings.seed).toBe(3);
    expect(report.tasks[0].rows.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "member robin",
      "member wren",
      "method gac",
      "oracle oracle",
    ]);
    expect(report.tasks[0].questions).toHaveLength(4);
    expect(timeless(again.stdout)).toEqual(timeless(first.stdout));
  });

  it("takes files in their formats, several tasks, and options within a method's name", async () => {
    const choices = at(
      "choices.jsonl",
      '{"question": "A young deer?", "choices": ["fawn", "cub"], "answers": ["A"]}\n',
    );
    const gsm8k = at("sums.jsonl", '{"question": "What is 1 + 1?", "answer": "It is 2.\\n#### 2"}\n');
    const methods = ["-M", "gac:gate=threshold,threshold=0.6", "-M", "unite:k=20"];
    const ended = await run([
      "eval",
      `gsm8k:${gsm8k}`,
      choices,
      ...members,
      ...methods,
      "-n",
      "8",
      "--threads",
      "1",
      "--json",
    ]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const { tasks } = JSON.parse(ended.stdout) as Report;
    expect(tasks).toMatchObject([
      { name: "sums", metric: "number", count: 1 },
      { name: "choices", count: 1 },
    ]);
    expect(tasks[0].rows.map(({ name }) => name)).toContain("gac gate=threshold threshold=0.6");
    const scored = await run(["eval", choices, ...members, "-M", "gac", "--metric", "choice-likelihood", "--json"]);
    const [{ questions }] = (JSON.parse(scored.stdout) as Report).tasks;
    for (const { text } of questions[0].results) expect(text).toMatch(/^[AB]\. (fawn|cub)$/);
  });

  it("--html writes one page, and stdout still has the table", async () => {
    const page = at("report.html");
    const ended = await run([...QUICK, "--html", page]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^oracle/m);
    const html = readFileSync(page, "utf8");
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain("</html>");
  });

  /** Send a signal, once, when the ledger has more than so many lines. */
  const signalAt = (ledger: string, lines: number, signal: NodeJS.Signals) => (child: ChildProcess) => {
    const timer = setInterval(() => {
      if (!existsSync(ledger) || readFileSync(ledger, "utf8").split("\n").length <= lines) return;
      clearInterval(timer);
      child.kill(signal);
    }, 5);
    child.once("close", () => clearInterval(timer));
  };

  it("killed in the middle goes on with its ledger, and ends with the table of a run that was not", async () => {
    const ledger = at("killed.jsonl");
    const args = [...QUICK, "--limit", "40", "--ledger", ledger, "--json"];
    const killed = await run(args, { onStart: signalAt(ledger, 20, "SIGKILL") });
    expect(killed).toMatchObject({ signal: "SIGKILL", stdout: "" });
    const kept = readFileSync(ledger);
    // As if the kill had come in the middle of a line.
    writeFileSync(ledger, kept.subarray(0, kept.length - 9));
    const whole = answersIn(kept.subarray(0, kept.length - 9).toString());
    const resumed = await run(args);
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    // Nothing whole was asked again.
    expect(answersIn(readFileSync(ledger, "utf8"))).toBe(120);
    expect(whole).toBeGreaterThan(0);
    expect(Buffer.from(readFileSync(ledger)).subarray(0, kept.length - 9)).toEqual(kept.subarray(0, kept.length - 9));
    const uninterrupted = await run([...QUICK, "--limit", "40", "--json"]);
    expect(timeless(resumed.stdout)).toEqual(timeless(uninterrupted.stdout));
  });

  it("Ctrl-C ends it with 130, one line, and what it has in the ledger", async () => {
    const ledger = at("interrupted.jsonl");
    const ended = await run(["eval", ...members, "--ledger", ledger], { onStart: signalAt(ledger, 8, "SIGINT") });
    expect(ended).toMatchObject({ code: 130, signal: null, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: Stopped after \d+ of \d+ answers\. They are in .*\n$/);
    expect(readFileSync(ledger, "utf8")).toMatch(/\n$/);
  });

  it.each([700, 1000, 1400])("Ctrl-C after %d ms says that it stopped, whatever it was at", async (delay) => {
    const onStart = (child: ChildProcess) => setTimeout(() => child.kill("SIGINT"), delay);
    const ended = await run(["eval", ...members], { onStart });
    if (ended.signal === null)
      expect(ended).toMatchObject({ code: 130, stderr: expect.stringMatching(/ Stopped .*\n$/) });
    else expect(ended.signal).toBe("SIGINT");
  });

  it.each<[string, string[], number, RegExp]>([
    ["an unknown task file", ["nowhere.jsonl"], 3, /nowhere\.jsonl/],
    ["an unknown format", ["gsm9k:package.json"], 2, /gsm9k.*gsm8k/],
    ["an unknown method", ["-M", "gacc"], 2, /gacc.*gac/],
    ["an unknown option of a method", ["-M", "unite:kk=3"], 2, /kk/],
    ["a method without its option's value", ["-M", "unite:k"], 2, /--method.*unite:k=20/],
    ["an unknown metric", ["--metric", "accurracy"], 2, /accurracy.*accuracy/],
    ["a limit of nothing", ["--limit", "0"], 2, /--limit is 0/],
    ["no lanes", ["--lanes", "0"], 2, /--lanes is 0/],
    ["a page in a folder that is not there", ["--html", "nowhere/report.html"], 3, /nowhere\/report\.html/],
    ["a ledger that is something else", ["--ledger", "package.json"], 3, /package\.json is not a ledger/],
  ])("refuses %s in one line", async (_, args, code, message) => {
    const ended = await run(["eval", ...args]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trimEnd()).not.toContain("\n");
  });
});

/** Whole answers in a ledger: neither its head, nor claims, nor the piece of a line. */
function answersIn(text: string): number {
  return text
    .split("\n")
    .slice(1)
    .filter((line) => {
      try {
        return !("claim" in JSON.parse(line));
      } catch {
        return false;
      }
    }).length;
}
