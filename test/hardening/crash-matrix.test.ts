/**
 * A SIGKILL before, in the middle of and after every write, flush and rename of everything that writes: nothing that was
 * finished is lost, nothing is there twice, and the next run ends well.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Ledger } from "../../src/answers/ledger.js";

const KEYS = ["one", "two", "three"];
const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-crash-"));
afterAll(() => rmSync(folder, { recursive: true }));

function runChild(kind: string, file: string, kill?: { at: number; when: string }) {
  const preload = kill && ["--import", path.resolve("test/support/kill-at-write.mjs")];
  const script = path.resolve("test/hardening/crash-child.ts");
  const killing = kill && { LLAMAFUSE_KILL_AT: `${kill.at}`, LLAMAFUSE_KILL_WHEN: kill.when };
  const env = { ...process.env, ...killing, XDG_CACHE_HOME: file };
  const args = ["--import", "tsx", ...(preload ?? []), script, kind, file];
  return spawnSync(process.execPath, args, { env, encoding: "utf8" });
}

/** The long form, by hand: LLAMAFUSE_LONG=1. What cannot be cut in its middle (a flush, a rename) is killed after it. */
const WHEN = process.env.LLAMAFUSE_LONG ? ["before", "middle", "after"] : ["middle"];

/** Every place at which a writer can be killed, until it comes to its end. Returns how often it was. */
function killEverywhere(kind: string, check: (file: string, when: string, asked: string[]) => void): number {
  let kills = 0;
  for (const when of WHEN) {
    for (let at = 1; ; at++) {
      const file = path.join(folder, `${kind}-${when}-${at}`);
      if (kind === "router" || kind === "pieces" || kind === "index") writeFileSync(file, "old");
      if (kind === "downloads") mkdirSync(file);
      const child = runChild(kind, file, { at, when });
      if (child.signal !== "SIGKILL") {
        expect({ status: child.status, stderr: child.stderr }).toEqual({ status: 0, stderr: "" });
        break;
      }
      kills++;
      check(file, when, child.stdout.split("\n").filter(Boolean));
    }
  }
  if (process.env.LLAMAFUSE_LONG) console.log(`${kind}: killed ${kills} times`);
  return kills;
}

