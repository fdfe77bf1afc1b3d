import { expect, it } from "vitest";
import { randomNumbers } from "../../../src/laws/scripted-members.js";
import { ByteTable } from "../../../src/vocabulary/byte-table.js";
import { byteKey } from "../../../src/vocabulary/vocabulary.js";

/** Pairs that share all 32 bits of their hash, of equal and of unlike lengths. */
const COLLIDING = ["1380893669", "1517884450", "639841568", "2012711084", "23648340", "998089209"];

it("numbers strings like a Map does, through growth and colliding hashes", () => {
  const random = randomNumbers(1);
  const drawn = Array.from({ length: 1500 }, () => Buffer.from(String(Math.floor(random() * 1e3))));
  const strings = [...COLLIDING.map((digits) => Buffer.from(digits)), ...drawn];
  const half = strings.length / 2;
  const buffers = [Buffer.concat(strings.slice(0, half)), Buffer.concat(strings.slice(half))];
  const table = new ByteTable(buffers);
  const known = new Map<string, number>();
  const starts = [0, 0];
  for (const [index, string] of strings.entries()) {
    const source = index < half ? 0 : 1;
    const entry = table.insert(source, starts[source], starts[source] + string.length);
    starts[source] += string.length;
    const key = byteKey(string);
    if (!known.has(key)) known.set(key, known.size);
    if (entry !== known.get(key)) expect.fail(`entry ${entry} for ${key}, wanted ${known.get(key)}`);
  }
  expect(table.size).toBe(known.size);
  expect(known.size).toBeGreaterThan(700);
  for (const string of strings) {
    const entry = table.find(string);
    if (entry !== known.get(byteKey(string)) || !string.equals(table.bytesOf(entry))) expect.fail(string.toString());
  }
});

it("makes room for what it is told to expect, and for more", () => {
  const letters = Buffer.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  for (const expected of [0, 1, 16, 17, 26, 52]) {
    const table = new ByteTable([letters], expected);
    for (let at = 0; at < letters.length; at++) expect(table.insert(0, at, at + 1)).toBe(at);
    for (let at = 0; at < letters.length; at++) expect(table.find(letters.subarray(at, at + 1))).toBe(at);
    expect(table.find(Buffer.from("ab"))).toBe(-1);
    expect(table.size).toBe(letters.length);
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
