/**
 * Character classes of XGrammar's EBNF as classes of bytes. Release 0.1.27 of its JavaScript package takes the characters of a
 * class for bytes, so that `[ä]` is the byte E4, `.` any ASCII character, `[^ä]` any character, and `[^a]` also bytes that are
 * not UTF-8 (it reads strings well). Here a range of characters becomes a choice of sequences of byte ranges:
 *
 *     [à-ÿ]  →  (([\xc3\xc3] [\xa0-\xbf]))
 *
 * A byte stands there twice because a class of one character is read as a string.
 */

type Range = readonly [low: number, high: number];

const CLASS_OR_STRING = /"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]/gsu;
const CHARACTER =
  /\\(?:x(?<byte>[\da-fA-F]{2})|u(?<unit>[\da-fA-F]{4})|U(?<point>[\da-fA-F]{8})|(?<escaped>.))|(?<plain>.)/suy;
const ESCAPES: Readonly<Record<string, number>> = { 0: 0, a: 7, b: 8, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 };
const LARGEST_ASCII = 0x7f;
/** The largest characters of one, two, three and four bytes. */
const LONGEST = [LARGEST_ASCII, 0x7ff, 0xffff, 0x10ffff] as const;

const ALL: Range = [0, 0x10ffff];
const SURROGATES: readonly Range[] = [[0xd800, 0xdfff]];

/** The same grammar with no class of characters beyond ASCII; what a class leaves out leaves all that is no UTF-8 out too. */
export function withByteClasses(grammar: string): string {
  return grammar.replace(CLASS_OR_STRING, (found) => {
    if (found.startsWith('"')) return found;
    const isNegated = found.startsWith("[^");
    const ranges = rangesOf(found.slice(isNegated ? 2 : 1, -1));
    if (!isNegated && ranges.every(([, high]) => high <= LARGEST_ASCII)) return found;
    const choices = without(SURROGATES, isNegated ? without(ranges, [ALL]) : ranges)
      .flatMap(byteSequences)
      .map((bytes) => bytes.map(byteClass).join(" "));
    return `(${choices.map((choice) => `(${choice})`).join(" | ")})`;
  });
}

function rangesOf(inside: string): Range[] {
  const points: { point: number; isDash: boolean }[] = [];
  CHARACTER.lastIndex = 0;
  for (let match = CHARACTER.exec(inside); match !== null; match = CHARACTER.exec(inside)) {
    const { byte, unit, point, escaped, plain } = match.groups!;
    const hex = byte ?? unit ?? point;
    const code =
      hex !== undefined ? Number.parseInt(hex, 16) : (ESCAPES[escaped ?? ""] ?? (escaped ?? plain).codePointAt(0)!);
    points.push({ point: code, isDash: plain === "-" });
  }
  const ranges: Range[] = [];
  for (let at = 0; at < points.length; at++) {
    const isRange = points[at + 1]?.isDash && at + 2 < points.length;
    ranges.push([points[at].point, points[isRange ? at + 2 : at].point]);
    if (isRange) at += 2;
  }
  return ranges;
}

/** What is in the ranges and not in the others. */
function without(others: readonly Range[], ranges: readonly Range[]): readonly Range[] {
  let left = ranges;
  for (const [low, high] of others) {
    left = left.flatMap(([from, to]): Range[] => {
      if (to < low || from > high) return [[from, to]];
      const parts: Range[] = [
        [from, low - 1],
        [high + 1, to],
      ];
      return parts.filter(([first, last]) => first <= last);
    });
  }
  return left;
}

/** The sequences of byte ranges that are these characters in UTF-8. */
function byteSequences([low, high]: Range): Range[][] {
  for (const most of LONGEST)
    if (low <= most && most < high) return [...byteSequences([low, most]), ...byteSequences([most + 1, high])];
  if (high <= LARGEST_ASCII) return [[[low, high]]];
  // Where the leading bits differ, all lower ones have to take all values.
  for (let bits = 6; bits <= 18; bits += 6) {
    const mask = (1 << bits) - 1;
    if ((low & ~mask) === (high & ~mask)) continue;
    if ((low & mask) !== 0) return [...byteSequences([low, low | mask]), ...byteSequences([(low | mask) + 1, high])];
    if ((high & mask) !== mask)
      return [...byteSequences([low, (high & ~mask) - 1]), ...byteSequences([high & ~mask, high])];
  }
  const last = encode(high);
  return [encode(low).map((byte, at): Range => [byte, last[at]])];
}

/** UTF-8 of a character. */
function encode(point: number): number[] {
  const count = LONGEST.findIndex((most) => point <= most);
  if (count === 0) return [point];
  const bytes: number[] = [];
  for (let left = count; left > 0; left--) bytes.unshift(0x80 | ((point >> (6 * (count - left))) & 0x3f));
  const lead = [0, 0xc0, 0xe0, 0xf0][count] | (point >> (6 * count));
  return [lead, ...bytes];
}

function byteClass([low, high]: Range): string {
  const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;
  return `[${hex(low)}${low === high ? "" : "-"}${hex(high)}]`;
}
