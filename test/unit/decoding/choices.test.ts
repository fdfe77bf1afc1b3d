import { expect, it } from "vitest";
import { withChoicesApart } from "../../../src/decoding/format/choices.js";

it("puts an empty rule of its own before each further alternative of a rule", () => {
  const grammar = 'root ::= (("a|\\"|") | ([|\\]] b) | (b))\nb ::= (("x") | ("y"))';
  expect(withChoicesApart(grammar)).toBe(
    [
      'root ::= (("a|\\"|") | apart_1 ([|\\]] b) | apart_2 (b))',
      'b ::= (("x") | apart_1 ("y"))',
      'apart_1 ::= ""',
      'apart_2 ::= ""',
    ].join("\n"),
  );
});

it("takes a name that the grammar has not", () => {
  expect(withChoicesApart('root ::= (("apart_1") | ("b"))')).toContain('| apart___1 ("b")');
});
