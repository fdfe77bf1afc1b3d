import { expect, it } from "vitest";
import { minedMap } from "../../../../src/during/alignments/mined/map.js";
import { nearestWords } from "../../../../src/during/alignments/mined/minimum-edit.js";
import { withMarker } from "../../../../src/during/alignments/mined/space.js";
import { randomNumbers } from "../../../../src/laws/scripted-members.js";

/** Levenshtein's distance, row by row. */
function distance(a: string, b: string): number {
  const [from, to] = [Array.from(a), Array.from(b)];
  let row = Array.from({ length: to.length + 1 }, (_, place) => place);
  for (const [done, symbol] of from.entries()) {
    const next = [done + 1];
    for (let place = 1; place <= to.length; place++)
      next.push(Math.min(row[place] + 1, next[place - 1] + 1, row[place - 1] + Number(symbol !== to[place - 1])));
    row = next;
  }
  return row[to.length];
}

it.each([6, 30, 31, 32, 50])("finds the first of the nearest words of up to %i symbols", (longest) => {
  const random = randomNumbers(longest);
  const word = () =>
    Array.from({ length: Math.floor(random() * (longest + 1)) }, () => "abcĠ中😀"[Math.floor(random() * 5)]).join("");
  for (let round = 0; round < 8; round++) {
    const from = Array.from({ length: 25 }, word);
    const to = Array.from({ length: 40 }, word);
    const expected = from.map((string) => {
      const distances = to.map((other) => distance(string, other));
      return distances.indexOf(Math.min(...distances));
    });
    expect(Array.from(nearestWords(from, to))).toEqual(expected);
  }
});

it("knows the nearest word of symbols that no word has", () => {
  const random = randomNumbers(2);
  const wordOf = (symbols: string) => () =>
    Array.from({ length: 1 + Math.floor(random() * 6) }, () => symbols[Math.floor(random() * symbols.length)]).join("");
  const from = Array.from({ length: 200 }, wordOf("abcжщю"));
  const to = Array.from({ length: 100 }, wordOf("abcd"));
  const expected = from.map((string) => {
    const distances = to.map((other) => distance(string, other));
    return distances.indexOf(Math.min(...distances));
  });
  expect(Array.from(nearestWords(from, to))).toEqual(expected);
});

it("tells apart what the bits of symbols cannot", () => {
  const symbols = Array.from({ length: 130 }, (_, place) => String.fromCodePoint(0x4e00 + place));
  expect(Array.from(nearestWords(symbols, ["ab", ...symbols.slice(65), symbols[3]]))).toEqual(
    symbols.map((_, place) => (place >= 65 ? place - 64 : place === 3 ? 66 : 1)),
  );
});

it("builds the same map in parts", async () => {
  const random = randomNumbers(1);
  const word = () =>
    Array.from({ length: 3 + Math.floor(random() * 3) }, () => "abcdefgh"[Math.floor(random() * 8)]).join("");
  const [from, to] = [Array.from({ length: 300 }, word), Array.from({ length: 300 }, word)];
  expect(await minedMap(from, to)).toEqual(nearestWords(from, to));
});

it("swaps the marker of a word's beginning once, where a piece is not known as it is", () => {
  expect(withMarker(["▁cat", "▁dog", "cat", "▁▁", "▁"], ["▁dog"], "▁", "Ġ")).toEqual([
    "Ġcat",
    "▁dog",
    "cat",
    "▁▁",
    "Ġ",
  ]);
});
