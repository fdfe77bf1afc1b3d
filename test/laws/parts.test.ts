/** The laws of the parts that methods are put together from: every alignment and every rule that is registered. */
import { describe, expect, it } from "vitest";
import { alignments } from "../../src/during/alignments/alignments.js";
import type { AlignmentDefinition } from "../../src/during/alignments/define-alignment.js";
import type { RuleDefinition } from "../../src/during/rules/define-rule.js";
import { rules } from "../../src/during/rules/rules.js";
import { fusion } from "../../src/during/token/fusion/fusion.js";
import { weightings } from "../../src/during/weightings/weightings.js";
import { alignmentLaws, meanIn } from "../../src/laws/alignment-laws.js";
import { methodLaws } from "../../src/laws/method-laws.js";
import { ruleLaws } from "../../src/laws/rule-laws.js";
import { fitting, scriptedEnsembles } from "../../src/laws/scripted-ensembles.js";

/** Sets an alignment is checked on: the first ones that fit. */
const SETS = 3;

for (const rule of rules as unknown as RuleDefinition[]) {
  const { name, laws } = rule;
  it(`the rule ${name} says how it keeps the laws`, () => hasReasons(name, laws));
  for (const options of [{}, ...(laws?.options ?? [])])
    describe(`rule laws: ${name} ${JSON.stringify(options)}`, () => {
      for (const { name: law, check } of ruleLaws(rule, options)) it(law, check);
    });
}

for (const alignment of alignments as unknown as AlignmentDefinition[]) {
  const { name, laws } = alignment;
  it(`the alignment ${name} says how it keeps the laws`, () => hasReasons(name, laws));
  const sets = (await fitting(meanIn(alignment), laws, scriptedEnsembles)).slice(0, SETS);
  it(`alignment laws: ${name} on one set or more`, () => expect(sets.length).toBeGreaterThan(0));
  for (const set of sets)
    describe(`alignment laws: ${name} on ${set.name}`, () => {
      for (const { name: law, check } of alignmentLaws(alignment, set)) it(law, check);
    });
}

describe.each(weightings.map(({ name }) => name))("the weights %s", (name) => {
  const [set] = scriptedEnsembles;
  // One of the weights reads one sequence of tokens for all.
  const alignment = name === "perplexity-search" ? "mined" : "union";
  const choice = fusion({ alignment, weights: name });
  // A mean sums to 1 where its weights do.
  for (const { name: law, check } of methodLaws(choice, { covers: "all" }, set))
    if (law.startsWith("gives distributions")) it(law, check);
});

function hasReasons(name: string, laws: { exempt?: Readonly<Record<string, string>> } | undefined): void {
  expect(laws, `${name} has no laws in its definition`).toBeDefined();
  for (const [law, reason] of Object.entries(laws?.exempt ?? {})) expect(reason, `${name}: ${law}`).toMatch(/\w+ \w+/);
}
