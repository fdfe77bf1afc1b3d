/**
 * Numeric answers, as asked for by GSM8K (Cobbe et al., arXiv 2110.14168): find the number that a text gives as its
 * answer, and compare exactly. Unlike several published evaluations, signs count, and a number is compared as a whole
 * ("2" is not right because "12" ends with it). For figures to compare with published ones there are the filters of
 * lm-evaluation-harness (harness.ts).
 */
import { lastBox, lastCorrection, readAnswer, sentencesOf, statementsIn, withoutMarkup } from "./answer-part.js";
import { equalNumbers, type Numeral, numberWordsIn, numeralsIn, plainFigures, type Rational } from "./numerals.js";

export { equalNumbers, type Rational } from "./numerals.js";

/** What a text says without giving one number: nothing further is looked for. */
const NO_ANSWER = null;
type Found = Rational | typeof NO_ANSWER | undefined;

/**
 * The number that a text gives as its answer; undefined if it gives none, or not a single one. Thoughts are left out,
 * and so is what follows another question (answer-part.ts). The first of these that holds a number (ours):
 *
 * 1. the last `\boxed{…}` with balanced braces: what stands after its last "=", its first number,
 * 2. the last `#### …` line that is a number with its unit; the first, unless a correction stands between,
 * 3. the last "answer is", "Answer:", "is the answer" (in a dozen languages): of `9 * 2 = 18` the result; a later
 *    correction ("Wait, …") goes before it,
 * 4. a number that stands alone before its reasons ("18. She sells …"),
 * 5. the last sentence with a number that is no check, note or reason: bold before plain, the result of an equation, the
 *    number of what the question asks for ("How many pens" … "5 pens"), money where money is asked for, then the last
 *    one that is no year and stands in no brackets.
 *
 * Commas, currencies and percent signs are dropped: "$1,200" is 1200 and "50%" is 50. "3/4" is three quarters, "2 1/2"
 * two and a half, "12 000" twelve thousand. Words count where no figures do: "twelve" is 12.
 */
export function extractNumber(text: string, question = ""): Rational | undefined {
  return (
    readAnswer(
      plainFigures(text),
      (piece): Rational | typeof NO_ANSWER | undefined =>
        fromBox(piece) ??
        orElse(fromHashes(piece), () =>
          orElse(fromStatements(piece, question), () => orElse(fromLead(piece), () => fromConclusion(piece, question))),
        ),
    ) ?? undefined
  );
}

/** 1 if the number that the text gives as its answer equals the accepted one, else 0; 0 where either has no number. */
export function numberMatch(answer: string, accepted: string, question = ""): number {
  const found = extractNumber(answer, question);
  const wanted = extractNumber(accepted);
  return found !== undefined && wanted !== undefined && equalNumbers(found, wanted) ? 1 : 0;
}

/** A definite "none" stays; only undefined asks on. */
function orElse(found: Found, next: () => Found): Found {
  return found === undefined ? next() : found;
}

function fromBox(text: string): Rational | undefined {
  const boxed = lastBox(text);
  if (boxed === undefined) return undefined;
  const result = boxed.slice(boxed.lastIndexOf("=") + 1);
  return (numeralsIn(result)[0] ?? numeralsIn(boxed)[0] ?? numberWordsIn(boxed)[0])?.value;
}

/** Of `####` lines those that are a number and its unit: with four hashes Markdown heads its sections too. */
function fromHashes(text: string): Rational | undefined {
  const plain = withoutMarkup(text);
  const lines = Array.from(plain.matchAll(/####[ \t]*(?!step\b|part\b)([^\n#]*)/gi)).flatMap(
    ({ index, 0: all, 1: said = "" }) => {
      const [first] = numeralsIn(said);
      if (first === undefined || /^\s*\d+\s*[.):]\s+\S/.test(said)) return [];
      const lead = said.slice(0, first.start).trim();
      // "#### Step 2: add 3" heads a section; "#### Answer: 18" and "#### The total is 18" answer.
      if (lead !== "" && !/(?:[:=]|\bis|answer|total)$/i.test(lead)) return [];
      return [{ value: first.value, index, end: index + all.length }];
    },
  );
  let chosen = lines.at(0);
  for (const line of lines.slice(1)) {
    const between = plain.slice(chosen!.end, line.index);
    if (lastCorrection(between, 0) >= 0 || /\bno\b/i.test(between) || between.trim() === "") chosen = line;
  }
  return chosen?.value;
}

function fromStatements(text: string, question: string): Found {
  const plain = withoutMarkup(text);
  const before = Array.from(
    plain.matchAll(
      /[^\n.!?]*?\bis (?:the|my|our) (?:final |correct |right )?(?:answer|result|solution)\b(?![ \t]*[:=])/gi,
    ),
    ({ index, 0: said }) => ({ index, said }),
  );
  const statements = [...statementsIn(plain), ...before].sort((a, b) => a.index - b.index);
  for (const { index, said } of statements.reverse()) {
    const found = saidIn(said, question);
    if (found === undefined) continue;
    const corrected = lastCorrection(plain, index + 1);
    const later = corrected < 0 ? undefined : fromConclusion(plain.slice(corrected), question);
    return later ?? found;
  }
  return undefined;
}

