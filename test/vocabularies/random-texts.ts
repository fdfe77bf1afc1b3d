/** Seeded random texts of the kinds that tokenizers stumble over. All are valid UTF-8. */
import { generator } from "../../scripts/lib/tiny-model.js";

export type Random = () => number;

export { generator };

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)];
}

export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** Ranges of code points: [first, last]. */
const SCRIPTS: readonly (readonly [number, number])[] = [
  [0x41, 0x5a],
  [0x61, 0x7a],
  [0xc0, 0x24f],
  [0x370, 0x3ff],
  [0x400, 0x4ff],
  [0x5d0, 0x5ea],
  [0x620, 0x64a],
  [0x905, 0x939],
  [0xe01, 0xe3a],
  [0x1780, 0x17b3],
  [0x3041, 0x3096],
  [0x30a1, 0x30fa],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0x10400, 0x1044f],
  [0x1d400, 0x1d7ff],
  [0x20000, 0x2a6d6],
];
const COMBINING = [
  0x300, 0x301, 0x308, 0x327, 0x5b0, 0x64e, 0x93f, 0x94d, 0xe31, 0xe49, 0x17d2, 0x200c, 0x200d, 0xfe0f,
];
const SPACES = [
  " ",
  "  ",
  "    ",
  "\t",
  "\n",
  "\n\n",
  "\r\n",
  "\r",
  "\u00a0",
  "\u2003",
  "\u3000",
  "\u2028",
  "\u0085",
  "\v",
  "\f",
];
const EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️‍🔥", "🧑🏿‍🚀", "1️⃣", "😶‍🌫️", "🦙"];
const PUNCTUATION = [
  ..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  "…",
  "—",
  "“",
  "”",
  "’",
  "。",
  "，",
  "、",
  "！",
  "¿",
  "«",
  "؟",
  "।",
];
const CODE = [
  "function f(x) {\n  return x === 0 ? 1 : x * f(x - 1);\n}\n",
  "for (int i = 0; i < n; ++i) {\n\t\ta[i] += b[i] << 2;\n\t}\r\n",
  'def main():\n    print(f"{name!r:>10}")\n\n\n',
  "SELECT * FROM t WHERE a='b''c' AND id>=10;",
  '<div class="a b">&nbsp;</div>\n',
  "\\begin{align} x_{i,j}^2 &= \\frac{1}{2} \\\\ \\end{align}",
  '{"a":[1,2.50,-3e10,null],"b":"\\u00e9"}',
  '#!/bin/sh\nset -e; x=$(ls -la | wc -l) && echo "$x" >&2\n',
];
const WORDS = (
  "the of and to in is it you that he was for on are with as I his they be at one have this from don't won't I'll " +
  "we've it's she'd O'Brien e.g. U.S.A. internationalisation HTTPServer snake_case camelCase naïve café Zürich " +
  "Straße año Привет мир שלום العربية हिन्दी ไทย 한국어 こんにちは 世界 你好，世界 今天天气很好。 3.14159 1,000,000 2024-05-06 0xFF 1314151"
).split(" ");

/** Characters that stand next to a space, a line break or a full-width mark in what `crossings` makes. */
const NEIGHBOURS = [
  ..."aeitzAIT019.,:;!?'\"()[]{}<>/\\|@#$%^&*-_=+~`",
  ..."éßñüøÀÿõ÷Жяשלםعaเกहि한글日本語漢字、。，！？：；「」ーカなА″“”’—…•°©",
  "😀",
  "👍🏽",
  "e\u0301",
  "\u00a0",
  "\u2581",
  "\u200d",
  "\ufeff",
];
/** Texts that mean something to some tokenizer. */
const MARKERS = [
  "</s>",
  "<s>",
  "<unk>",
  "<|endoftext|>",
  "<|im_end|>",
  "<|eot_id|>",
  "<end_of_turn>",
  '<|"|>',
  "<0x0A>",
];

/** A random code point of the whole range, surrogates left out. */
function anyCodePoint(random: Random): string {
  while (true) {
    const plane = pick(random, [0, 0, 0, 0, 1, 2, 3, Math.floor(random() * 17)]);
    const codePoint = plane * 0x10000 + Math.floor(random() * 0x10000);
    if (codePoint < 0xd800 || codePoint > 0xdfff) return String.fromCodePoint(codePoint);
  }
}

