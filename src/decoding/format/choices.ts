/**
 * Choices of XGrammar's EBNF as release 0.1.27 keeps them apart. Where alternatives of a rule have bytes in common, it merges
 * states of its automaton that are not the same: `"ba" | "aaa" | "aab"` lets "bb" through, and `"baa" | "b"` between quotation marks
 * any number of letters. Rules that are empty, another one before each further alternative of a rule, leave nothing to merge:
 *
 *     root ::= "ba" | apart_1 "aaa" | apart_2 "aab"
 */

const BAR = /"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\|/gsu;

/** The same for a grammar that XGrammar wrote: a rule in a line. */
export function withChoicesApart(grammar: string): string {
  let name = "apart";
  while (grammar.includes(name)) name += "_";
  let most = 0;
  const lines = grammar.split("\n").map((line) => {
    let count = 0;
    const apart = line.replace(BAR, (found) => (found === "|" ? `| ${name}_${++count}` : found));
    most = Math.max(most, count);
    return apart;
  });
  const empty = Array.from({ length: most }, (_, index) => `${name}_${index + 1} ::= ""`);
  return [...lines, ...empty].join("\n");
}
