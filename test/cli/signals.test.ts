/**
 * A signal in the middle of a command's work: the exit code that a shell expects, no stack on stderr, and no file that is
 * half written. Chat has a test with a terminal of its own; Ctrl-C of generate, eval and train are tested with what they say.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENDLESS, type Ended, models, run } from "./run.js";

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";
const ALL: readonly Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** A busy machine may still load the program, where the signal finds no handler: it is asked again, later. */
const DELAYS_MS = [3000, 6000, 10_000];

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-signals-"));
const at = (name: string) => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  writeFileSync(at("long.txt"), "The quick brown fox jumps over the lazy dog. ".repeat(20_000));
  const row = (query: number) =>
    Array.from({ length: 6 }, (_, model) =>
      JSON.stringify({
        query: `question ${query} of ${query % 37} words`,
        model: `m${model}`,
        quality: (query * model) % 2,
      }),
    );
  writeFileSync(at("table.jsonl"), Array.from({ length: 24_000 }, (_, query) => row(query).join("\n")).join("\n"));
});

const [robin, wren] = models ?? ["", ""];
const members = ["-m", robin, "-m", wren];
/** Everything that takes longer than the delay; the files that it writes lie in a folder of its own. */
const COMMANDS: Record<string, { args: (file: string) => string[]; signals: readonly Signal[] }> = {
  generate: { args: () => ENDLESS, signals: ["SIGHUP"] },
  eval: {
    args: (file) => ["eval", ...members, "--ledger", `${file}.jsonl`, "--html", `${file}.html`],
    signals: ["SIGTERM", "SIGHUP"],
  },
  score: { args: () => ["score", ...members, at("long.txt"), "--json"], signals: ["SIGINT", "SIGTERM"] },
  train: {
    args: (file) => ["train", "citer", ...members, "--limit", "5", "--epochs", "100000", "-o", `${file}.json`],
    signals: ["SIGTERM"],
  },
  "route fit": {
    args: (file) => ["route", "fit", "--train", at("table.jsonl"), "-r", "to-router", "-o", `${file}.json`],
    signals: ["SIGINT", "SIGTERM"],
  },
};

describe.skipIf(models === undefined)("a signal in the middle of", () => {
  const cases = Object.entries(COMMANDS).flatMap(([name, { args, signals }]) =>
    (process.env.LLAMAFUSE_LONG ? ALL : signals).map((signal) => ({ name, signal, args })),
  );
  it.concurrent.each(cases)("$name: $signal", { timeout: 120_000 }, async ({ name, signal, args }) => {
    let own = "";
    let ended: Ended | undefined;
    for (const delay of DELAYS_MS) {
      own = mkdtempSync(path.join(folder, "own-"));
      const onStart = (child: ChildProcess) => setTimeout(() => child.kill(signal), delay);
      ended = await run(args(path.join(own, "out")), { onStart });
      if (ended.signal === null || signal === "SIGHUP") break;
    }
    if (ended === undefined) return;
    // Before a handler listens, and for SIGHUP, the signal itself ends it, which a shell shows as the same number.
    const code = ended.signal === null ? ended.code : 128 + constants.signals[ended.signal];
    expect({ name, code }).toEqual({ name, code: 128 + constants.signals[signal] });
    expect(ended.stderr).not.toMatch(/^\s+at |node:internal|Error:/m);
    for (const file of readdirSync(own)) {
      const text = readFileSync(path.join(own, file), "utf8");
      if (file.endsWith(".html")) expect(text).toMatch(/<\/html>\s*$/);
      else if (file.endsWith(".json")) expect(() => JSON.parse(text)).not.toThrow();
      else if (text !== "")
        expect({ file, isWhole: file.endsWith(".jsonl") && text.endsWith("\n") }).toEqual({ file, isWhole: true });
    }
  });
});
