/** docs/methods.md and docs/routers.md: what the registries know. */
import { HOW_GOOD, IS_RIGHT, WHICH_IS_BETTER } from "../../src/after/prompts/prompts.js";
import { selectionInfos } from "../../src/after/select/registry.js";
import { routerInfos } from "../../src/before/registry.js";
import { methodInfos } from "../../src/during/methods.js";
import { linked, textTable } from "./markdown.js";

export function methodsPage(): string {
  const parts = [
    "# Fusion methods",
    `A fusion method merges the members' next-token distributions at every step. \`llamafuse methods NAME\` prints the same
facts. Set options with \`-o NAME=VALUE\`, or in the library with \`method: { name, … }\`. With one member, all methods give
the same result: that member's.`,
    `Where a paper and its released code differ, the paper is the default and \`compat: true\` reproduces the code. Methods with a
\`compat\` option: ${methodInfos.flatMap(({ name, options }) => ("compat" in options ? [`\`${name}\``] : [])).join(", ")}.`,
    `A method of your own is one call of \`defineMethod\`. \`checkMethod\` of \`llamafuse/laws\` checks it on scripted members, and
names the law and the step where it breaks one: [examples/my-method.mjs](../examples/my-method.mjs).`,
    textTable(
      ["method", "what it does", "source"],
      methodInfos.map(({ name, summary, source }) => [`[\`${name}\`](#${name})`, summary, linked(source)]),
    ),
  ];
  for (const { name, summary, source, requires, options } of methodInfos) {
    parts.push(
      `## ${name}`,
      `${summary}\n\n- Source: ${linked(source)}\n- Members: ${requires}`,
      optionsTable(options),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

export function selectionsPage(): string {
  const parts = [
    "# Selections",
    `A selection lets every member answer on its own, several times where \`samples\` says so, and gives one of the answers as
it is. Use it in place of a method: \`-M agent-forest:samples=5\`, or \`method: { name: "agent-forest", samples: 5 }\`.
\`llamafuse methods NAME\` prints the same facts.`,
    `The result's \`selection\` lists all answers with their scores and says why one was given; \`usage\` and \`cost\` count all of
them, and what judging took. A stream tells of each answer as it comes, then gives the chosen one whole. Members answer side by
side; a vote stops asking when no further answer could change it. Blank answers are never chosen while another says something.
With \`onMemberFailure: "continue"\` the answers of the other members stand, and \`dropped\` names the one that failed.`,
    `Several samples of a member need a temperature: the request's, else the selection's. At temperature 0 each member answers
once. A *table* is a file of past answers: \`llamafuse eval questions.jsonl -m a.gguf -m b.gguf --outcomes outcomes.jsonl\`.`,
    textTable(
      ["selection", "what it does", "source"],
      selectionInfos.map(({ name, summary, source }) => [`[\`${name}\`](#${name})`, summary, linked(source)]),
    ),
  ];
  for (const { name, summary, source, requires, options } of selectionInfos) {
    const facts = `${summary}\n\n- Source: ${linked(source)}\n- Members: ${requires}`;
    parts.push(`## ${name}`, facts, optionsTable(options));
  }
  parts.push(
    "## What judges are asked",
    "Each in the judge's chat template; the answer is read from its probabilities. The option `prompt` takes another.",
  );
  const prompts = { "best-of-n": IS_RIGHT, "llm-blender": WHICH_IS_BETTER, "peer-review": HOW_GOOD };
  for (const [name, prompt] of Object.entries(prompts)) parts.push(`\`${name}\`:`, `\`\`\`text\n${prompt}\n\`\`\``);
  return `${parts.join("\n\n")}\n`;
}

export function routersPage(): string {
  const parts = [
    "# Routers",
    `A router chooses the model before it answers. Fit one on a table of past answers with \`llamafuse route fit\`, then use it
in place of a method: \`-M NAME:router=router.json\`. [Routing](routing.md) shows the whole way and which router to take.
\`llamafuse route list NAME\` prints the same facts. A *knob* is what a decision trades: a threshold, λ, a budget.`,
    textTable(
      ["router", "what it does", "source", "knobs"],
      routerInfos.map(({ name, summary, source, knobs }) => [
        `[\`${name}\`](#${name})`,
        summary,
        linked(source),
        knobs.map((knob) => `\`${knob}\``).join(", "),
      ]),
    ),
  ];
  for (const { name, summary, source, knobs, options } of routerInfos) {
    const facts = `${summary}\n\n- Source: ${linked(source)}\n- Knobs: ${knobs.map((knob) => `\`${knob}\``).join(", ")}`;
    parts.push(`## ${name}`, facts, optionsTable(options));
  }
  return `${parts.join("\n\n")}\n`;
}

function optionsTable(options: Record<string, string>): string {
  const rows = Object.entries(options).map(([name, text]) => [`\`${name}\``, text]);
  return rows.length === 0 ? "No options." : textTable(["option", "meaning and default"], rows);
}
