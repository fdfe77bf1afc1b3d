import { describe, expect, test } from "vitest";
import { displayWidth, fitted, quoted, quotedBytes, wrapped } from "../../../src/cli/columns.js";
import { RandomGenerator } from "../../../src/random.js";

describe("display width", () => {
  test.each([
    ["", 0],
    ["abc", 3],
    ["né", 2],
    ["ne\u0301", 2],
    ["你好", 4],
    ["한글", 4],
    ["ｶﾅ カナ", 7],
    ["（！）", 6],
    ["😀", 2],
    ["👩‍👩‍👧", 2],
    ["🇫🇷", 2],
    ["❤️", 2],
    ["❤", 1],
    ["\u200b", 0],
    ["𠀀", 2],
  ])("%s is %i columns", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

test("fitted text has exactly the width that was asked for", () => {
  expect(fitted("ab", 4)).toBe("ab  ");
  expect(fitted("abcd", 4)).toBe("abcd");
  expect(fitted("abcde", 4)).toBe("abc…");
  expect(fitted("你好世", 4)).toBe("你… ");
  const random = new RandomGenerator(1);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random.nextUint32() % 12 }, () => "a你é😀"[random.nextUint32() % 3]).join("");
    const columns = 1 + (random.nextUint32() % 12);
    expect(displayWidth(fitted(text, columns))).toBe(columns);
  }
});

describe("quoted", () => {
  test.each([
    [" the", '" the"'],
    ["\n\r\n\t", '"\\n\\r\\n\\t"'],
    ['say "\\"', '"say \\"\\\\\\""'],
    ["\u001b[31m\u0007", '"\\x1b[31m\\x07"'],
    ["a\u202eb\u200dc\u00a0", '"a\\u{202e}b\u200dc\\xa0"'],
    ["\u200d", '"\\u{200d}"'],
    ["你👩‍👧", '"你👩‍👧"'],
  ])("%j", (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });

  test("bytes that are no text", () => {
    expect(quotedBytes("20e4bd22")).toBe('" \\xe4\\xbd\\""');
  });
});

describe("wrapped", () => {
  const plain = (text: string, columns: number) => wrapped([{ text, paint: String }], columns);

  test("breaks at spaces, and within words that are too long", () => {
    expect(plain("ab cd e", 5)).toBe("ab cd\ne");
    expect(plain("ab cde fg", 5)).toBe("ab\ncde\nfg");
    expect(plain("abcdefg hi", 5)).toBe("abcde\nfg hi");
    expect(plain("你好 世界", 5)).toBe("你好\n世界");
    expect(plain("a\n\nb\r\nc", 5)).toBe("a\n\nb\nc");
  });

  test("the words of any text, one after another, each on the first line that has room", () => {
    const random = new RandomGenerator(2);
    for (let round = 0; round < 2000; round++) {
      const columns = 4 + (random.nextUint32() % 8);
      const words = Array.from({ length: 1 + (random.nextUint32() % 8) }, () =>
        "x".repeat(1 + (random.nextUint32() % 4)),
      );
      const lines: string[] = [];
      for (const word of words) {
        const last = lines.at(-1);
        if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
        else lines.push(word);
      }
      expect(plain(words.join(" "), columns)).toBe(lines.join("\n"));
    }
  });

  test("every line is painted for itself", () => {
    const red = (text: string) => `<${text}>`;
    const blue = (text: string) => `(${text})`;
    const runs = [
      { text: "ab c", paint: red },
      { text: "d ef", paint: blue },
    ];
    expect(wrapped(runs, 5)).toBe("<ab c>(d)\n(ef)");
  });
});
