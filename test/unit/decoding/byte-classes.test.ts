import { describe, expect, it } from "vitest";
import { withByteClasses } from "../../../src/decoding/format/byte-classes.js";

/** What a rewritten class matches, as a regular expression over Latin-1 letters that stand for bytes. */
function matcher(grammar: string): (character: string) => boolean {
  const pattern = new RegExp(`^(${grammar.replaceAll(" ", "")})$`, "s");
  return (character) => pattern.test(Buffer.from(character).toString("latin1"));
}

describe("classes of characters as classes of bytes", () => {
  it("leaves ASCII and strings as they are", () => {
    for (const same of ["[a-z\\n]", '"[ä]"', 'root ::= "\\"[é]" [a-z]*', "[\\]-a]"])
      expect(withByteClasses(same)).toBe(same);
  });

  it("writes ranges as sequences", () => {
    expect(withByteClasses("a ::= [\\xe0-\\xff]*")).toBe("a ::= (([\\xc3\\xc3] [\\xa0-\\xbf]))*");
    expect(withByteClasses("[aé]")).toBe("(([\\x61\\x61]) | ([\\xc3\\xc3] [\\xa9\\xa9]))");
  });

  it("bytes that are no text are in no class", () => {
    const pattern = new RegExp(`^(${withByteClasses("[^a]").replaceAll(" ", "")})$`, "s");
    const latin1 = (bytes: number[]) => Buffer.from(bytes).toString("latin1");
    for (let byte = 0; byte < 256; byte++) expect(pattern.test(latin1([byte]))).toBe(byte < 0x80 && byte !== 0x61);
    const broken = [
      [0xc0, 0x80],
      [0xc3, 0x28],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
    ];
    for (const bytes of broken) expect(pattern.test(latin1(bytes))).toBe(false);
  });

  it.each([
    ["[\\0-\\U0010ffff]", () => true],
    ['[^\\0-\\x1f"]', (point: number) => point > 0x1f && point !== 0x22],
    ["[^ä\\u4e00-\\U0001f600]", (point: number) => point !== 0xe4 && (point < 0x4e00 || point > 0x1f600)],
    ["[\\u0080-\\uffff]", (point: number) => point >= 0x80 && point <= 0xffff],
    ["[à-\\u1234z]", (point: number) => (point >= 0xe0 && point <= 0x1234) || point === 0x7a],
    [
      "[\\U0001F600-\\U0001F64F\\u4e00-\\u9fa5-]",
      (point: number) =>
        (point >= 0x1f600 && point <= 0x1f64f) || (point >= 0x4e00 && point <= 0x9fa5) || point === 0x2d,
    ],
  ])("%s is what it was", (characters, isIn) => {
    const matches = matcher(withByteClasses(characters));
    for (let point = 0; point <= 0x10ffff; point += point < 0x3000 ? 1 : 251) {
      if (point >= 0xd800 && point < 0xe000) continue;
      if (matches(String.fromCodePoint(point)) !== isIn(point)) expect.fail(`U+${point.toString(16)}`);
    }
  });
});
