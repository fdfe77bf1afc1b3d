import type { ChildProcess } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ENDLESS, ENDLESS_SAYS, models, run } from "./run.js";

const QUESTION = "What is a young deer?";

describe.skipIf(models === undefined)("llamafuse generate", () => {
  it("says that me draws members where an answer looks greedy, and not where it is sampled or has a seed", async () => {
    const args = ["generate", ...models!.flatMap((file) => ["-m", file]), "-M", "me", "-n", "1", "Once"];
    const [plain, seeded, sampled] = [
      await run(args),
      await run([...args, "-s", "1"]),
      await run([...args, "-t", "1"]),
    ];
    expect(plain).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^llamafuse: method me draws a member .* -s repeats an answer\.\n$/),
    });
    for (const ended of [seeded, sampled]) expect(ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("writes the answer, and nothing else, to stdout", async () => {
    const plain = await run(["generate", "--chat", QUESTION]);
    const json = await run(["generate", "--chat", QUESTION, "--json"]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).toBe(`${JSON.parse(json.stdout).text}\n`);
    expect(plain.stdout).not.toBe("");
  });

  it("--json is one document with the whole result", async () => {
    const ended = await run(["generate", "--json", "--trace", "-n", "5", "Once upon a time"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const result = JSON.parse(ended.stdout);
    expect(result).toMatchObject({ finishReason: "length", method: "unite", usage: { steps: 5 } });
    expect(Object.keys(result.usage.memberTokens)).toEqual(["robin", "wren", "finch"]);
    expect(result.timings.msPerStep).toEqual({
      decode: expect.any(Number),
      fuse: expect.any(Number),
      sync: expect.any(Number),
    });
    expect(result.trace).toHaveLength(5);
  });

  it("--trace prints a line for each step in place of the plain answer", async () => {
    const ended = await run(["generate", "--trace", "-n", "4", "Once upon a time"]);
    expect(ended.stdout.match(/^ +\d+ ["⟨]/gm)).toHaveLength(4);
    expect(ended.stdout).toContain("robin");
    expect(ended.code).toBe(0);
  });

  it("reads the prompt from stdin, less one line break", async () => {
    const given = await run(["generate", "-n", "8", "Once upon a time"]);
    for (const args of [
      ["generate", "-n", "8"],
      ["generate", "-n", "8", "-"],
    ]) {
      expect((await run(args, { input: "Once upon a time\n" })).stdout).toBe(given.stdout);
    }
  });

  it("takes members, weights, a method and its options", async () => {
    const [robin, wren] = models!;
    const pair = ["generate", "-m", robin, "-m", wren, "--method", "gac", "--chat", QUESTION];
    const alone = await run(["generate", "-m", robin, "--chat", QUESTION]);
    expect((await run([...pair, "-w", "1", "-w", "0"])).stdout).toBe(alone.stdout);
    const gated = JSON.parse((await run([...pair, "-o", "gate=threshold", "--json"])).stdout);
    expect(gated.method).toBe("gac");
  });

  it("repeats a sampled answer by its seed", async () => {
    const args = ["generate", "-t", "1.5", "-n", "12", "-s", "11", "Once upon a time"];
    expect((await run(args)).stdout).toBe((await run(args)).stdout);
  });

  it("--stop ends the answer before the text", async () => {
    const whole = await run(["generate", "-n", "30", "Once upon a time"]);
    const stopped = await run(["generate", "-n", "30", "--stop", ".", "Once upon a time"]);
    expect(stopped.stdout).toBe(`${whole.stdout.split(".")[0]}\n`);
  });

  it("--max-tokens 0 is an empty answer", async () => {
    expect(await run(["generate", "-n", "0", "Once"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  it("Ctrl-C ends the answer with 130", async () => {
    const started = Date.now();
    const ended = await run(ENDLESS, { onOutput: (child) => child.kill("SIGINT") });
    expect(ended).toMatchObject({ code: 130, signal: null, stderr: ENDLESS_SAYS });
    expect(ended.stdout).not.toBe("");
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  it("SIGTERM ends the answer with 143", async () => {
    const ended = await run(ENDLESS, { onOutput: (child) => child.kill("SIGTERM") });
    expect(ended).toMatchObject({ code: 143, signal: null, stderr: ENDLESS_SAYS });
  });

  it("an interrupted --json still is a document", async () => {
    // Nothing shows when the answering begins, and how long loading takes depends on what else the machine does.
    const interruptedAfter = (delay: number) =>
      run([...ENDLESS, "--json"], { onStart: (child: ChildProcess) => setTimeout(() => child.kill("SIGINT"), delay) });
    let ended = await interruptedAfter(750);
    const isEarly = () => ended.signal === "SIGINT" || ended.stderr.includes("while loading");
    for (let delay = 1500; delay <= 12_000 && isEarly(); delay *= 2) ended = await interruptedAfter(delay);
    expect(ended).toMatchObject({ code: 130, signal: null, stderr: ENDLESS_SAYS });
    expect(JSON.parse(ended.stdout).finishReason).toBe("aborted");
  });

  it("a reader that leaves ends it quietly", async () => {
    const ended = await run(ENDLESS, { onOutput: (child) => child.stdout!.destroy() });
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: ENDLESS_SAYS });
  });
});
