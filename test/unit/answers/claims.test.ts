/** Several runs on one ledger: each answer is made once, and a run that has died holds nothing up. */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type Answer, AnswerCache, type AnswerRequest } from "../../../src/answers/answer-cache.js";
import { Ledger } from "../../../src/answers/ledger.js";
import { isAnswer } from "../../../src/answers/saved-answer.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();

describe("claims", () => {
  it("give an answer to make to one of two runs, and its value to the other", async () => {
    const [first, second] = [new Ledger<number>(at("two.jsonl")), new Ledger<number>(at("two.jsonl"))];
    expect(await first.claim("a")).toBeUndefined();
    expect(await first.claim("a")).toBeUndefined();
    const waiting = second.claim("a");
    expect(await second.claim("b")).toBeUndefined();
    first.set("a", 7);
    expect(await waiting).toBe(7);
    expect(await second.claim("a")).toBe(7);
    first.close();
    second.close();
  });

  it("pass to the next where a run gives up, or closes", async () => {
    for (const giveUp of [
      (ledger: Ledger<number>) => ledger.release("a"),
      (ledger: Ledger<number>) => ledger.close(),
    ]) {
      const file = at(`given-up-${giveUp}.jsonl`.replace(/\W+/g, "-"));
      const [first, second] = [new Ledger<number>(file), new Ledger<number>(file)];
      await first.claim("a");
      const waiting = second.claim("a");
      giveUp(first);
      expect(await waiting).toBeUndefined();
      second.set("a", 1);
      second.close();
    }
  });

  it("of a killed process are taken over", async () => {
    const file = at("killed.jsonl");
    const script = `import { Ledger } from ${JSON.stringify(path.resolve("src/answers/ledger.ts"))};
      const ledger = new Ledger(${JSON.stringify(file)});
      await ledger.claim("a"); console.log("claimed"); setInterval(() => {}, 1000);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const ledger = new Ledger<number>(file);
    const controller = new AbortController();
    const stopped = ledger.claim("a", controller.signal);
    controller.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow();
    const waiting = ledger.claim("a");
    child.kill("SIGKILL");
    await ended;
    expect(await waiting).toBeUndefined();
    ledger.close();
  });

  it("share a run's answers with a run beside it: no question is asked twice", async () => {
    const file = at("beside.jsonl");
    const asked: string[] = [];
    const runs = [1, 2, 3].map(() => {
      const ledger = new Ledger<Answer>(file, isAnswer);
      const ask = async (_team: unknown, { prompt }: AnswerRequest) => {
        asked.push(prompt as string);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { text: `to ${prompt}`, steps: 1, tokens: [1], seconds: 0, promptSeconds: 0 };
      };
      return { ledger, cache: new AnswerCache(ledger, [{ name: "a", identity: "a" }], ask, "1") };
    });
    const prompts = Array.from({ length: 12 }, (_, index) => `question ${index}`);
    const request = (prompt: string) => ({ prompt, generation: { maxTokens: 1, stop: [] }, seed: 1 });
    const answers = await Promise.all(
      runs.map(async ({ cache }) => {
        const texts = [];
        for (const prompt of prompts) texts.push((await cache.answerOf(0, request(prompt))).text);
        return texts;
      }),
    );
    for (const texts of answers) expect(texts).toEqual(prompts.map((prompt) => `to ${prompt}`));
    expect(asked.toSorted()).toEqual(prompts.toSorted());
    for (const { ledger } of runs) ledger.close();
    expect(readFileSync(file, "utf8").match(/"value"/g)).toHaveLength(12);
  });
});

describe("a damaged ledger", () => {
  it("names file and line of what is no answer, and uses the rest", () => {
    const file = at("damaged.jsonl");
    const answer = { text: "fine", finishReason: "stop", steps: 1, tokens: [3], seconds: 0.5, promptSeconds: 0 };
    new Ledger<Answer>(file, isAnswer).close();
    const broken = [
      null,
      7,
      {},
      { ...answer, text: 7 },
      { ...answer, steps: "many" },
      { ...answer, steps: null },
      { ...answer, tokens: [null] },
      { ...answer, finishReason: "tired" },
      { ...answer, pieces: [null] },
      { ...answer, logLikelihoods: ["-1"] },
    ];
    for (const [index, value] of broken.entries())
      appendFileSync(file, `${JSON.stringify({ key: `${index}`, value })}\n`);
    appendFileSync(
      file,
      `{"key":5,"value":1}\n\u0000\n{"claim":"x"}\n${JSON.stringify({ key: "good", value: answer })}\n`,
    );
    const ledger = new Ledger<Answer>(file, isAnswer);
    expect(ledger.broken).toEqual([...broken, 1, 2, 3].map((_, index) => `${file}:${index + 2}`));
    expect(ledger.get("good")).toEqual(answer);
    expect(ledger.size).toBe(1);
    ledger.close();
  });
});
