/** Jinja, held to Python: `python.json` is what Python's jinja2 renders with the settings of transformers. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Budget } from "../../../../src/decoding/jinja/budget.js";
import { JinjaError } from "../../../../src/decoding/jinja/errors.js";
import { JinjaTemplate, toValue } from "../../../../src/decoding/jinja/template.js";
import { Text } from "../../../../src/decoding/jinja/text.js";
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

test("a text of many pieces keeps what is from outside wherever it is cut", () => {
  const { value, runs } = rendered("{{ x | replace('', '.') }}", { x: "abcde".repeat(8) });
  const isContent = (at: number) => value[at] !== ".";
  for (let start = 0; start <= value.length; start++) {
    for (let end = start; end <= value.length; end++) {
      const part = new Text(value, runs).cut(start, end);
      const marks = Array.from(part.value, () => false);
      for (let index = 0; index < part.runs.length; index += 2)
        marks.fill(true, part.runs[index], part.runs[index + 1]);
      expect(marks).toEqual(Array.from(part.value, (_, at) => isContent(start + at)));
    }
  }
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
    ["RecursionError", `{{ 1${" + 1".repeat(40_000)} }}`],
    ["RecursionError", "{% if true %}".repeat(15_000)],
  ])("%s, case %#", (error, template) => {
    expect(outcome(template)).toEqual({ error });
  });

  // Everything that goes through a long text or list is counted, so that the limit on steps is one on time.
  const text = "'x' * 64000";
  const other = "'x' * 63999 ~ 'y'";
  const list = "range(20000) | list";
  test.each<[set: string, use: string]>([
    [text, "x | upper"],
    [text, "x | capitalize"],
    [text, "x | trim"],
    [text, "x | trim('y')"],
    [text, "x | escape"],
    [text, "x | urlencode"],
    [text, "x | wordcount"],
    [text, "x | truncate(10)"],
    [text, "x | length"],
    [text, "x | int"],
    [text, "x | float"],
    [text, "x | default('y')"],
    [text, "x | tojson"],
    [text, "[x] | string"],
    [text, "x | indent"],
    [text, "x | reverse"],
    [text, "x | list"],
    [text, "x | replace('y', 'z')"],
    [text, "'y'.strip(x)"],
    [text, "'y' in x"],
    [text, "x in {}"],
    [text, "{x: 1}"],
    [text, "{}[x]"],
    [text, "{}.get(x)"],
    [text, "x[5]"],
    [text, "x[5:6]"],
    [text, "x[::9]"],
    [text, "x.split('y')"],
    [text, "x.splitlines()"],
    [text, "x.isalnum()"],
    [text, "x.swapcase()"],
    [text, "x.title()"],
    [text, "x.find('y')"],
    [text, "x.startswith('y')"],
    [text, "x is lower"],
    [text, "x is in ['y']"],
    [text, "x % ()"],
    [text, "x.format()"],
    [text, "x ~ 'y'"],
    [text, "x * 2"],
    [`[${text}, ${other}]`, "x[0] == x[1]"],
    [`[${text}, ${other}]`, "x[0] < x[1]"],
    [`[${text}, ${other}]`, "x | unique | list"],
    [`[${text}, ${other}]`, "x | sort"],
    [`[${text}, ${other}]`, "x | join"],
    [list, "x | list"],
    [list, "x | sum"],
    [list, "x | unique | list"],
    [list, "x | sort"],
    [list, "x | tojson"],
    [list, "x | string"],
    [list, "x | batch(3) | list"],
    [list, "x | map('string') | list"],
    [list, "x | select | list"],
    [list, "x | max"],
    [list, "x | last"],
    [list, "x + [1]"],
    [list, "x[1:]"],
    [list, "x.copy()"],
    [list, "x.count(-1)"],
    [list, "-1 in x"],
    [list, "x == x.copy()"],
    ["dict(range(20000) | map('string') | batch(2))", "x.copy()"],
    ["dict(range(20000) | map('string') | batch(2))", "x.items() | list"],
    ["dict(range(20000) | map('string') | batch(2))", "dict(x)"],
    ["dict(range(20000) | map('string') | batch(2))", "x | dictsort"],
    ["dict(range(20000) | map('string') | batch(2))", "x == x.copy()"],
  ])("{%% set x = %s %%}: %s", (set, use) => {
    const steps = (template: string) => {
      const budget = new Budget();
      try {
        new JinjaTemplate(template).render(new Map(), () => "", budget);
      } catch (error) {
        if (!(error instanceof JinjaError) || error.name === "BudgetExceeded") throw error;
      }
      return budget.used;
    };
    expect(steps(`{% set x = ${set} %}{% set y = ${use} %}`) - steps(`{% set x = ${set} %}`)).toBeGreaterThan(1000);
  });

  test("macros are not read anew each time that they are defined", () => {
    const nested = (depth: number): string =>
      depth === 0 ? "{{ caller() }}" : `{% macro f() %}${nested(depth - 1)}${"{{ x }}".repeat(100)}{% endmacro %}`;
    expect(outcome(`{% for i in range(20000) %}${nested(100)}{% endfor %}`)).toEqual({ text: "" });
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
