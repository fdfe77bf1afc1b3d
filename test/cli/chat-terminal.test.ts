import { spawn, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { CLI, ENDLESS, models } from "./run.js";

/** `script` of util-linux gives a command a terminal of its own. */
const hasTerminals = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;
if (!hasTerminals) console.warn("skipped: the test of chat in a terminal needs util-linux's script");
const PROMPT = "› ";
const CONTROL_C = "\x03";
const CONTROL_D = "\x04";

/** The chat in a terminal, and what has appeared there since the last look. */
function startChat(args: readonly string[]) {
  const command = [process.execPath, CLI, "chat", ...args].map((arg) => `'${arg}'`).join(" ");
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, TERM: "xterm", NO_COLOR: "1" },
  });
  let seen = "";
  let wake = () => {};
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString("utf8");
    wake();
  });
  return {
    ended: new Promise<number | null>((resolve) => child.on("close", resolve)),
    type: (keys: string) => child.stdin.write(keys),
    async until(pattern: string | RegExp): Promise<string> {
      while (!seen.match(pattern)) await new Promise<void>((resolve) => (wake = resolve));
      const { index = 0, 0: found } = seen.match(pattern) as RegExpMatchArray;
      const before = seen.slice(0, index + found.length);
      seen = seen.slice(before.length);
      return before;
    },
  };
}

describe.skipIf(!hasTerminals || models === undefined)("llamafuse chat, in a terminal", () => {
  it("Ctrl-C stops the answer and not the program; the next question is answered; Ctrl-D leaves", async () => {
    const chat = startChat(ENDLESS.slice(1, -1));
    await chat.until(PROMPT);
    chat.type("Once\r");
    await chat.until(/Once\r+\n/);
    // The answer has begun when something other than the progress line stands there.
    await chat.until(/[a-z]{2,}.*[a-z]{2,}/s);
    chat.type(CONTROL_C);
    expect(await chat.until(PROMPT)).toContain("aborted");
    chat.type("And then\r");
    await chat.until(/And then\r+\n/);
    await chat.until(/[a-z]{2,}.*[a-z]{2,}/s);
    chat.type(CONTROL_C);
    await chat.until(PROMPT);
    chat.type(CONTROL_D);
    expect(await chat.ended).toBe(0);
  });

  it("a wrong command names the right one and goes on; /exit leaves", async () => {
    const chat = startChat([]);
    await chat.until(PROMPT);
    chat.type("/rest\r");
    await chat.until("/reset");
    await chat.until(PROMPT);
    chat.type("/exit\r");
    expect(await chat.ended).toBe(0);
  });
});