function scriptRun(random: Random): string {
  const [first, last] = pick(random, SCRIPTS);
  let text = "";
  for (let count = between(random, 1, 12); count > 0; count--) {
    text += String.fromCodePoint(between(random, first, last));
    if (random() < 0.1) text += String.fromCodePoint(pick(random, COMBINING));
  }
  return text;
}

/** Single characters between single spaces, line breaks and full-width marks: the places where tokenisation is cut. */
function crossings(random: Random): string {
  let text = "";
  for (let count = between(random, 2, 12); count > 0; count--) {
    text += pick(random, NEIGHBOURS) + pick(random, [" ", " ", "\n", "", "，", "。", pick(random, WORDS)]);
  }
  return text;
}

const repeated = (random: Random, text: string): string => text.repeat(between(random, 1, 20));

/** One piece of text; what it is made of is decided by chance. */
const PIECES: readonly ((random: Random) => string)[] = [
  (random) => pick(random, WORDS),
  (random) => ` ${pick(random, WORDS)}`,
  (random) => ` ${pick(random, WORDS)} ${pick(random, WORDS)}`,
  scriptRun,
  (random) => ` ${scriptRun(random)}`,
  (random) => pick(random, SPACES),
  (random) => repeated(random, pick(random, SPACES)),
  (random) => pick(random, EMOJI),
  (random) => pick(random, PUNCTUATION),
  (random) => repeated(random, pick(random, PUNCTUATION)),
  (random) => pick(random, CODE),
  (random) => String(Math.floor(random() * 10 ** between(random, 1, 12))),
  anyCodePoint,
  crossings,
  crossings,
  (random) => pick(random, MARKERS),
  (random) => String.fromCharCode(between(random, 0, 0x9f)),
  (random) => repeated(random, pick(random, [..."abehil", "ab", "ha", "的", "ー", "0"])),
  (random) => pick(random, WORDS).slice(0, between(random, 1, 4)),
];

/** A text of so many pieces. */
export function randomText(random: Random, pieces: number): string {
  let text = "";
  for (let count = 0; count < pieces; count++) text += pick(random, PIECES)(random);
  return text;
}

/** Prose in one script, words with single spaces and now and then a line break: what answers mostly look like. */
export function randomProse(random: Random, bytes: number): string {
  let text = "";
  while (text.length < bytes) {
    text += pick(random, WORDS.slice(0, 26));
    text += random() < 0.1 ? pick(random, [", ", ". ", ".\n", "\n\n", "? "]) : " ";
  }
  return text.slice(0, bytes);
}

/** Random split of bytes, anywhere, also within a character. */
export function randomSplit(random: Random, bytes: Uint8Array, longest: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = between(random, 1, longest);
    parts.push(bytes.slice(at, at + length));
    at += length;
  }
  return parts;
}

const CHINESE_TEXT = "今天天气很好我们去公园散步路上遇到了几个老朋友他们正在讨论人工智能的未来";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const WITHOUT_SPACES: readonly ((random: Random) => string)[] = [
  (random) => pick(random, [...BASE64]),
  (random) => String(Math.floor(random() * 1e9)),
  (random) => pick(random, WORDS),
  (random) => pick(random, WORDS).toUpperCase(),
  (random) => `${pick(random, ["'", "'s", "'re", "'LL", "’s", "-", "_", "/", "="])}${pick(random, WORDS)}`,
  scriptRun,
  (random) => pick(random, [...CHINESE_TEXT]),
  (random) => pick(random, PUNCTUATION),
  (random) => pick(random, EMOJI),
  (random) => pick(random, MARKERS),
  (random) => pick(random, SPACES),
];

/** A text with few places to cut it: long runs of one kind, and now and then something else. */
export function unbrokenText(random: Random, bytes: number): string {
  let text = "";
  while (text.length < bytes) {
    const make = pick(random, WITHOUT_SPACES);
    const other = pick(random, WITHOUT_SPACES);
    const isOneThing = random() < 0.2;
    const [one, another] = [make(random), other(random)];
    for (let count = between(random, 1, 60); count > 0; count--) {
      if (isOneThing) text += random() < 0.02 ? another : one;
      else text += (random() < 0.1 ? other : make)(random);
    }
  }
  return text;
}
