import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { jsonRequest } from "../server/support.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { type Ended, models, run } from "./run.js";

const at = temporaryFolder();

/** A server of the built command line: its address, what it has said so far, and its end. */
async function serve(
  ...args: string[]
): Promise<{ address: string; child: ChildProcess; said(what: RegExp): Promise<void>; ended: Promise<Ended> }> {
  let child!: ChildProcess;
  let text = "";
  const ended = run(["serve", "--port", "0", "--gpu", "false", ...args], { onStart: (started) => (child = started) });
  const said = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => what.test(text) && resolve();
      child.stderr!.on("data", (chunk: Buffer) => {
        text += chunk;
        look();
      });
      void ended.then(() => reject(new Error(text)));
      look();
    });
  await said(/Listening/);
  return { address: /http:\S+/.exec(text)![0], child, said, ended };
}

describe("llamafuse serve", () => {
  it("says in its help what it takes", async () => {
    const { stdout } = await run(["serve", "--help"]);
    for (const flag of ["--ensemble", "--host", "--port", "--api-key-file", "--preload", "SIGHUP"])
      expect(stdout).toContain(flag);
  });

  it.each([
    [["--port", "70000"], 2, /--port needs a whole number from 0 to 65535; found 70000/],
    [["--port", "x"], 2, /--port needs a number/],
    [["--queue", "-1"], 2, /--queue/],
    [["--host", "0.0.0.0"], 2, /--api-key-file/],
    [["--ensemble", "nowhere.json"], 3, /nowhere\.json: does not exist/],
    [["--api-key-file", "nowhere.keys"], 3, /nowhere\.keys: does not exist/],
    [["extra"], 2, /too many arguments/i],
  ])("ends at once with %j", async (args, code, says) => {
    const ended = await run(["serve", ...args]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe.skipIf(models === undefined)("a server of the command line", () => {
  it("tells its address in one line, answers, reads files again, and ends when answers have", async () => {
    const file = at("bird.json", JSON.stringify({ members: [models![0]], method: "single" }));
    const { address, child, said, ended } = await serve("--ensemble", file);
    const ask = { messages: [{ role: "user", content: "Hello" }], max_tokens: 2 };
    const post = (body: object) => fetch(`${address}/v1/chat/completions`, jsonRequest(body));
    expect((await post({ model: "bird", ...ask })).status).toBe(200);
    writeFileSync(file, JSON.stringify({ members: [models![1]], method: "single" }));
    const read = said(/Read the files again/);
    child.kill("SIGHUP");
    await read;
    expect((await post({ model: "bird", ...ask })).status).toBe(200);
    const long = await post({ model: "bird", ...ask, max_tokens: 60, temperature: 5, seed: 1, stream: true });
    child.kill("SIGTERM");
    expect(await long.text()).toMatch(/\[DONE\]\n\n$/);
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr.split("\n").filter((line) => line.includes("Listening"))).toEqual([
      `llamafuse: Listening on ${address}`,
    ]);
  });
});
