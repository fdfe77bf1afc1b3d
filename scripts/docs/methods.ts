/** docs/methods.md, docs/routers.md, docs/cascades.md, docs/selections.md and docs/regeneration.md: what the registries know. */
import { readFileSync } from "node:fs";
import type { AnswerDetail } from "../../src/after/cascade/cascade.js";
import { cascadeInfos } from "../../src/after/cascade/registry.js";
import {
  DEBATE,
  FINAL,
  HOW_GOOD,
  IS_RIGHT,
  RANK_AND_WRITE,
  RANKING,
  WHICH_IS_BETTER,
  WRITE_FROM_ANSWERS,
} from "../../src/after/prompts/prompts.js";
import { regenerationInfos } from "../../src/after/regenerate/registry.js";
import { selectionInfos } from "../../src/after/select/registry.js";
import { routerInfos } from "../../src/before/registry.js";
import type { MethodInfo } from "../../src/during/method.js";
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
  parts.push(...described(methodInfos));
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
    `\`\`\`sh
npx llamafuse generate --chat -M agent-forest:samples=5 "Where does the owner of the hamster live?"
npx llamafuse init forest.json -m a.gguf -m b.gguf -M agent-forest:samples=5   # then --ensemble forest.json
npx llamafuse eval questions.jsonl -m a.gguf -m b.gguf --after all --limit 20  # all that need no table, from one set of answers; regenerations too
\`\`\``,
    `\`--after all:samples=5,temperature=0.7\` says how those answers are sampled. Judging takes the longest: start with a small
\`--limit\`.`,
    textTable(
      ["selection", "what it does", "source"],
      selectionInfos.map(({ name, summary, source }) => [`[\`${name}\`](#${name})`, summary, linked(source)]),
    ),
  ];
  parts.push(...described(selectionInfos));
  parts.push(
    "## What judges are asked",
    "Each in the judge's chat template; the answer is read from its probabilities. The option `prompt` takes another.",
  );
  const prompts = { "best-of-n": IS_RIGHT, "pair-ranker": WHICH_IS_BETTER, "peer-review": HOW_GOOD };
  for (const [name, prompt] of Object.entries(prompts)) parts.push(`\`${name}\`:`, `\`\`\`text\n${prompt}\n\`\`\``);
  return `${parts.join("\n\n")}\n`;
}

