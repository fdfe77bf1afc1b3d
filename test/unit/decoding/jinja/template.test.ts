/** Jinja, held to Python: `python.json` is what Python's jinja2 renders with the settings of transformers. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { JinjaError } from "../../../../src/decoding/jinja/errors.js";
import { JinjaTemplate, toValue } from "../../../../src/decoding/jinja/template.js";
import type { Text } from "../../../../src/decoding/jinja/text.js";
import type { Value } from "../../../../src/decoding/jinja/values.js";
import { formatDate } from "../../../../src/decoding/template-date.js";

interface Snippets {
  now: string;
  variables: Record<string, unknown>;
  cases: { template: string; text?: string; error?: string }[];
}

const { now, variables, cases }: Snippets = JSON.parse(readFileSync(new URL("python.json", import.meta.url), "utf8"));

function rendered(template: string, given: Record<string, unknown> = {}, content = true): Text {
  const values = Object.entries(given).map(([name, value]): [string, Value] => [name, toValue(value, content)]);
  return new JinjaTemplate(template).render(new Map(values), (format) => formatDate(new Date(now), format));
}

function outcome(template: string, given?: Record<string, unknown>): { text: string } | { error: string } {
  try {
    return { text: rendered(template, given).value };
  } catch (error) {
    if (!(error instanceof JinjaError)) throw error;
    return { error: error.name };
  }
}

test.each(cases)("as Python: $template", ({ template, ...expected }) => {
  expect(outcome(template, variables)).toEqual(expected);
});

test.each([
  ["{{ 2 ** 100 }}", "a whole number beyond 2^53"],
  ["{{ 'a'.encode() }}", "str.encode"],
  ["{{ 'a' | urlize }}", "the filter 'urlize'"],
  ["{% include 'other' %}", "the tag 'include'"],
  ["{{ range }}", "printing a function"],
])("what is not here is an error with its name: %s", (template, what) => {
  expect(() => rendered(template)).toThrow(
    expect.objectContaining({ name: "Unsupported", message: expect.stringContaining(what) }),
  );
});

describe("which characters are from outside is known after", () => {
  const marked = (template: string, given: Record<string, unknown>) => {
    const { value, runs } = rendered(template, given);
    const marks = Array.from(value, () => " ");
    for (let index = 0; index < runs.length; index += 2) marks.fill("^", runs[index], runs[index + 1]);
    return [value, marks.join("").trimEnd()];
  };

  test.each([
    ["{{ 'a' + x + 'b' ~ x }}", "a<x>b<x>", " ^^^ ^^^"],
    ["{{ ('-' ~ x ~ '-')[1:3] }}", "<x", "^^"],
    ["{{ (' ' ~ x ~ ' ') | trim | upper }}", "<X>", "^^^"],
    ["{{ ('a,' ~ x ~ ',b').split(',') | join('+') }}", "a+<x>+b", "  ^^^"],
    ["{{ 'a-b'.replace('-', x) }}{{ x.replace('x', 'y') }}", "a<x>b<y>", " ^^^ ^ ^"],
    ["{{ '%s=%s' % ('k', x) }}{{ '{}{}'.format(x, 1) }}", "k=<x><x>1", "  ^^^^^^"],
    ["{{ {'k': x} | tojson }}", '{"k": "<x>"}', "       ^^^"],
    ["{{ [x] }}", "['<x>']", "  ^^^"],
    ["{% for c in x %}{{ c }}.{% endfor %}", "<.x.>.", "^ ^ ^"],
    [
      "{% set y %}({{ x }}){% endset %}{{ y }}{% macro f(a) %}[{{ a }}]{% endmacro %}{{ f(x) }}",
      "(<x>)[<x>]",
      " ^^^  ^^^",
    ],
    ["{{ x | indent(1, true) }}{{ x.center(5, '*') }}", " <x>*<x>*", " ^^^ ^^^"],
  ])("%s", (template, text, marks) => {
    expect(marked(template, { x: "<x>" })).toEqual([text, marks]);
  });
});

describe("a template that would not end, or fill the memory, is stopped", () => {
  const doubling = "{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}";
  const nesting = "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}";
  test.each<[string, string]>([
    ["BudgetExceeded", "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}"],
    ["BudgetExceeded", doubling],
    ["BudgetExceeded", `${nesting}{{ n.x }}`],
    ["BudgetExceeded", "{{ 'a' * 10 ** 9 }}"],
    ["BudgetExceeded", "{{ [0] * 10 ** 9 }}"],
    ["BudgetExceeded", "{{ 'a'.center(10 ** 9) }}"],
    ["BudgetExceeded", "{{ '%1000000000d' % 5 }}"],
    ["BudgetExceeded", "{{ '{:>1000000000}'.format(1) }}"],
    ["BudgetExceeded", "{{ ('a' * 1000000).replace('a', 'b' * 1000) }}"],
    ["BudgetExceeded", "{{ ('é😀' * 1000000)[5] }}{% for i in range(100000) %}{{ ('é😀' * 1000000)[5] }}{% endfor %}"],
    ["OverflowError", "{% for i in range(1000000) %}{% endfor %}"],
    ["RecursionError", "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"],
    ["RecursionError", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`],
    ["RecursionError", `{{ 1${" + 1".repeat(100_000)} }}`],
    ["RecursionError", "{% if true %}".repeat(50_000)],
  ])("%s, case %#", (error, template) => {
    expect(outcome(template)).toEqual({ error });
  });

  test("a long conversation is not", () => {
    const messages = Array.from({ length: 4000 }, (_, index) => ({
      role: index % 2 ? "a" : "u",
      content: "word ".repeat(50),
    }));
    const template = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}\n{% endfor %}";
    expect(rendered(template, { messages }).value).toHaveLength(4000 * (249 + 4));
  });
});
