/** Numbers in running text, as people and models write them: figures with separators, fractions, LaTeX, words. */

/** numerator / denominator, the denominator above 0. */
export interface Rational {
  numerator: bigint;
  denominator: bigint;
}

/** A number in a text, with what tells which of several is meant. */
export interface Numeral {
  value: Rational;
  start: number;
  end: number;
  /** Has a currency before or behind it. */
  isMoney: boolean;
}

/** Grouped by commas (also 1,00,000), by spaces, by apostrophes, by full stops; decimal commas; plain. In this order. */
const FIGURES = [
  String.raw`\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?`,
  String.raw`\d{1,2}(?:,\d{2})+,\d{3}(?!\d)(?:\.\d+)?`,
  String.raw`(?<!\d[ \u00a0\u202f\u2009])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d])(?:[.,]\d+)?`,
  String.raw`\d{1,3}(?:['’_]\d{3})+(?!\d)(?:\.\d+)?`,
  String.raw`\d{1,3}(?:\.\d{3}){2,}(?!\d)(?:,\d+)?`,
  String.raw`\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)`,
  String.raw`(?<![\d],)\d+,\d{1,2}(?![\d]|,\d)`,
  String.raw`\d+(?:\.\d+)?`,
  String.raw`(?<![\p{L}\d.])\.\d+`,
].join("|");

/** Letters before a figure make it part of a name ("H2O"), unless they are a currency. Other scripts write no spaces. */
const NO_NAME_BEFORE = String.raw`(?:(?<![A-Za-z_]|[A-Za-z_]\.?\d+)|(?<=\b(?:USD|US|EUR|GBP|CAD|AUD|INR|Rs)))`;
const CURRENCY = "[$€£¥₹₩]";
/** A hyphen behind a word, a figure or a bracket ("20-8", "top-3") is not a sign. */
const SIGN = String.raw`(?:(?<![\p{L}\p{N})\]}])-|(?<=(?:^|[=:#(])\s*)-\s|(?<=\b)(?:minus|negative)\s+)`;
const SCALES: Readonly<Record<string, bigint>> = {
  hundred: 100n,
  thousand: 1000n,
  million: 10n ** 6n,
  billion: 10n ** 9n,
  trillion: 10n ** 12n,
  k: 1000n,
};

const NUMERAL = new RegExp(
  `(?<sign>${SIGN})?(?:(?<money>${CURRENCY}\\s?)(?<inner>-)?)?${NO_NAME_BEFORE}(?<figures>${FIGURES})` +
    // 2 1/2, 2-1/2, 2 and 1/2; 3/4; but no date and no path.
    String.raw`(?:(?:\s+(?:and\s+)?|-)(?<part>\d+)\/(?<of>\d+)(?![\d/])|\/(?<divisor>\d+)(?!\d*\/\d))?` +
    String.raw`(?:[eE](?<exponent>[+-]?\d{1,3})(?![\p{L}\d])|\s*[×x*·]\s*10\s*(?:\^|\*\*)\s*\{?(?<power>[+-]?\d{1,3})\}?|\^\{?(?<raised>\d{1,2})\}?(?!\d))?` +
    String.raw`(?:\s(?<scale>hundred|thousand|million|billion|trillion)\b|(?<kilo>[kK])(?![\p{L}\d]))?` +
    String.raw`(?<after>%|\s?(?:€|£|¥|₹|₩|円|元|dollars?|cents?|euros?|pounds?|USD|EUR|GBP)(?![\p{L}]))?`,
  "gu",
);

/** Every number of a text in order; a division by zero is none. The text is one that `plainFigures` made. */
export function numeralsIn(text: string): Numeral[] {
  return Array.from(text.matchAll(NUMERAL)).flatMap((match) => {
    const value = numberFrom(match.groups as Groups);
    if (value === undefined) return [];
    const { money, after = "" } = match.groups as Groups;
    const isMoney = money !== undefined || (after !== "" && after !== "%");
    return [{ value, start: match.index, end: match.index + match[0].length, isMoney }];
  });
}

type Groups = Record<string, string | undefined>;

function numberFrom(groups: Groups): Rational | undefined {
  const { sign, inner, figures = "", part, of, divisor, exponent, power, raised, scale, kilo } = groups;
  const { numerator, denominator } = decimalOf(figures);
  let value: Rational = { numerator, denominator };
  if (part !== undefined && of !== undefined) {
    const [above, below] = [BigInt(part), BigInt(of)];
    if (below === 0n) return undefined;
    value = { numerator: numerator * below + above * denominator, denominator: denominator * below };
  } else if (divisor !== undefined) {
    if (BigInt(divisor) === 0n) return undefined;
    value = { numerator, denominator: denominator * BigInt(divisor) };
  }
  if (raised !== undefined) {
    value = { numerator: value.numerator ** BigInt(raised), denominator: value.denominator ** BigInt(raised) };
  }
  const tens = Number(exponent ?? power ?? 0);
  const factor = scale === undefined ? (kilo === undefined ? 1n : 1000n) : SCALES[scale]!;
  value.numerator *= factor * (tens > 0 ? 10n ** BigInt(tens) : 1n);
  value.denominator *= tens < 0 ? 10n ** BigInt(-tens) : 1n;
  if ((sign ?? inner) !== undefined) value.numerator = -value.numerator;
  return value;
}

