/** Multiple choice: the choice that a written answer names. */
import { lastBox, lastCorrection, readAnswer, sentencesOf, statementsIn, withoutMarkup } from "./answer-part.js";
import { plainFigures } from "./numerals.js";
import { normaliseAnswer } from "./squad.js";

/** A choice by its index, or what stands for none: a letter that no choice has, several letters, a refusal. */
type Named = number | "none" | undefined;

/**
 * The choice (its index) that a written answer names, undefined if it names none, or not a single one. Thoughts are left
 * out, and so is what follows another question (answer-part.ts). The first of these that names one (ours):
 *
 * 1. the last `\boxed{…}`: a letter, or the text of a choice; then a letter behind `####`,
 * 2. the last "answer is", "Answer:" (in a dozen languages), "B is correct", "is the answer", with a letter or the text
 *    of a choice; what is negated does not count, and a later correction goes before it,
 * 3. the whole text, its first or its last line, being a letter or the text of one choice,
 * 4. a letter that begins the text: "B. …", "(B) …", "B because …" (but "A cat …" and "I think …" begin with words),
 * 5. "it must be B", "which is option B", "so (C)",
 * 6. the only letter in brackets, or named as an option, that is not ruled out,
 * 7. the only choice whose text occurs and is not negated; of several the one that something "is".
 *
 * A letter behind the choices, or two letters at once ("A or C"), is no answer. Letters count in upper case; in brackets,
 * quotes, or alone, also in lower case.
 */
export function chosenIn(answer: string, choices: readonly string[]): number | undefined {
  const found = readAnswer(answer, (piece) => read(piece.trim(), choices));
  return typeof found === "number" ? found : undefined;
}

function read(text: string, choices: readonly string[]): Named {
  const plain = withoutMarkup(plainFigures(text))
    .replace(/^(?:[\s✓✔]|\p{Extended_Pictographic}\ufe0f?)+/u, "")
    .trim();
  return (
    inBox(text, choices) ??
    afterHashes(plain, choices) ??
    stated(plain, choices) ??
    wholly(plain, choices) ??
    leading(plain, choices) ??
    concluded(plain, choices) ??
    mentioned(plain, choices) ??
    byText(plain, choices)
  );
}

function inBox(text: string, choices: readonly string[]): Named {
  const boxed = lastBox(text);
  if (boxed === undefined) return undefined;
  const plain = plainFigures(boxed);
  return soleLetter(plain, choices) ?? choiceWithText(plain, choices) ?? reference(plain, choices);
}