describe("a kill at any write", () => {
  it("of a ledger loses the answer in work alone, and no answer is paid for or kept twice", {
    timeout: 300_000,
  }, () => {
    const kills = killEverywhere("ledger", (file, _when, asked) => {
      const kept = existsSync(file) ? new Ledger<{ text: string }>(file) : undefined;
      const whole = KEYS.filter((key) => kept?.get(key) !== undefined);
      kept?.close();
      // What was asked and is not kept is the last one at most.
      expect(asked.filter((key) => !whole.includes(key)).length).toBeLessThanOrEqual(1);
      const again = runChild("ledger", file);
      expect({ status: again.status, stderr: again.stderr }).toEqual({ status: 0, stderr: "" });
      expect(again.stdout.split("\n").filter(Boolean)).toEqual(KEYS.filter((key) => !whole.includes(key)));
      const lines = readFileSync(file, "utf8").split("\n");
      for (const key of KEYS) {
        const values = lines.filter((line) => line === JSON.stringify({ key, value: { text: key.repeat(20_000) } }));
        expect(values).toHaveLength(1);
      }
    });
    expect(kills).toBeGreaterThanOrEqual(7 * WHEN.length);
  });

  it.each(["router", "pieces", "index"])(
    "of a %s leaves the old file or the new one, whole",
    { timeout: 120_000 },
    (kind) => {
      let whole = "";
      const kills = killEverywhere(kind, (file) => {
        const found = readFileSync(file, "utf8");
        if (found !== "old") {
          whole ||= found;
          expect(found.length).toBe(whole.length);
          expect(() => JSON.parse(found)).not.toThrow();
        }
        expect(runChild(kind, file).status).toBe(0);
        expect(JSON.parse(readFileSync(file, "utf8")).weights).toHaveLength(30_000);
      });
      expect(kills).toBeGreaterThanOrEqual(3 * WHEN.length);
    },
  );

  it("of the list of downloads keeps those that it had", { timeout: 120_000 }, () => {
    const listed = (file: string) => {
      const index = path.join(file, "downloaded.json");
      return existsSync(index) ? Object.keys(JSON.parse(readFileSync(index, "utf8"))).length : 0;
    };
    const before: number[] = [];
    const kills = killEverywhere("downloads", (file) => {
      before.push(listed(file));
      expect(runChild("downloads", file).status).toBe(0);
      expect(listed(file)).toBe(KEYS.length);
    });
    // Every kill finds as many as the one before it, or one more.
    for (const [index, count] of before.slice(1).entries())
      if (count > 0) expect([before[index], before[index] + 1]).toContain(count);
    expect(Math.max(...before)).toBeGreaterThanOrEqual(KEYS.length - 1);
    expect(kills).toBeGreaterThanOrEqual(2 * KEYS.length * WHEN.length);
  });

  it("is all there is to kill: everything in src writes files by these functions", () => {
    const WRITERS =
      /\b(writeFile(Sync)?|appendFile(Sync)?|createWriteStream|renameSync|ftruncateSync)\(|\bfs\.(open|rename)\(/;
    const ALLOWED = ["src/files.ts", "src/answers/ledger.ts"];
    const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const writing = sources
      .map((name) => path.join("src", name))
      .filter((name) => WRITERS.test(readFileSync(name, "utf8")));
    expect(writing.filter((name) => !ALLOWED.includes(name))).toEqual([]);
    expect(writing).toContain("src/files.ts");
  });

  it("of a cache costs a build at most", { timeout: 120_000 }, () => {
    const kills = killEverywhere("cache", (file) => {
      for (let run = 0; run < 2; run++) expect(runChild("cache", file).stdout.trim()).toBe("1 2 3 4");
      const kept = readdirSync(path.join(file, "llamafuse/alignments")).filter((name) => name.endsWith(".rows"));
      expect(kept).toHaveLength(1);
    });
    expect(kills).toBeGreaterThanOrEqual(2 * WHEN.length);
  });

  // A whole command on models takes minutes: by hand.
  it.runIf(process.env.LLAMAFUSE_LONG)(
    "of eval leaves whole reports, and the next run goes on where it was, to the same table",
    { timeout: 1_800_000 },
    () => {
      const [robin, wren] = ["robin", "wren"].map((name) => path.resolve(`native-models/${name}.gguf`));
      const evaluate = (name: string, kill?: { at: number; when: string }) => {
        const [ledger, html, outcomes] = ["jsonl", "html", "csv"].map((ending) =>
          path.join(folder, `${name}.${ending}`),
        );
        const preload = kill && ["--import", path.resolve("test/support/kill-at-write.mjs")];
        const env = {
          ...process.env,
          ...(kill && { LLAMAFUSE_KILL_AT: `${kill.at}`, LLAMAFUSE_KILL_WHEN: kill.when }),
        };
        const members = ["-m", robin, "-m", wren, "-M", "gac", "--threads", "1", "--gpu", "false"];
        const files = ["--ledger", ledger, "--html", html, "--outcomes", outcomes];
        const args = [
          ...(preload ?? []),
          "dist/cli.js",
          "eval",
          "native",
          ...members,
          "--limit",
          "3",
          ...files,
          "--json",
        ];
        const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
        return { status, signal, stdout, stderr, ledger, html, outcomes };
      };
      const answersOf = ({ stdout }: { stdout: string }) =>
        JSON.parse(stdout).tasks.map(({ questions }: { questions: unknown }) => questions);
      const undisturbed = evaluate("undisturbed");
      const answers = answersOf(undisturbed);
      const table = readFileSync(undisturbed.outcomes, "utf8");
      const keysIn = (file: string) =>
        readFileSync(file, "utf8")
          .split("\n")
          .flatMap((line) => /^\{"key":"([^"]*)","value":.*\}$/.exec(line)?.[1] ?? []);
      const keys = keysIn(undisturbed.ledger).sort();
      let kills = 0;
      for (const when of WHEN) {
        for (let at = 1; ; at++) {
          const killed = evaluate(`${when}-${at}`, { at, when });
          if (killed.signal !== "SIGKILL") {
            expect({ status: killed.status, stderr: killed.stderr }).toMatchObject({ status: 0 });
            break;
          }
          kills++;
          if (existsSync(killed.html)) expect(readFileSync(killed.html, "utf8")).toMatch(/<\/html>\s*$/);
          if (existsSync(killed.outcomes))
            expect(readFileSync(killed.outcomes, "utf8").split("\n").length).toBe(table.split("\n").length);
          const again = evaluate(`${when}-${at}`);
          expect({ status: again.status, at, when }).toEqual({ status: 0, at, when });
          expect(answersOf(again)).toEqual(answers);
          // Nothing is paid for twice, and nothing is missing; a piece of a line stays where it was cut.
          expect(keysIn(again.ledger).sort()).toEqual(keys);
        }
      }
      console.log(`eval: killed ${kills} times`);
      expect(kills).toBeGreaterThan(10 * WHEN.length);
    },
  );
});
