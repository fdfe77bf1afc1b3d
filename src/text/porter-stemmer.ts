/**
 * The Porter stemmer (Porter, "An algorithm for suffix stripping", Program 14(3), 1980) with the extensions of NLTK's
 * default mode, which Google's rouge_score uses: a few irregular words, -ies and -ied of four letters, -y only after a
 * consonant, and five more rules in step 2. Words are in lower case; digits count as consonants.
 */

const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ["skies", "sky"],
  ["sky", "sky"],
  ["dying", "die"],
  ["lying", "lie"],
  ["tying", "tie"],
  ["news", "news"],
  ["innings", "inning"],
  ["inning", "inning"],
  ["outings", "outing"],
  ["outing", "outing"],
  ["cannings", "canning"],
  ["canning", "canning"],
  ["howe", "howe"],
  ["proceed", "proceed"],
  ["exceed", "exceed"],
  ["succeed", "succeed"],
]);

/** A suffix, what replaces it, and a condition on the stem before it. */
type Rule = readonly [suffix: string, replacement: string, condition?: (stem: string) => boolean];

export function porterStem(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length <= 2) return word;
  return [plural, pastAndGerund, finalY, step2, step3, step4, finalE, finalLl].reduce((stem, step) => step(stem), word);
}

/** The word as a string of c (consonant) and v (vowel); y is a vowel after a consonant. */
function shapeOf(stem: string): string {
  let shape = "";
  for (const letter of stem) {
    shape += "aeiou".includes(letter) || (letter === "y" && shape.endsWith("c")) ? "v" : "c";
  }
  return shape;
}

/** m in [c](vc)^m[v]: how many times vowels are followed by consonants. */
function measure(stem: string): number {
  return shapeOf(stem).match(/v+c+/g)?.length ?? 0;
}

const atLeastOne = (stem: string) => measure(stem) > 0;
const atLeastTwo = (stem: string) => measure(stem) > 1;
const hasVowel = (stem: string) => shapeOf(stem).includes("v");
const endsInConsonant = (stem: string) => shapeOf(stem).endsWith("c");

function endsInDoubleConsonant(stem: string): boolean {
  return stem.length > 1 && stem.at(-1) === stem.at(-2) && endsInConsonant(stem);
}

/** Ends consonant, vowel, consonant, the last not w, x or y; or is vowel, consonant: "hop", "us". */
function endsShort(stem: string): boolean {
  const shape = shapeOf(stem);
  return shape === "vc" || (shape.endsWith("cvc") && !/[wxy]$/.test(stem));
}

/** The first rule whose suffix fits decides; where its condition fails the word stays. */
function apply(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const [suffix, replacement, condition] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return condition === undefined || condition(stem) ? stem + replacement : word;
}

function plural(word: string): string {
  if (word.endsWith("ies") && word.length === 4) return word.slice(0, -1);
  return apply(word, [
    ["sses", "ss"],
    ["ies", "i"],
    ["ss", "ss"],
    ["s", ""],
  ]);
}

function pastAndGerund(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return apply(word, [["eed", "ee", atLeastOne]]);
  const stem = apply(word, [
    ["ed", "", hasVowel],
    ["ing", "", hasVowel],
  ]);
  if (stem === word) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

function finalY(word: string): string {
  return apply(word, [["y", "i", (stem) => stem.length > 1 && endsInConsonant(stem)]]);
}

const STEP_2: readonly Rule[] = (
  [
    ["ational", "ate"],
    ["tional", "tion"],
    ["enci", "ence"],
    ["anci", "ance"],
    ["izer", "ize"],
    ["bli", "ble"],
    ["alli", "al"],
    ["entli", "ent"],
    ["eli", "e"],
    ["ousli", "ous"],
    ["ization", "ize"],
    ["ation", "ate"],
    ["ator", "ate"],
    ["alism", "al"],
    ["iveness", "ive"],
    ["fulness", "ful"],
    ["ousness", "ous"],
    ["aliti", "al"],
    ["iviti", "ive"],
    ["biliti", "ble"],
    ["fulli", "ful"],
  ] as const
).map(([suffix, replacement]) => [suffix, replacement, atLeastOne]);

function step2(word: string): string {
  // What -ally leaves may end in another of these suffixes: "nationally" is "national", then "nation".
  if (word.endsWith("alli") && atLeastOne(word.slice(0, -4))) return step2(word.slice(0, -2));
  return apply(word, [...STEP_2, ["logi", "log", (stem) => atLeastOne(`${stem}l`)]]);
}

function step3(word: string): string {
  return apply(word, [
    ["icate", "ic", atLeastOne],
    ["ative", "", atLeastOne],
    ["alize", "al", atLeastOne],
    ["iciti", "ic", atLeastOne],
    ["ical", "ic", atLeastOne],
    ["ful", "", atLeastOne],
    ["ness", "", atLeastOne],
  ]);
}

const STEP_4: readonly Rule[] = [
  ...["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"].map(
    (suffix): Rule => [suffix, "", atLeastTwo],
  ),
  ["ion", "", (stem) => atLeastTwo(stem) && /[st]$/.test(stem)],
  ...["ou", "ism", "ate", "iti", "ous", "ive", "ize"].map((suffix): Rule => [suffix, "", atLeastTwo]),
];

function step4(word: string): string {
  return apply(word, STEP_4);
}

function finalE(word: string): string {
  return apply(word, [["e", "", (stem) => measure(stem) > 1 || (measure(stem) === 1 && !endsShort(stem))]]);
}

function finalLl(word: string): string {
  return apply(word, [["ll", "l", (stem) => atLeastTwo(`${stem}l`)]]);
}