function afterHashes(text: string, choices: readonly string[]): Named {
  const lines = Array.from(text.matchAll(/####[ \t]*([^\n]*)/g), ({ 1: said = "" }) => said.trim());
  for (const line of lines.reverse()) {
    const found = soleLetter(line, choices) ?? leading(line, choices) ?? choiceWithText(line, choices);
    if (found !== undefined) return found;
  }
  return undefined;
}

const RIGHT = "(?:correct|right|best|true|most (?:likely|accurate|appropriate)|the (?:answer|one|correct|right|best))";
/** (B), [B], B), "B", B. Groups: in brackets, before a bracket, in quotes, alone. */
const LETTER = String.raw`(?:[(\[]\s*([A-Za-z])\s*[)\]]|(?<![\p{L}\p{N}])([A-Za-z])\)|["“'‘]([A-Za-z])["”'’]|(?<![A-Za-zÀ-ɏ\d'’])([A-Z])(?![A-Za-zÀ-ɏ\d_'’-]))`;

const BRACKETED = String.raw`[(\[]\s*([A-Za-z])\s*[)\]]`;
const VERB = String.raw`[ \t]*(?:\bis|['’]s|seems|looks|(?:would|must|should|has to) be)(?: to be)?(?: clearly| obviously| definitely| indeed| probably)* (?:the )?${RIGHT}`;
const SAID_BEFORE = String.raw`(?:(?:[Cc]orrect|[Rr]ight|[Bb]est) (?:option|choice|letter|response|statement)|[Oo]ption|[Cc]hoice|[Cc]orrect)["']?[ \t]*(?:is|:|=)[ \t]*`;

/** Statements that something is the answer, in the order of the text; the last one counts. */
function stated(text: string, choices: readonly string[]): Named {
  const found: { index: number; named: Named }[] = statementsIn(text).map(({ index, said }) => ({
    index,
    named: reference(said, choices),
  }));
  for (const { index, letter, isBare } of letters(`${LETTER}${VERB}`, text)) {
    // "I" and "A" are words too, and "Vitamin K" is no choice.
    const named = within(letter, choices);
    found.push({ index, named: isBare && named === "none" ? undefined : named });
  }
  for (const pattern of [`${BRACKETED}[^\\n.]{1,60}?${VERB}`, `${SAID_BEFORE}${LETTER}`]) {
    for (const { index, letter } of letters(pattern, text)) found.push({ index, named: within(letter, choices) });
  }
  const last = found
    .filter(({ named }) => named !== undefined)
    .sort((a, b) => a.index - b.index)
    .at(-1);
  if (last === undefined) return undefined;
  const corrected = lastCorrection(text, last.index + 1);
  return (corrected < 0 ? undefined : concluded(text.slice(corrected), choices)) ?? last.named;
}

interface FoundLetter {
  index: number;
  letter: string;
  /** Without brackets or quotes. */
  isBare: boolean;
}

/** Every match of a pattern with `LETTER` in it. */
function letters(pattern: string, text: string): FoundLetter[] {
  return Array.from(text.matchAll(new RegExp(pattern, "gu")), ({ index, 1: a, 2: b, 3: c, 4: d }) => ({
    index,
    letter: (a || b || c || d)!,
    isBare: !(a || b || c),
  }));
}

function within(letter: string, choices: readonly string[]): Named {
  const choice = letter.toUpperCase().charCodeAt(0) - 65;
  return choice < choices.length ? choice : "none";
}

const FILLER =
  /^(?:\s|[:："“'‘=$*]|(?:the|option|choice|letter|answer|number|statement|definitely|clearly|opción|opção|opzione|la|el|le|die|der|das|Option|选项|選項)(?![\p{L}])(?!\s+(?:first|second|third|fourth|fifth|last)))+/u;
const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth"];

/** What a statement says behind "the answer is": a letter or the text of a choice. "None" for what cannot be one. */
function reference(said: string, choices: readonly string[]): Named {
  if (/^\W*(?:not|neither|never|nicht|no es|pas|non)\b/i.test(said)) return undefined;
  if (/^\W*(?:none|unknown|undefined|unclear)\b/i.test(said) && choiceAtStart(said, choices) === undefined)
    return "none";
  const ordinal = new RegExp(
    `^\\W*(?:the )?(${ORDINALS.join("|")}|last) (?:option|choice|one|answer|statement)\\b`,
    "i",
  ).exec(said)?.[1];
  if (ordinal !== undefined) {
    const place = ordinal.toLowerCase() === "last" ? choices.length - 1 : ORDINALS.indexOf(ordinal.toLowerCase());
    return place < choices.length ? place : "none";
  }
  const bare = said.replace(FILLER, "");
  const atStart = choiceAtStart(bare, choices) ?? choiceAtStart(said.replace(/^[\s:"“'‘*]+/, ""), choices);
  if (atStart !== undefined) return atStart;
  const rest = /^(?:both|either)\s+/i.test(bare) ? bare.replace(/^\w+\s+/, "") : bare;
  const [match] = Array.from(rest.matchAll(new RegExp(`^(?:${LETTER}|([a-z])(?=\\s*(?:[.,:;!]|$)))`, "gu")));
  if (match === undefined) {
    const unquoted = /^\$?\\?\(?\s*([A-Z])\s*\)?/.exec(said.trim());
    return unquoted !== null && /^\$/.test(said.trim())
      ? within(unquoted[1]!, choices)
      : byText(sentencesOf(said)[0] ?? "", choices);
  }
  const [, a, b, c, d, e] = match;
  const first = within((a ?? b ?? c ?? d ?? e)!, choices);
  const next = new RegExp(`^[\\s.,]*(?:or rather|or|and|&|/|,)\\s*(?:option |choice )?${LETTER}`, "iu").exec(
    rest.slice(match[0].length),
  );
  if (next === null) return first;
  const second = within((next[1] ?? next[2] ?? next[3] ?? next[4])!, choices);
  if (/or rather/i.test(next[0])) return second;
  return second === first || /^[\s.]*,\s*(?!\s*(?:and|or))/.test(next[0]) ? first : "none";
}

/** The longest choice whose words a text begins with. */
function choiceAtStart(text: string, choices: readonly string[]): number | undefined {
  const words = normaliseAnswer(text);
  let best: number | undefined;
  let longest = 0;
  for (const [index, choice] of choices.entries()) {
    const wanted = normaliseAnswer(choice);
    if (wanted.length <= Math.max(1, longest)) {
      // A choice of one character is its own text only where it is no letter: "7", not "B".
      if (!(wanted.length === 1 && longest === 0 && /\d/.test(wanted))) continue;
    }
    if (words === wanted || words.startsWith(`${wanted} `)) [best, longest] = [index, wanted.length];
  }
  return best;
}

/** A text that is one letter and nothing else than brackets and a full stop. */
function soleLetter(text: string, choices: readonly string[]): number | undefined {
  const [, letter] =
    /^\s*(?:(?:option|choice|answer)[\s:]+)?["'“‘([$]*\s*([A-Za-z])\s*["'”’)\]$]*[.,:!]?\s*$/i.exec(text) ?? [];
  const named = letter === undefined ? undefined : within(letter, choices);
  return typeof named === "number" ? named : undefined;
}

/** The one choice whose text this is. */
function choiceWithText(text: string, choices: readonly string[]): number | undefined {
  const wanted = normaliseAnswer(text);
  const matches = choices.flatMap((choice, index) => (normaliseAnswer(choice) === wanted ? [index] : []));
  return wanted !== "" && matches.length === 1 ? matches[0] : undefined;
}

function wholly(text: string, choices: readonly string[]): Named {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  for (const part of [text, lines[0] ?? "", lines.at(-1) ?? ""]) {
    const found = soleLetter(part, choices) ?? choiceWithText(part, choices);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** "(B) …", "b) …", "B. …", "B: …", "B, because", "B because", "Option B …"; not where more of them follow as a list. */
function leading(text: string, choices: readonly string[]): Named {
  const pattern =
    /^(?:[([]([A-Za-z])[)\]]|([A-Za-z])\)|([A-Z])(?=\s*[.:;,\n–—-](?:\s|$))|(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+([A-Z])(?![\p{L}\p{N}])|([B-HJ-Z])(?![\p{L}\p{N}_'’-])|(A)(?=\s+(?:because|since|as|is (?:correct|right|the))\b))/u;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const named = within(match.slice(1).find((group) => group !== undefined)!, choices);
  // "A, B and C are …" names several.
  if (/^\s*(?:,|and|or|&)\s*(?:and |or )?[(]?[A-Z][)]?(?![\p{L}\p{N}])/u.test(text.slice(match[0].length)))
    return undefined;
  // "(A) is wrong, (B) too": a walk through the choices is no answer.
  const others = new Set(
    letters(String.raw`[(\[]()()()([A-Z])[)\]]`, text.slice(match[0].length)).map(({ letter }) =>
      within(letter, choices),
    ),
  );
  others.delete(named);
  return /^\s*(?:is|are|was)\s+(?:not|wrong|incorrect|false)/.test(text.slice(match[0].length)) || others.size > 0
    ? undefined
    : named;
}

const IN_CONCLUSION = [
  String.raw`\b(?:[Ii](?:['’]d| would|['’]ll| will)? (?:choose|pick|select|go with|say)|going with|choose|select)\b[ \t]*(?:option |choice |letter |the |answer )*`,
  String.raw`\b(?:must|has to|should|can only|would) be (?:option |choice |letter )?`,
  String.raw`\b(?:[Ii]t|[Tt]hat|[Tt]his|[Ww]hich)(?: is|['’]s| corresponds to| matches| leads to)[ \t]+(?:option |choice |letter )?`,
  String.raw`(?:→|=>|⇒|∴|\b(?:[Ss]o|[Tt]herefore|[Tt]hus|[Hh]ence|[Ll]eaves|[Ll]eaving|[Cc]onclude|matches|corresponds to)\b)[,:]?[ \t]*(?:only |with |us with |it is |it['’]s |option |choice |letter )*`,
].join("|");

/** "it must be B", "which is option B", "so (C)". A letter alone ends its clause: "that is A cat" names none. */
function concluded(text: string, choices: readonly string[]): Named {
  const found = Array.from(text.matchAll(new RegExp(`(?:${IN_CONCLUSION})(?!not\\b)`, "gu"))).flatMap(
    ({ index, 0: words }) => {
      const rest = text.slice(index + words.length);
      const [match] = letters(`^${LETTER}`, rest);
      if (match === undefined) return [];
      const isAlone = /^[A-Z]/.test(rest);
      if (
        isAlone &&
        !/(?:option|choice|letter) $/.test(words) &&
        !/^[A-Z]\s*(?:[.,:;!)\n(]|$|because|since|or rather)/.test(rest)
      )
        return [];
      return [reference(rest, choices)];
    },
  );
  return found.filter((named) => named !== undefined).at(-1);
}

/** The one letter in brackets, or behind "option", that nothing rules out. */
function mentioned(text: string, choices: readonly string[]): Named {
  const ruledOut = new Set<Named>();
  const all = new Set<Named>();
  const pattern = String.raw`(?:[(\[]([A-Z])[)\]]|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+["“']?()()([A-Z])(?![\p{L}\p{N}]))`;
  for (const match of text.matchAll(new RegExp(pattern, "gu"))) {
    const named = within((match[1] || match[4])!, choices);
    if (typeof named !== "number") continue;
    const [before, after] = [text.slice(0, match.index), text.slice(match.index + match[0].length)];
    const isOut =
      /\b(?:not|n['’]t|nor|neither|never|without|eliminate|rule out|exclude|rather than|instead of|unlike)\s+(?:option\s+)?$/i.test(
        before,
      ) ||
      /^\s*(?:is|are|was|can be|seems)\s*(?:n['’]t|not|wrong|incorrect|false|ruled out|eliminated|excluded)/i.test(
        after,
      );
    (isOut ? ruledOut : all).add(named);
  }
  for (const named of ruledOut) all.delete(named);
  return all.size === 1 ? Array.from(all)[0] : undefined;
}

/** The one choice whose text occurs, not negated, not inside another's; of several the last that something is. */
function byText(text: string, choices: readonly string[]): Named {
  const spans: { choice: number; start: number; end: number }[] = [];
  for (const [choice, words] of choices.entries()) {
    if (normaliseAnswer(words) === "") continue;
    const escaped = words
      .trim()
      .replace(/[.?!]+$/, "")
      .replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
      .replace(/\s+/g, "\\s+");
    for (const { index, 0: found } of text.matchAll(
      new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "giu"),
    ))
      spans.push({ choice, start: index, end: index + found.length });
  }
  const outer = spans.filter(
    (one) =>
      !spans.some(
        (other) =>
          other.choice !== one.choice &&
          other.start <= one.start &&
          other.end >= one.end &&
          other.end - other.start > one.end - one.start,
      ),
  );
  // Two choices of the same words cannot be told apart.
  if (outer.some((one) => outer.some((other) => other.choice !== one.choice && other.start === one.start)))
    return undefined;
  const claimed = outer.filter(
    ({ start }) =>
      !/\b(?:not|n['’]t|nor|neither|never|without|rather than|instead of|unlike|than)\s+(?:the |a |an |in |is )?$/i.test(
        text.slice(0, start),
      ),
  );
  const named = new Set(claimed.map(({ choice }) => choice));
  if (named.size <= 1) return Array.from(named)[0];
  const copula = claimed.filter(({ start }) =>
    /(?:\b(?:is|are|was|were|be|called|named)(?:\s+(?:the|a|an|in|on|at|from))?|[=:→])\s*["“'(]?$/i.test(
      text.slice(0, start),
    ),
  );
  return new Set(copula.map(({ choice }) => choice)).size >= 1 && /\b(?:is|are|was|=|:)/.test(text)
    ? copula.at(-1)?.choice
    : undefined;
}
