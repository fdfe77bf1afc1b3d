/** Seeded damage to texts in files: what editors, half copies, other programs and people with intentions do to them. */
import { RandomGenerator } from "../../src/random.js";

const PIECES = [
  "\u0000",
  "\ufeff",
  "\r",
  "\n\n",
  '"',
  "'",
  ",",
  "[",
  "{",
  "}",
  "\\",
  "\\U0011ffff",
  "\\ud800",
  "1e999",
  "-1",
  "nan",
  "null",
  '{"__proto__":{"x":1}}',
  "['\\U00110000']",
  "[".repeat(20_000),
  '{"a":'.repeat(20_000),
  "9".repeat(5000),
  "x".repeat(100_000),
];

/** The same seed and text give the same bytes. */
export function damagedText(text: string, seed: number): Buffer {
  const random = new RandomGenerator(seed);
  const pick = (count: number) => Math.floor(random.next() * count);
  let bytes = Buffer.from(text);
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const at = pick(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const lines = bytes.toString("latin1").split("\n");
    const line = pick(lines.length);
    const ways: (() => Buffer)[] = [
      () => Buffer.concat([before, Buffer.from(PIECES[pick(PIECES.length)]), after]),
      () => Buffer.concat([before, Buffer.from(PIECES[pick(PIECES.length)]), after.subarray(pick(20))]),
      () => Buffer.concat([before, after.subarray(pick(Math.min(after.length, 200) + 1))]),
      () => before,
      () => Buffer.concat([before, Buffer.of(pick(256)), after.subarray(1)]),
      () => Buffer.from([...lines.slice(0, line), lines[line], ...lines.slice(line)].join("\n"), "latin1"),
      () => Buffer.from(lines.filter((_, each) => each !== line).join("\n"), "latin1"),
      () => Buffer.concat([bytes, bytes.subarray(pick(bytes.length + 1))]),
    ];
    bytes = Buffer.from(ways[pick(ways.length)]());
  }
  return bytes;
}
