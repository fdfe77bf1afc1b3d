import { describe, expect, it } from "vitest";
import { ENDLESS, ENDLESS_SAYS, models, run } from "./run.js";

describe.skipIf(models === undefined)("llamafuse chat, from a pipe", () => {
  it("answers each line, and writes nothing but answers", async () => {
    const ended = await run(["chat"], { input: "What is a young deer?\n\nHow does a hen sound?" });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^\S[^\n]*\n\S[^\n]*\n$/);
  });

  it("knows the conversation, until it is reset", async () => {
    const question = "What is a young deer?\n";
    const [first] = (await run(["chat"], { input: question })).stdout.split("\n");
    const reset = await run(["chat"], { input: `${question}/reset\n${question}` });
    expect(reset.stdout).toBe(`${first}\n${first}\n`);
  });

  it("/exit ends it before the rest", async () => {
    const ended = await run(["chat"], { input: "/exit\nWhat is a young deer?\n" });
    expect(ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  it("an unknown command is an error with the nearest name", async () => {
    const ended = await run(["chat"], { input: "/rest\n" });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]*"\/reset"[^\n]*\n$/);
  });

  it("drops the oldest turns when the context is full, and says so", async () => {
    const ended = await run(["chat", "--context-size", "128"], { input: "What is a young deer?\n".repeat(8) });
    expect(ended.code).toBe(0);
    expect(ended.stdout.trim().split("\n").length).toBe(8);
    expect(ended.stderr).toMatch(/^(llamafuse: The context is full[^\n]*\n)+$/);
  });

  it("a question that does not fit by itself is an error", async () => {
    const ended = await run(["chat"], { input: "long ".repeat(2000) });
    expect(ended).toMatchObject({ code: 6, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: [^\n]+\n$/);
  });

  it("Ctrl-C ends the answer and the script", async () => {
    const args = ["chat", ...ENDLESS.slice(1, -1)];
    const ended = await run(args, { input: "Once\n".repeat(3), onOutput: (child) => child.kill("SIGINT") });
    expect(ended).toMatchObject({ code: 130, signal: null, stderr: ENDLESS_SAYS });
  });
});