/** Which separator is the decimal one: the last, where it is a full stop, or a comma that separates no three digits. */
function decimalOf(figures: string): Rational {
  const isDecimalComma =
    /(?:^|[^,\d])\d+,\d{1,2}$/.test(figures) ||
    /\.\d{3},\d+$/.test(figures) ||
    /[ \u00a0\u202f\u2009]\d{3},\d+$/.test(figures);
  const dotsGroup = /\.\d{3}(?:\.\d{3})+/.test(figures) || /\.\d{3},/.test(figures);
  let text = figures.replace(/[ \u00a0\u202f\u2009'’_]/g, "");
  if (dotsGroup) text = text.replaceAll(".", "");
  text = isDecimalComma ? text.replace(",", ".") : text.replaceAll(",", "");
  const [whole = "", decimals = ""] = text.split(".");
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) };
}

const VULGAR: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅖": "2/5",
  "⅗": "3/5",
  "⅘": "4/5",
  "⅙": "1/6",
  "⅚": "5/6",
  "⅛": "1/8",
  "⅜": "3/8",
  "⅝": "5/8",
  "⅞": "7/8",
};
/** The zeros of digits that are not ASCII: full width, Arabic, Persian, Devanagari, Bengali, Thai. */
const ZEROS = [0xff10, 0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50];

/**
 * The same text with numbers in plain figures: `\frac{3}{4}` is 3/4, `\text{cm}` is cm, `1{,}234` is 1,234, "½" is 1/2,
 * "１５" is 15, "−" is "-"; GSM8K's calculator notes (`<<3*6=18>>`) are gone.
 */
export function plainFigures(text: string): string {
  return text
    .replace(/<<[^<>\n]*>>/g, "")
    .replace(/[\u2212\u2013](?=\s?[$€£]?[\d.])/g, "-")
    .replace(
      /(\d)?\s*\\[dtc]?frac\s*\{\s*(-?)(\d+)\s*\}\s*\{\s*(\d+)\s*\}/g,
      (_, whole = "", sign: string, above: string, below: string) =>
        whole === "" ? `${sign}${above}/${below}` : `${whole} ${above}/${below}`,
    )
    .replace(/\\[dtc]?frac(\d)(\d)/g, "$1/$2")
    .replace(/\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname|mbox)\s*\{([^{}]*)\}/g, "$1")
    .replace(/\{,\}/g, ",")
    .replace(/\\[,;!: ]/g, "")
    .replace(/\\(?:left|right|displaystyle|quad|qquad)(?![A-Za-z])/g, "")
    .replace(/\\(?:times|cdot)(?![A-Za-z])/g, "×")
    .replace(/\\div(?![A-Za-z])/g, "÷")
    .replace(/\\([$%])/g, "$1")
    .replace(/\\[()[\]]/g, " ")
    .replace(
      /(\d)?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])/g,
      (_, whole = "", part: string) => `${whole}${whole === "" ? "" : " "}${VULGAR[part]}`,
    )
    .replace(/\p{Nd}/gu, (digit) => {
      const code = digit.codePointAt(0)!;
      const zero = ZEROS.find((first) => code >= first && code <= first + 9);
      return zero === undefined ? digit : String(code - zero);
    });
}

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const NUMBER_WORD = [...SMALL, ...TENS, "hundred", "thousand", "million", "billion", "dozen"].join("|");
/** "Two thirds", "a half", "three quarters". */
const PARTS: Readonly<Record<string, bigint>> = {
  half: 2n,
  halve: 2n,
  third: 3n,
  quarter: 4n,
  fourth: 4n,
  fifth: 5n,
  sixth: 6n,
  eighth: 8n,
  tenth: 10n,
};
const IN_WORDS = new RegExp(
  `\\b(?:(minus|negative)\\s+)?(?:an?\\s+(?=hundred|thousand|million|billion|dozen))?((?:${NUMBER_WORD})(?:(?:\\s+and\\s+|[\\s-]+)(?:${NUMBER_WORD}))*)(?:[\\s-]+(${Object.keys(PARTS).join("|")})s?)?\\b`,
  "gi",
);

/** Numbers written in English words: "twenty-five", "one hundred and five", "a dozen". "One" alone is mostly no number. */
export function numberWordsIn(text: string): Numeral[] {
  return Array.from(text.matchAll(IN_WORDS)).flatMap(({ index, 0: all, 1: sign, 2: words = "", 3: part }) => {
    let [total, group] = [0n, 0n];
    for (const word of words.toLowerCase().split(/[\s-]+/)) {
      if (word === "and") continue;
      if (SMALL.includes(word)) group += BigInt(SMALL.indexOf(word));
      else if (TENS.includes(word)) group += BigInt(20 + 10 * TENS.indexOf(word));
      else if (word === "hundred" || word === "dozen") group = (group || 1n) * (word === "dozen" ? 12n : 100n);
      else [total, group] = [total + (group || 1n) * SCALES[word]!, 0n];
    }
    const numerator = (total + group) * (sign === undefined ? 1n : -1n);
    const denominator = part === undefined ? 1n : PARTS[part.toLowerCase()]!;
    return [{ value: { numerator, denominator }, start: index, end: index + all.length, isMoney: false }];
  });
}

/** Numbers compare equal up to this difference: 1/3 and 0.333333 are the same answer. */
const TOLERANCE_PARTS = 1_000_000n;

/** Whether two numbers differ by at most 1e-6. */
export function equalNumbers(a: Rational, b: Rational): boolean {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  const size = difference < 0n ? -difference : difference;
  return size * TOLERANCE_PARTS <= a.denominator * b.denominator;
}
