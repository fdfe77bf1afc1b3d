import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { CLI, ENDLESS, models } from "./run.js";

/** `script` of util-linux gives a command a terminal of its own. */
const hasTerminals = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;
if (!hasTerminals) console.warn("skipped: the test of chat in a terminal needs util-linux's script");
const PROMPT = "› ";
const CONTROL_C = "\x03";
const CONTROL_D = "\x04";

const at = temporaryFolder();

const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";
/** As a terminal sends it that was asked for bracketed paste. */
const pasted = (text: string) => `\x1b[200~${text}\x1b[201~`;

/** The process below this one that runs the chat. */
function chatBelow(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  for (const child of children.map(Number)) {
    const words = readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0");
    if (words[0] === process.execPath && words.includes("chat")) return child;
    const below = chatBelow(child);
    if (below > 0) return below;
  }
  return 0;
}

/** The chat in a terminal, and what has appeared there since the last look. `after`: what the shell does then. */
function startChat(args: readonly string[], after = "") {
  const command = [process.execPath, CLI, "chat", ...args].map((arg) => `'${arg}'`).join(" ") + after;
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
    kill: (signal: NodeJS.Signals) => process.kill(chatBelow(child.pid!), signal),
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

  it("a pasted block is one message, and what is in it are no commands and no keys", async () => {
    const file = at("talk.json");
    const chat = startChat(["-n", "4"]);
    expect(await chat.until(PROMPT)).toContain(PASTE_ON);
    chat.type(`${pasted("/exit\nWhat is\x03 a\x1b[A young deer?\n\nTell me.\n")}\r`);
    expect(await chat.until(/\d steps? · [^\n]*\n/)).toContain("/exit⏎");
    await chat.until(PROMPT);
    chat.type('"""\rfirst\rsecond"""\r');
    await chat.until(/\d steps? · [^\n]*\n/);
    await chat.until(PROMPT);
    chat.type(`/save ${file}\r`);
    await chat.until("2 questions");
    await chat.until(PROMPT);
    chat.type(CONTROL_D);
    expect(await chat.until(/\[\?2004l/)).toContain(PASTE_OFF);
    expect(await chat.ended).toBe(0);
    const messages = JSON.parse(readFileSync(file, "utf8")) as { role: string; content: string }[];
    expect(messages.filter(({ role }) => role === "user").map(({ content }) => content)).toEqual([
      "/exit\nWhat is a[A young deer?\n\nTell me.\n",
      "first\nsecond",
    ]);
  });

  it("a question that does not fit by itself is refused, and the conversation stays", async () => {
    const file = at("kept.json");
    const chat = startChat(["-n", "4", "--context-size", "128"]);
    await chat.until(PROMPT);
    chat.type("What is a young deer?\r");
    await chat.until(/\d steps? · /);
    await chat.until(PROMPT);
    chat.type(`${pasted("long ".repeat(400))}\r`);
    await chat.until("✗ ");
    await chat.until(PROMPT);
    chat.type(`/save ${file}\r`);
    expect(await chat.until(/saved|✗/)).toMatch(/1 question with answers saved/);
    chat.type("\r/exit\r");
    expect(await chat.ended).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))[0].content).toBe("What is a young deer?");
  });

  it.each([
    ["SIGHUP", 129],
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s at the prompt ends it with %d and gives the terminal back", async (signal, code) => {
    const chat = startChat([], '; echo "code=$?"; stty -a');
    await chat.until(PROMPT);
    chat.kill(signal);
    const rest = await chat.until(/code=\d+[\s\S]*?\bechoe\b/);
    expect(rest).toContain(PASTE_OFF);
    expect(rest).toContain(`code=${code}`);
    expect(rest).toMatch(/[^-]icanon/);
    expect(rest).toMatch(/[^-]echo\b/);
    await chat.ended;
  });

  it("SIGTERM in the middle of an answer gives the terminal back too", async () => {
    const chat = startChat(ENDLESS.slice(1, -1), '; echo "code=$?"; stty -a');
    await chat.until(PROMPT);
    chat.type("Once\r");
    await chat.until(/Once\r+\n/);
    await chat.until(/[a-z]{2,}.*[a-z]{2,}/s);
    chat.kill("SIGTERM");
    const rest = await chat.until(/code=\d+[\s\S]*?\bechoe\b/);
    expect(rest).toContain("code=143");
    expect(rest).toMatch(/[^-]icanon/);
    await chat.ended;
  });

  it("/method, /set and /trace change the next answer", async () => {
    const chat = startChat(["-n", "3"]);
    await chat.until(PROMPT);
    chat.type("/method gac:gate=threshold\r");
    await chat.until("fused by gac");
    await chat.until(PROMPT);
    chat.type("/set max-tokens 2\r");
    await chat.until("max-tokens 2");
    await chat.until(PROMPT);
    chat.type("/set top-p 3\r");
    await chat.until("✗ ");
    await chat.until(PROMPT);
    chat.type("/trace\r");
    await chat.until(PROMPT);
    chat.type("What is a young deer?\r");
    const answer = await chat.until(/2 steps · /);
    expect(answer).toMatch(/step chosen +robin/);
    expect(answer).toMatch(/gac · 2 steps/);
    chat.type("/exit\r");
    expect(await chat.ended).toBe(0);
  });
});
