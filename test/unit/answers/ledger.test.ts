import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Ledger } from "../../../src/answers/ledger.js";
import { contentHash, keyOf, seedFor } from "../../../src/content-identity.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();

function write(file: string, entries: Record<string, unknown>): void {
  const ledger = new Ledger(file);
  for (const [key, value] of Object.entries(entries)) ledger.set(key, value);
  ledger.close();
}

describe("a ledger", () => {
  it("gives back in the next run what this one put there", () => {
    const file = at("next-run.jsonl");
    write(file, { a: { text: "line\nbreak ü 🙂" }, b: [1, null, 0.1] });
    const next = new Ledger(file);
    expect(next.size).toBe(2);
    expect(next.get("a")).toEqual({ text: "line\nbreak ü 🙂" });
    expect(next.get("b")).toEqual([1, null, 0.1]);
    expect(next.get("c")).toBeUndefined();
    expect(next.skipped).toBe(0);
    next.close();
  });

  it("has a line in the file as soon as it is set", () => {
    const file = at("at-once.jsonl");
    const ledger = new Ledger(file);
    ledger.set("a", 1);
    expect(readFileSync(file, "utf8").split("\n")[1]).toBe('{"key":"a","value":1}');
    ledger.close();
  });

  it("only grows: the later of two values of one key counts", () => {
    const file = at("grows.jsonl");
    write(file, { a: 1 });
    const before = readFileSync(file, "utf8");
    write(file, { a: 2 });
    expect(readFileSync(file, "utf8").startsWith(before)).toBe(true);
    const ledger = new Ledger(file);
    expect(ledger.get("a")).toBe(2);
    ledger.close();
  });

  it("cut at any byte keeps every whole line, and goes on", () => {
    const whole = at("whole.jsonl");
    write(whole, { a: "ä", b: "bb" });
    const bytes = readFileSync(whole);
    const ends = [...bytes.entries()].filter(([, byte]) => byte === 0x0a).map(([place]) => place);
    for (let length = 0; length <= bytes.length; length++) {
      const file = at("cut.jsonl", bytes.subarray(0, length));
      // The last line is whole without its line break, too.
      const kept = ["a", "b"].filter((_, line) => length >= ends[line + 1]);
      const cut = new Ledger(file);
      expect([length, ["a", "b"].filter((key) => cut.get(key) !== undefined)]).toEqual([length, kept]);
      cut.set("c", "new");
      cut.close();
      const after = new Ledger(file);
      expect([length, ...["a", "b", "c"].filter((key) => after.get(key) !== undefined)]).toEqual([
        length,
        ...kept,
        "c",
      ]);
      after.close();
    }
  });

  it("skips and counts lines that are no records", () => {
    const file = at("broken.jsonl");
    write(file, { a: 1 });
    appendFileSync(file, '{"key":"b","val\n\n[1]\nnull\n{"value":3}\n{"key":"c","value":4}\n');
    const ledger = new Ledger(file);
    expect(ledger.skipped).toBe(4);
    expect([ledger.get("a"), ledger.get("b"), ledger.get("c")]).toEqual([1, undefined, 4]);
    ledger.close();
  });

  it("refuses a file that is something else, and leaves it alone", async () => {
    for (const content of ["notes of mine\n", '{"question":"…"}\n', '{"llamafuse":"ledger","version":2}\n']) {
      const file = at("other.txt", content);
      await expectRefusal(() => new Ledger(file), "invalid-data", /not a ledger/, file);
      expect(readFileSync(file, "utf8")).toBe(content);
    }
  });

  it("refuses a folder, and a file in a folder that is not there", async () => {
    mkdirSync(at("folder"));
    await expectRefusal(() => new Ledger(at("folder")), "file-unreadable", /EISDIR/, at("folder"));
    await expectRefusal(() => new Ledger(at("no/where.jsonl")), "file-unreadable", /ENOENT/, at("no/where.jsonl"));
  });

  it("without a file remembers, and writes nothing", () => {
    const ledger = new Ledger<number>();
    ledger.set("a", 1);
    expect(ledger.get("a")).toBe(1);
    ledger.close();
    expect(existsSync("undefined")).toBe(false);
  });
});

describe("keys and seeds", () => {
  it("a key does not depend on the order of fields, and on everything else it does", () => {
    const key = keyOf({ a: 1, b: { c: [1, 2], d: undefined } });
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(keyOf({ b: { c: [1, 2] }, a: 1 })).toBe(key);
    const others = [{ a: 1, b: { c: [2, 1] } }, { a: "1", b: { c: [1, 2] } }, { a: 1 }, [1]];
    expect(new Set([key, ...others.map(keyOf)]).size).toBe(5);
  });

  it("a seed differs by run, prompt and sample", () => {
    const seeds = [seedFor(1, "p", 0), seedFor(2, "p", 0), seedFor(1, "q", 0), seedFor(1, "p", 1)];
    expect(new Set(seeds).size).toBe(4);
    for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(seedFor(1, "p", 0)).toBe(seeds[0]);
  });

  it("a model's identity is the SHA-256 of its files' contents", async () => {
    writeFileSync(at("abc"), "abc");
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await contentHash([at("abc")])).toBe(abc);
    expect(await contentHash([at("a", "a"), at("bc", "bc")])).toBe(abc);
    await expectRefusal(() => contentHash([at("none")]), "file-unreadable", /ENOENT/, at("none"));
  });
});
