/** Strings as Python prints them: `['a\nb', "it's"]`, or one string in quotes. */

const LITERAL = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs;
const PRINTED = /^\s*(?:\[\s*)?['"].*['"]\s*\]?\s*$/s;
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))/gs;
const NAMED: Record<string, string> = { n: "\n", t: "\t", r: "\r", a: "\u0007", b: "\b", f: "\f", v: "\v", "\n": "" };

/** The strings of a printed list; a text that is none is returned as it is. */
export function pythonStrings(text: string): string[] {
  if (!PRINTED.test(text)) return [text];
  return Array.from(text.matchAll(LITERAL), ([, single, double]) => unescaped(single ?? double));
}

function unescaped(text: string): string {
  return text.replace(ESCAPE, (whole, x?: string, u?: string, wide?: string, octal?: string, character?: string) => {
    const code = x ?? u ?? wide;
    if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      // Python refuses it; nothing here depends on what it would be.
      return point > 0x10ffff ? whole : String.fromCodePoint(point);
    }
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    return NAMED[character!] ?? character!;
  });
}
