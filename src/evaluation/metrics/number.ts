/**
 * Numeric answers, as asked for by GSM8K (Cobbe et al., arXiv 2110.14168): find the number that the text gives as its
 * answer, and compare exactly. Unlike several published evaluations, signs count, and a number is compared as a whole
 * ("2" is not right because "12" ends with it).
 */

/** numerator / denominator, the denominator above 0. */
export interface Rational {
  numerator: bigint;
  denominator: bigint;
}

/**
 * A number in running text: sign, dollar sign, thousands separators, decimals, a denominator, a percent sign. A hyphen
 * directly after a word or a bracket ("20-8", "top-3") is not a sign. Groups: sign, sign after the dollar, number,
 * denominator.
 */
const NUMBER = /((?<![\p{L}\p{N})\]}])-)?(?:\$(-)?)?(\d[\d,]*(?:\.\d+)?|(?<![\p{L}\p{N}.])\.\d+)(?:\/(\d+))?%?/gu;

/** Numbers compare equal up to this difference: 1/3 and 0.333333 are the same answer. */
const TOLERANCE_PARTS = 1_000_000n;

/**
 * The number that a text gives as its answer; undefined if it has none. The first of these that holds a number:
 *
 * 1. the last `\boxed{…}` with balanced braces: its first number,
 * 2. the text after the last `####`: its first number,
 * 3. the text after the last "answer is" that has a number after it: its first number,
 * 4. the whole text: its last number.
 *
 * Commas, dollar and percent signs are dropped: "$1,200" is 1200 and "50%" is 50. "3/4" is three quarters.
 */
export function extractNumber(text: string): Rational | undefined {
  const plain = text.replaceAll("\u2212", "-");
  const boxed = lastBox(plain);
  const afterHashes = plain.lastIndexOf("####");
  return (
    (boxed === undefined ? undefined : numbersIn(withoutLatex(boxed))[0]) ??
    (afterHashes < 0 ? undefined : numbersIn(plain.slice(afterHashes + 4))[0]) ??
    afterAnswerIs(plain) ??
    numbersIn(plain).at(-1)
  );
}

/** Whether two numbers differ by at most 1e-6. */
export function equalNumbers(a: Rational, b: Rational): boolean {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  const size = difference < 0n ? -difference : difference;
  return size * TOLERANCE_PARTS <= a.denominator * b.denominator;
}

/** 1 if the number that the text gives as its answer equals the accepted one, else 0; 0 where either has no number. */
export function numberMatch(answer: string, accepted: string): number {
  const found = extractNumber(answer);
  const wanted = extractNumber(accepted);
  return found !== undefined && wanted !== undefined && equalNumbers(found, wanted) ? 1 : 0;
}

/** Every number of a text in order; a division by zero is none. */
function numbersIn(text: string): Rational[] {
  return Array.from(text.matchAll(NUMBER), rationalOf).filter((number) => number !== undefined);
}

function rationalOf([, sign, innerSign, digits, divisor = "1"]: RegExpMatchArray): Rational | undefined {
  const [whole, decimals = ""] = digits.replaceAll(",", "").split(".");
  const denominator = 10n ** BigInt(decimals.length) * BigInt(divisor);
  if (denominator === 0n) return undefined;
  const numerator = BigInt(whole + decimals);
  return { numerator: (sign ?? innerSign) === undefined ? numerator : -numerator, denominator };
}

/** The number after the last "answer is" that has one. */
function afterAnswerIs(text: string): Rational | undefined {
  const marks = Array.from(text.matchAll(/answer is/gi), ({ index }) => index + "answer is".length);
  for (const start of marks.reverse()) {
    const [first] = numbersIn(text.slice(start));
    if (first !== undefined) return first;
  }
  return undefined;
}

/** What stands in the last `\boxed{…}` whose braces balance. */
export function lastBox(text: string): string | undefined {
  const opening = "\\boxed{";
  for (let at = text.lastIndexOf(opening); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(opening, at - 1)) {
    const start = at + opening.length;
    let depth = 1;
    for (let end = start; end < text.length; end++) {
      if (text[end] === "{") depth++;
      else if (text[end] === "}" && --depth === 0) return text.slice(start, end);
    }
  }
  return undefined;
}

/** The LaTeX that numbers come in: `\frac{1}{2}`, `\$5`, `50\%`, `1{,}234`, `1\,234`. */
function withoutLatex(text: string): string {
  return text
    .replace(/\\[dt]?frac\{(-?\d+)\}\{(\d+)\}/g, "$1/$2")
    .replaceAll("{,}", ",")
    .replace(/\\[,!;: ]/g, "")
    .replace(/\\([$%])/g, "$1");
}