export function regenerationPage(): string {
  const parts = [
    "# Regeneration",
    `A regeneration lets every member answer on its own, as a [selection](selections.md) does, and makes the answer of theirs:
one member writes it, or members answer again until they vote. Use it in place of a method: \`-M moa:layers=2\`, or
\`method: { name: "moa", layers: 2 }\`. \`llamafuse methods NAME\` prints the same facts.`,
    `The result's \`regeneration\` lists all answers of all rounds (\`round\`), says which ones the writer \`read\`, who the \`writer\`
was, or which answer was \`chosen\` as it is, and why; \`usage\` and \`cost\` count everything. A stream tells of each answer as it comes,
then gives the text while it is written. The writer is a member; it should follow instructions, and it reads the answers in its own
chat template. The native models are too small to follow such instructions; of these methods only \`debate\`, which votes, does them any
good.`,
    `Where one answer is left, or all say the same, it is given, and nobody writes. Where the writer says nothing, or its context holds
none of the answers beside the question, the best one is given. Where its context does not hold all, the lowest are left out. With
\`onMemberFailure: "continue"\` the rest goes on: a writer that fails is followed by the next one, behind its text.`,
    `\`\`\`sh
npx llamafuse generate --chat -M debate "Where does the owner of the hamster live?"
npx llamafuse generate --chat -m a.gguf -m b.gguf -M moa:layers=2 "Why is the sky blue?"   # models that follow instructions
npx llamafuse generate --chat -m a.gguf -M self-moa:samples=4 -t 0.7 "Why is the sky blue?"
npx llamafuse init mixture.json -m a.gguf -m b.gguf -M moa:layers=2             # then --ensemble mixture.json
npx llamafuse eval questions.jsonl -m a.gguf -m b.gguf --after all --limit 20  # selections and regenerations, from one set of answers
npx llamafuse eval questions.jsonl -m a.gguf -m b.gguf --fusion-pairs pairs.jsonl  # to train a fuser of your own
\`\`\``,
    `The published fusers of LLM-Blender, LLM-TOPLA and URG are trained models. Here writers are prompted, and nothing is trained:
each line of \`--fusion-pairs\` is a conversation with the members' best answers and the reference, for a program that fine-tunes;
a fine-tuned GGUF is then a member like any other, with \`writer\`.`,
    textTable(
      ["regeneration", "what it does", "source"],
      regenerationInfos.map(({ name, summary, source }) => [`[\`${name}\`](#${name})`, summary, linked(source)]),
    ),
    ...described(regenerationInfos),
    "## What members are asked",
    "All words are ours. The option `prompt` takes others.",
    "`llm-blender`, `llm-topla` with `summary`, `moa` and `self-moa`; `{answers}` are numbered:",
    `\`\`\`text\n${WRITE_FROM_ANSWERS}\n\`\`\``,
    `\`urg\`; the reply begins \`${RANKING} B, A\`, an empty line and \`${FINAL}\`:`,
    `\`\`\`text\n${RANK_AND_WRITE}\n\`\`\``,
    "`debate`, behind the member's own answer:",
    `\`\`\`text\n${DEBATE}\n\`\`\``,
    "`llm-blender` compares with the words of [`pair-ranker`](selections.md#what-judges-are-asked); its `comparePrompt` takes others.",
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Each with its facts and options. */
function described(infos: readonly MethodInfo[]): string[] {
  return infos.flatMap(({ name, summary, source, requires, options }) => [
    `## ${name}`,
    `${summary}\n\n- Source: ${linked(source)}\n- Members: ${requires}`,
    optionsTable(options),
  ]);
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

const DETAILS: Record<AnswerDetail, string> = {
  logProbs: "token log-probabilities",
  classProbabilities: "probabilities of choices",
  samples: "several samples",
  verifier: "a verifier's confidence",
  answers: "short answers",
};

export function cascadesPage(): string {
  const reads = (needs: readonly AnswerDetail[]) =>
    needs.map((need) => DETAILS[need]).join(", ") || "whatever there is";
  const parts = [
    "# Cascades",
    `A cascade asks a cheap model first and another where the answer does not convince. Its cost counts every call: rejected
answers, samples and verifications. Without training, in place of a method, members by rising cost:`,
    `\`\`\`bash
npx llamafuse generate --chat -m small.gguf -m large.gguf -M log-probability -o threshold=-0.3 "Why is the sky blue?"
npx llamafuse generate --chat -m small.gguf -m large.gguf -M mot -o samples=5 -o threshold=0.6 "What is 3 plus 4?"
\`\`\``,
    `Fitted on your own questions:`,
    `\`\`\`bash
npx llamafuse eval native --split development -m sparrow -m raven --outcomes outcomes.jsonl --details
npx llamafuse cascade eval --train outcomes.jsonl                      # all that the table can serve, judged as routers are
npx llamafuse cascade fit --train outcomes.jsonl -o cascade.json       # quantile-deferral, or --cascade NAME
npx llamafuse cascade explain cascade.json --table outcomes.jsonl      # who answers how often, and what it costs
npx llamafuse generate -m sparrow -m raven -M quantile-deferral -o cascade=cascade.json $'Question: …\\nAnswer:'
\`\`\``,
    `\`cascade eval\` puts cascades beside single models, the zero router, the oracle and routers (\`--router knn\`), with intervals on
queries that did not choose the settings ([Routing](routing.md) says how). \`--by latency\` counts milliseconds instead of costs. A
table may have \`logProbs\`, \`classProbabilities\`, \`verifier\` and several rows for samples beside quality and cost. Models are asked
by rising mean cost, whatever their names; \`chain\` names another order. A table of your own has a row for each query and model:`,
    `\`\`\`json
{"query": "What is 3 plus 4?", "model": "small", "quality": 1, "cost": 1, "answer": "7", "logProbs": [-0.1, -0.02]}
{"query": "What is 3 plus 4?", "model": "large", "quality": 1, "cost": 5, "answer": "7", "logProbs": [-0.01, -0.01]}
\`\`\``,
    "An ensemble file holds a cascade as it holds a method, and `serve` answers with it. The cascade's file is sought beside it:",
    `\`\`\`json
{ "members": ["sparrow", "raven"], "method": { "name": "quantile-deferral", "cascade": "cascade.json" } }
\`\`\``,
    `At work members are loaded when they are first asked. An answer that may yet be rejected is shown when it is kept; the last
member's is shown while it is made. \`result.cascade\` lists every call with its cost and the reason why it was kept or not;
\`usage\` and \`cost\` sum all of them.`,
    `On the native questions, sparrow first and raven where needed, fitted on 300 development questions and measured on 300 others
([results](../bench/results/cascade-deferral.json), \`npx tsx bench/cascade-deferral.ts\`): \`quantile-deferral\` recovers ${recovered("quantile-deferral")} of the area
between random and oracle deferral, \`log-probability\` without labels ${recovered("log-probability")}. At the threshold that stays within one point of
raven on the development questions, \`log-probability\` brings ${operating("log-probability")}.`,
    textTable(
      ["cascade", "what it does", "reads", "source", "knobs"],
      cascadeInfos.map(({ name, summary, needs, source, knobs }) => [
        `[\`${name}\`](#${name})`,
        summary,
        reads(needs),
        linked(source),
        knobs.map((knob) => `\`${knob}\``).join(", "),
      ]),
    ),
  ];
  for (const { name, summary, source, needs, knobs, options, trainingFree } of cascadeInfos) {
    const facts = [
      `Source: ${linked(source)}`,
      `Reads: ${reads(needs)}`,
      `Knobs: ${knobs.map((knob) => `\`${knob}\``).join(", ")}`,
      trainingFree ? "Works without a fit" : "Must be fitted",
    ];
    parts.push(`## ${name}`, `${summary}\n\n${facts.map((fact) => `- ${fact}`).join("\n")}`, optionsTable(options));
  }
  return `${parts.join("\n\n")}\n`;
}

interface Deferral {
  cascade: string;
  recovered: number;
  quality: number;
  largeQuality: number;
  costOfLarge: number;
}

function deferralOf(cascade: string): Deferral {
  const { rows } = JSON.parse(readFileSync("bench/results/cascade-deferral.json", "utf8")) as { rows: Deferral[] };
  return rows.find((row) => row.cascade === cascade)!;
}

const recovered = (cascade: string) => `${(100 * deferralOf(cascade).recovered).toFixed(0)} %`;

function operating(cascade: string): string {
  const { quality, largeQuality, costOfLarge } = deferralOf(cascade);
  const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
  return `${percent(quality)} for ${percent(costOfLarge, 0)} of raven's cost (raven: ${percent(largeQuality)})`;
}

function optionsTable(options: Record<string, string>): string {
  const rows = Object.entries(options).map(([name, text]) => [`\`${name}\``, text]);
  return rows.length === 0 ? "No options." : textTable(["option", "meaning and default"], rows);
}
