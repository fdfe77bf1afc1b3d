import { expect, it } from "vitest";
import { randomNumbers } from "../../../src/laws/scripted-members.js";
import { ByteTable } from "../../../src/vocabulary/byte-table.js";
import { byteKey } from "../../../src/vocabulary/vocabulary.js";

it("numbers strings like a Map does, through growth and colliding hashes", () => {
  const random = randomNumbers(1);
  // 300,000 strings: some ten pairs share all 32 bits of their hash.
  const strings = Array.from({ length: 300_000 }, () => Buffer.from(String(Math.floor(random() * 1e12))));
  const buffers = [Buffer.concat(strings.slice(0, 150_000)), Buffer.concat(strings.slice(150_000))];
  const table = new ByteTable(buffers);
  const known = new Map<string, number>();
  const starts = [0, 0];
  for (const [index, string] of strings.entries()) {
    const source = index < 150_000 ? 0 : 1;
    const entry = table.insert(source, starts[source], starts[source] + string.length);
    starts[source] += string.length;
    const key = byteKey(string);
    if (!known.has(key)) known.set(key, known.size);
    if (entry !== known.get(key)) expect.fail(`entry ${entry} for ${key}, wanted ${known.get(key)}`);
  }
  expect(table.size).toBe(known.size);
  for (const string of strings) {
    const entry = table.find(string);
    if (entry !== known.get(byteKey(string)) || !string.equals(table.bytesOf(entry))) expect.fail(string.toString());
  }
});

it("finds nothing that is not there, and knows the empty string", () => {
  const table = new ByteTable([Buffer.from("abc")]);
  expect(table.find(Buffer.from("a"))).toBe(-1);
  expect(table.insert(0, 1, 1)).toBe(0);
  expect(table.insert(0, 0, 2)).toBe(1);
  expect(table.find(new Uint8Array())).toBe(0);
  expect(table.find(Buffer.from("ab"))).toBe(1);
  expect(table.find(Buffer.from("abc"))).toBe(-1);
});
