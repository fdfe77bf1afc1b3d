import { expect, it } from "vitest";
import { withChoicesApart } from "../../../src/decoding/format/choices.js";

it("puts an empty rule of its own before each further alternative of a rule", () => {
  const grammar = 'root ::= (("a|\\"|") | ([|\\]] b) | (b))\nb ::= (("x") | ("yz"))';
  expect(withChoicesApart(grammar)).toBe(
    [
      'root ::= (("a|\\"|") | apart_1 ([|\\]] b) | apart_2 (b))',
      'b ::= (("x") | apart_1 ("yz"))',
      'apart_1 ::= ""',
      'apart_2 ::= ""',
    ].join("\n"),
  );
});

it("takes a name that the grammar has not", () => {
  expect(withChoicesApart('root ::= (("apart_1") | ("b"))')).toContain('| apart___1 ("b")');
});

it("makes one class of single characters", () => {
  expect(withChoicesApart('a ::= (([b-c\\]]) | ("\\n") | ("-") | ("\\"") | ("x"))')).toBe('a ::= ([b-c\\]\\n\\-\\"x])');
  expect(withChoicesApart('a ::= (([^b]) | ("c"))')).toContain("apart_1");
  expect(withChoicesApart('a ::= (([b]) | ("cd"))')).toContain("apart_1");
});

it("leaves what may be left out as it is", () => {
  expect(withChoicesApart('a ::= ("" | (b a))')).toBe('a ::= ("" | (b a))');
  expect(withChoicesApart('a ::= ("" | (b a) | (c))')).toContain("apart_1 (b a) | apart_2 (c)");
});
