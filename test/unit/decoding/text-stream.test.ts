import { expect, test } from "vitest";
import { TextStream } from "../../../src/decoding/text-stream.js";
import { RandomGenerator } from "../../../src/random.js";

const whole = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** Bytes that meet each other in every good and bad way: leads, continuations, overlong, surrogates, too large, BOM. */
const AWKWARD = [0x00, 0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe4, 0xed, 0xef];
AWKWARD.push(0xf0, 0xf3, 0xf4, 0xf5, 0xff);

test("any bytes in any chunks give what one decoding of all bytes gives", () => {
  const random = new RandomGenerator(1);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const stream = new TextStream();
  for (let round = 0; round < 30_000; round++) {
    const bytes = Uint8Array.from({ length: below(14) }, () => AWKWARD[below(AWKWARD.length)]);
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const size = below(5);
      text += stream.push(bytes.subarray(at, at + size));
      at += size;
      // Held back is one unfinished character at most, and nothing that was shown is taken back.
      const soFar = whole(bytes.subarray(0, at));
      if (text !== soFar && `${text}\uFFFD` !== soFar)
        expect.fail(`${bytes.slice(0, at)} gave ${JSON.stringify(text)}`);
    }
    text += stream.flush();
    if (text !== whole(bytes)) expect.fail(`${bytes} gave ${JSON.stringify(text)}`);
  }
});

test("a character cut at every byte appears with its last byte", () => {
  const stream = new TextStream();
  const bytes = new TextEncoder().encode("é你😀!");
  const outputs = Array.from(bytes, (byte) => stream.push(Uint8Array.of(byte)));
  expect(outputs).toEqual(["", "é", "", "", "你", "", "", "", "😀", "!"]);
  expect(stream.flush()).toBe("");
});

test("a text that ends within a character ends with one replacement character", () => {
  const stream = new TextStream();
  expect(stream.push(Uint8Array.of(0x61, 0xf0, 0x9f, 0x98))).toBe("a");
  expect(stream.flush()).toBe("\uFFFD");
  expect(stream.push(Uint8Array.of(0x62))).toBe("b");
});

test("byte order marks stay, wherever they are", () => {
  const stream = new TextStream();
  expect(stream.push(new TextEncoder().encode("\uFEFFa\uFEFF")) + stream.flush()).toBe("\uFEFFa\uFEFF");
});

test("bytes in memory that threads share are read too", () => {
  expect(new TextStream().push(new Uint8Array(new SharedArrayBuffer(2)).fill(0x61))).toBe("aa");
});
