/**
 * Choices of XGrammar's EBNF as release 0.1.27 keeps them apart. Where alternatives of a rule have bytes in common, it merges
 * states of its automaton that are not the same: `"ba" | "aaa" | "aab"` lets "bb" through, and `"baa" | "b"` between quotation marks
 * any number of letters. Rules that are empty, another one before each further alternative of a rule, leave nothing to merge:
 *
 *     root ::= "ba" | apart_1 "aaa" | apart_2 "aab"
 *
 * Single characters are one class instead, `[ab\n]`, and what may be left out, `"" | x`, stays as it is: in a loop such as
 * `(.|\n)*`, empty rules would have XGrammar try every string that can be said anew at every step (0.1 s instead of 0.1 ms).
 */

const BAR = /"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\|/gsu;
/** A class that is not negated, or a string of one character. */
const SINGLE = String.raw`\((?:\[(?!\^)(?:\\.|[^\]\\])*\]|"(?:\\(?:[^xuU]|x..|u.{4}|U.{8})|[^"\\])")\)`;
/** What may be left out has nothing in common with nothing. */
const OPTIONAL = /^\S+ ::= \(+"" \| \([^|"[\]]*\)+$/u;
const SINGLES = new RegExp(`^(\\S+ ::= )\\((${SINGLE}(?: \\| ${SINGLE})+)\\)$`, "su");

/** The same for a grammar that XGrammar wrote: a rule in a line. */
export function withChoicesApart(grammar: string): string {
  let name = "apart";
  while (grammar.includes(name)) name += "_";
  let most = 0;
  const lines = grammar.split("\n").map((line) => {
    let count = 0;
    if (OPTIONAL.test(line)) return line;
    const apart = asOneClass(line).replace(BAR, (found) => (found === "|" ? `| ${name}_${++count}` : found));
    most = Math.max(most, count);
    return apart;
  });
  const empty = Array.from({ length: most }, (_, index) => `${name}_${index + 1} ::= ""`);
  return [...lines, ...empty].join("\n");
}

function asOneClass(line: string): string {
  return line.replace(SINGLES, (_, head: string, choices: string) => {
    const inside = choices.slice(1, -1).split(/\) \| \((?=[["])/u);
    return `${head}([${inside.map(classPart).join("")}])`;
  });
}

/** What a class or a string of one character has between its brackets. */
function classPart(single: string): string {
  const inside = single.slice(1, -1);
  return single.startsWith("[") || !"]^-".includes(inside) ? inside : `\\${inside}`;
}
