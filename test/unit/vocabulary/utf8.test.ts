import { describe, expect, it } from "vitest";
import { invalidUtf8At, isUtf8, loneSurrogateAt, scanUtf8 } from "../../../src/vocabulary/utf8.js";
import { between, generator, randomText } from "../../vocabularies/random-texts.js";

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodes(bytes: Uint8Array): boolean {
  try {
    fatal.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const BORDERS = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
  0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

describe("scanUtf8", () => {
  it("agrees with TextDecoder on bytes of every kind, and on what an unfinished character may become", () => {
    const random = generator(1);
    const samples: Buffer[] = [];
    for (let count = 0; count < 1000; count++) {
      const bytes = Buffer.from(randomText(random, 1)).subarray(0, 12);
      for (let change = between(random, 0, 2); change > 0 && bytes.length > 0; change--) {
        bytes[between(random, 0, bytes.length - 1)] = between(random, 0, 255);
      }
      samples.push(bytes);
    }
    // Every byte at which something changes, in front of every other.
    for (const lead of BORDERS) {
      for (const second of BORDERS)
        for (const rest of [[], [0x41], [0x80], [0xbf, 0x80], [0xc0], [0x80, 0x7f]])
          samples.push(Buffer.of(lead, second, ...rest));
    }
    for (const bytes of samples) {
      expect(isUtf8(bytes)).toBe(decodes(bytes));
      const { end, invalid } = scanUtf8(bytes);
      expect(decodes(bytes.subarray(0, end))).toBe(true);
      if (end === bytes.length) continue;
      // A decoder that waits for more says nothing where the end may become a character, and U+FFFD where it cannot.
      const said = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(end), { stream: true });
      expect(invalid === 0).toBe(said === "");
    }
  });

  it.each([
    ["a lone continuation", [0x80], 0, 1],
    ["a byte that is in no character", [0x41, 0xff, 0x41], 1, 1],
    ["an overlong form", [0xc0, 0xaf], 0, 1],
    ["an overlong three-byte form", [0xe0, 0x80, 0xaf], 0, 1],
    ["a surrogate", [0xed, 0xa0, 0x80], 0, 1],
    ["above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 0, 1],
    ["a character cut short by another", [0xe4, 0xbd, 0x41], 0, 2],
    ["a character that may go on", [0x41, 0xf0, 0x9f, 0x98], 1, 0],
    ["the highest character", [0xf4, 0x8f, 0xbf, 0xbf], 4, 0],
    ["nothing", [], 0, 0],
  ])("finds %s", (_, bytes, end, invalid) => {
    expect(scanUtf8(Uint8Array.from(bytes))).toEqual({ end, invalid });
  });

  it("reads from where it is told, and no further", () => {
    const bytes = Buffer.from("aé中😀");
    expect(scanUtf8(bytes, 1, 5)).toEqual({ end: 3, invalid: 0 });
    expect(scanUtf8(bytes, 3)).toEqual({ end: bytes.length, invalid: 0 });
  });
});

it("says where text stops being text", () => {
  expect([[], [0x41], [0xc3, 0xa9]].map((bytes) => invalidUtf8At(Buffer.from(bytes)))).toEqual([-1, -1, -1]);
  expect([[0x80], [0x41, 0xff], [0xc3, 0xa9, 0xc3]].map((bytes) => invalidUtf8At(Buffer.from(bytes)))).toEqual([
    0, 1, 2,
  ]);
  expect(["", "a😀", "\ud83d", "a\ude00b", "ab😀\ud83d"].map(loneSurrogateAt)).toEqual([-1, -1, 0, 1, 4]);
});