/** What one statement says. */
function saidIn(said: string, question: string): Found {
  const text = sentencesOf(said)[0] ?? "";
  if (/^\W*(?:between|unknown|undefined|unclear)\b/i.test(text)) return NO_ANSWER;
  const claimed = /^\W*not\b/i.test(text) ? (/\b(?:but|rather|it is|it's)\b(.*)$/is.exec(text)?.[1] ?? "") : text;
  const numerals = numeralsIn(claimed).filter(({ end }) => !/^[a-z](?![a-z])/.test(claimed.slice(end)));
  const [first] = numerals;
  if (first === undefined) return numberWordsIn(claimed)[0]?.value;
  const result = resultOf(claimed, numerals);
  if (result !== undefined) return result.value;
  const second = numerals[1];
  if (second !== undefined && !equalNumbers(first.value, second.value)) {
    const between = claimed.slice(first.end, second.start);
    // "5 or 7": two answers are none. "1.5 hours or 90 minutes": the same in another unit.
    if (/^\s*(?:or|to|-)\s*(?:[a-z]\s*=\s*)?$/i.test(between)) return NO_ANSWER;
  }
  const asked = askedFor(question, claimed, numerals);
  // "In 2 days he eats 6 apples" after the answer words: what is asked for goes before what comes first.
  if (asked !== undefined && /^\W*(?:in|on|after|for|with|from)\b/i.test(claimed)) return asked.value;
  return first.value;
}

/** Of `9 * 2 = 18 eggs` the 18: from the first number on operators and units alone, then "=". */
function resultOf(text: string, numerals: readonly Numeral[]): Numeral | undefined {
  const [first] = numerals;
  if (first === undefined) return undefined;
  const [equation] = /^[^=,;:]*?[+\-*/×÷·^xX][^=,;:]*(?:=[^=,;:]*?)*=/.exec(text.slice(first.end)) ?? [];
  if (equation === undefined) return undefined;
  return numerals.find(({ start }) => start >= first.end + equation.length);
}

/** Behind these an answer is checked, explained or wished well, not given. */
const AFTERWORD =
  /(?:\n|(?<=[.!?])\s)[\s#>*_-]*\(?(?:check(?:ing)?|verif(?:y|ication|ying)|to (?:verify|check|double-check)|double-check(?:ing)?|let(?:['’]s| me| us) (?:check|verify|double-check)|proof|note|notice|explanation|remember|p\.?s)\b/i;
/** A sentence that gives a reason for what was said before it. */
const REASON =
  /^\W*(?:because|since|this is because|that is because|as\b|here['’]s why|i (?:got|found|calculated) this|we (?:got|found|calculated) this)/i;
const REFUSAL =
  /\b(?:can(?:not|['’]t| not)|could(?: not|n['’]t)|unable to|impossible to|no way to)\s+(?:be\s+)?(?:answer|determine|say|tell|know|calculate|solve|find|compute)|\bnot enough information|\binsufficient (?:information|data)|\bi (?:do not|don['’]t) know\b|\bdoes(?: not|n['’]t) (?:say|tell|specify|give)/i;

/** Where nothing says "answer": what the text ends with. */
function fromConclusion(text: string, question: string): Found {
  const whole = withoutMarkup(text);
  const marked = text.search(AFTERWORD);
  const body = marked > 0 && numeralsIn(text.slice(0, marked)).length > 0 ? text.slice(0, marked) : text;
  const sentences = sentencesOf(body);
  const last = sentences.findLastIndex((sentence) => numeralsIn(withoutListMark(sentence)).length > 0);
  if (REFUSAL.test(whole) && !/\b(?:so|therefore|thus|hence)\b/i.test(sentences[last] ?? "")) return NO_ANSWER;
  if (last < 0) return wordAtEnd(whole);
  const earlier = sentences.findLastIndex(
    (sentence, at) => at <= last && !REASON.test(sentence) && numeralsIn(withoutListMark(sentence)).length > 0,
  );
  const said = withoutListMark(sentences[earlier < 0 ? last : earlier]!);
  return ALTERNATIVES.test(said) ? NO_ANSWER : concluded(said, question)?.value;
}

/** "x = 3 or x = -3", "between 10 and 12": not a single number. */
const ALTERNATIVES = /\d\s+or\s+(?:[a-z]\s*=\s*)?-?\d|\bbetween\s+\S*\d\S*\s+and\s+\S*\d/i;

/** "18. She sells …", "18 eggs\n\nShe sells …": a number that stands alone before its reasons. */
function fromLead(text: string): Found {
  const plain = withoutMarkup(text).trim();
  const [first] = numeralsIn(plain);
  if (first === undefined || first.start > 1) return undefined;
  const rest = plain.slice(first.end);
  const [unit] = /^[ \t]*(?:[\p{L}°²³%]+[ \t]*){0,3}(?:[.!](?=[ \t]+\p{L})|[.!]?[ \t]*\n[ \t]*\n)/u.exec(rest) ?? [];
  if (unit === undefined || (/^\s*[.)]/.test(rest) && first.value.numerator === 1n)) return undefined;
  const after = rest.slice(unit.length);
  return CONCLUDES.test(after) || lastCorrection(after, 0) >= 0 ? undefined : first.value;
}

/** Words behind which a text says its result. */
const CONCLUDES = /\b(?:so|therefore|thus|hence|total|altogether|in all|answer|result)\b/i;

/** A number in words, where there are no figures: the last, or the only word. */
function wordAtEnd(text: string): Rational | undefined {
  const words = numberWordsIn(text).filter(
    ({ start, end }) => !/^(?:one|zero)$/i.test(text.slice(start, end)) || /^\W*\w+\W*$/.test(text),
  );
  return words.at(-1)?.value;
}

/** "1. " and "- " before an item; not "-5". */
function withoutListMark(sentence: string): string {
  return sentence.replace(/^\s*(?:\d{1,2}[.)]\s+(?=\S)|[-*•]\s+(?=\D))/, "");
}

function concluded(sentence: string, question: string): Numeral | undefined {
  const bold = Array.from(sentence.matchAll(/\*\*([^*\n]+)\*\*/g)).flatMap(({ 1: inner = "" }) => {
    const [first] = numeralsIn(inner);
    return first !== undefined && !/^\d+[.)]$/.test(inner.trim()) ? [first] : [];
  });
  if (bold.length > 0) return bold.at(-1);
  const claim = sentence.split(/\b(?:because|since)\b/i, 1)[0]!;
  const plain = withoutMarkup(numeralsIn(claim).length > 0 ? claim : sentence);
  const equals = plain.lastIndexOf("=");
  const afterEquals = equals < 0 ? undefined : numeralsIn(plain.slice(equals + 1))[0];
  if (afterEquals !== undefined) return afterEquals;
  const all = numeralsIn(plain);
  const likely = preferred(
    preferred(all, (numeral) => !isYear(plain, numeral)),
    ({ start }) => !isBracketed(plain, start),
  );
  const last = likely.at(-1);
  // "1/6 ≈ 0.167": the first is exact.
  const exact = likely.find(
    ({ end }) => last !== undefined && /^\s*(?:≈|~|or about|or approximately)\s*$/.test(plain.slice(end, last.start)),
  );
  return askedFor(question, plain, likely) ?? exact ?? last;
}

/** Those for which it holds, or all where it holds for none. */
function preferred(numerals: readonly Numeral[], holds: (numeral: Numeral) => boolean): readonly Numeral[] {
  const chosen = numerals.filter(holds);
  return chosen.length > 0 ? chosen : numerals;
}

function isYear(text: string, { start, end }: Numeral): boolean {
  return (
    /^(?:19|20|21)\d\d$/.test(text.slice(start, end)) &&
    /\b(?:in|by|since|from|until|year|of|before|after|during)\s+$/i.test(text.slice(0, start))
  );
}

function isBracketed(text: string, start: number): boolean {
  const before = text.slice(0, start);
  return before.lastIndexOf("(") > before.lastIndexOf(")");
}

/** The number that the question asks for, by its unit: "How many pens", "in dollars", "How old", "How many hours". */
function askedFor(question: string, text: string, numerals: readonly Numeral[]): Numeral | undefined {
  const units = [
    ...(/\bhow old\b/i.test(question) ? ["year"] : []),
    ...Array.from(
      question.matchAll(/\bhow (?:many|much)(?: more| fewer| less)?((?:\s+[\p{L}-]+){1,3})/giu),
      ({ 1: words = "" }) => words.trim().split(/\s+/),
    ).flat(),
    ...Array.from(
      question.matchAll(
        /\bin (dollars|cents|euros|pounds|hours|minutes|seconds|days|weeks|months|years|miles|kilometers|meters|feet|inches)\b/gi,
      ),
      ({ 1: unit = "" }) => unit,
    ),
  ]
    .map((unit) => unit.toLowerCase().replace(/(?:ies|s)$/, ""))
    .filter((unit) => unit.length > 2 && !COMMON.has(unit));
  const isAsked = ({ end }: Numeral) => {
    const words =
      text
        .slice(end)
        .toLowerCase()
        .match(/^[\s-]*(?:[\p{L}]+[\s-]+){0,2}[\p{L}]+/u)?.[0] ?? "";
    return units.some((unit) => new RegExp(`(?<![\\p{L}])${unit}`, "u").test(words));
  };
  const asked = numerals.filter(isAsked);
  if (asked.length > 0) return asked.at(-1);
  const isAboutMoney =
    /\b(?:dollars?|cents?|euros?|cost|price|pay|paid|earn|spend|spent|money|profit|worth)\b|[$€£]/i.test(question);
  return isAboutMoney ? numerals.filter(({ isMoney }) => isMoney).at(-1) : undefined;
}

/** Words between "how many" and its noun, and after it. */
const COMMON: ReadonlySet<string> = new Set(
  "does did are was were will would can could has have had the there she they total more most all each did that these those money".split(
    " ",
  ),
);
