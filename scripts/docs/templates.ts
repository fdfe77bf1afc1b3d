/** docs/chat-templates.md: published chat templates, rendered here and by Python. */
import { readFileSync } from "node:fs";
import type { ComparedTemplate } from "../compare-templates.js";
import { textTable } from "./markdown.js";

interface Comparison {
  python: string;
  conversations: number;
  templates: ComparedTemplate[];
}

export function templatesPage(): string {
  const { python, conversations, templates } = JSON.parse(
    readFileSync("bench/results/chat-templates.json", "utf8"),
  ) as Comparison;
  const others = templates.filter(({ inGolden }) => !inGolden);
  const refused = templates.flatMap(({ template, refusedHere }) =>
    refusedHere.map(({ conversation, error }) => [template, conversation, error]),
  );
  const silent = sum(templates, ({ different, renderedHere }) => different.length + renderedHere.length);
  const parts = [
    "# Chat templates",
    `A conversation is rendered with each member's own chat template. The engine is held to Python's: ${templates.length} templates of
llama.cpp's collection, each on ${conversations} conversations (system texts late and twice, several turns, thoughts in a field and in
the text, tools, lists of parts, empty and odd texts, thinking switched on and off), rendered here and by ${python}.`,
    `Half of the templates are in the golden file test/golden/chat-template.json, which the engine was made to pass. Of the other ${others.length},
Python renders ${sum(others, rendered)} conversations: ${sum(others, ({ equal }) => equal)} are equal here, ${sum(others, ({ refusedHere }) => refusedHere.length)} end in an error with a name.
Of all templates, ${silent === 0 ? "none renders other text than Python's" : `${silent} conversations are rendered otherwise without an error`}.`,
    "`npx tsx scripts/compare-templates.ts` makes the comparison anew (it needs python3 with jinja2 3.1.6).",
    "*equal*: rendered by Python and equal here; *error here*: rendered by Python only; *refused*: an error in Python and here.",
    textTable(
      ["template", "golden", "equal", "error here", "refused"],
      templates.map((each) => [
        each.template,
        each.inGolden ? "yes" : "",
        String(each.equal),
        String(each.refusedHere.length),
        String(each.refusedByBoth + each.otherError),
      ]),
    ),
  ];
  if (refused.length > 0) {
    parts.push("## Errors here", textTable(["template", "conversation", "error"], refused));
  }
  return `${parts.join("\n\n")}\n`;
}

function rendered({ equal, refusedHere, different }: ComparedTemplate): number {
  return equal + refusedHere.length + different.length;
}

function sum(templates: readonly ComparedTemplate[], of: (template: ComparedTemplate) => number): number {
  return templates.reduce((total, each) => total + of(each), 0);
}
