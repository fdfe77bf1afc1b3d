/**
 * The laws of fusion rules, on seeded distributions: what comes out is a distribution, equal ones are left as they are, and
 * members that count alike may come in any order. Exemptions stand in a rule's definition, with the reason.
 */
import type { AlignedStep } from "../during/alignments/alignment.js";
import type { AlignmentDefinition } from "../during/alignments/define-alignment.js";
import { topUnion } from "../during/alignments/top-union/definition.js";
import type { RuleDefinition, RuleLaw } from "../during/rules/define-rule.js";
import type { FusedValues, FusionRule } from "../during/rules/rule.js";
import { type Break, expectNear, type LawCheck, lawCheck } from "./law.js";
import { bytePairVocabulary, randomMember, randomNumbers } from "./scripted-members.js";

const SIZE = 24;
const STEPS = 20;
const WITHIN = 1e-12;
const vocabulary = bytePairVocabulary();

/** The laws of a rule under these options. Those that it is exempt from are left out. */
export function ruleLaws(rule: RuleDefinition, given: Record<string, unknown>): LawCheck[] {
  const options = rule.options.parse(given);
  const counts = rule.roles === undefined ? [2, 3, 4] : [rule.roles.length];
  const keeps = (law: RuleLaw) => rule.laws.exempt?.[law] === undefined;
  const checks: LawCheck[] = [];
  const add = (law: string, among: readonly number[], test: (fuse: Fuse, at: Place, fail: Break) => void) => {
    const on = `${JSON.stringify(given)}, ${among.join(" or ")} members`;
    const check = lawCheck(`The rule "${rule.name}"`, law, on, (fail) => {
      for (const count of among) {
        for (let step = 0; step < STEPS; step++) {
          const weights = weightsOf(count, rule.roles === undefined && step % 2 === 1 ? step : undefined);
          test((aligned, shares) => fuse(rule, options, aligned, shares), { step, count, weights }, fail);
        }
      }
    });
    checks.push(check);
  };
  add("gives a distribution, and knows the first of the best entries", counts, givesDistribution);
  add("does not care what the distributions sum to", counts, ignoresMasses);
  if (keeps("alone")) add("leaves one distribution as it is", [1], leavesAgreement);
  if (keeps("agreement")) add("leaves distributions that are alike as they are", counts, leavesAgreement);
  if (keeps("order")) add("does not care for the members' order", counts, ignoresOrder);
  return checks;
}

type Fuse = (step: AlignedStep, weights: readonly number[]) => FusedValues;

interface Place {
  step: number;
  count: number;
  weights: number[];
}

function givesDistribution(fuse: Fuse, { step, count, weights }: Place, fail: Break): void {
  const { probabilities, best } = fuse(stepOf(seeded(step, count)), weights);
  const values = Array.from(probabilities.subarray(0, SIZE));
  for (const value of values) if (!(value >= 0)) fail(step, `a probability is ${value}`, { found: value });
  const sum = values.reduce((total, value) => total + value, 0);
  expectNear(sum, 1, 1e-9, () => fail(step, `the probabilities sum to ${sum}; allowed: 1`, { found: sum, allowed: 1 }));
  const first = values.indexOf(Math.max(...values));
  if (best !== first) fail(step, `best is the entry ${best}, and the first of the most probable ones is ${first}`);
}

function ignoresMasses(fuse: Fuse, { step, count, weights }: Place, fail: Break): void {
  const distributions = seeded(step, count);
  const masses = distributions.map((_, index) => 1 / (index + 2));
  const scaled = distributions.map((values, index) => values.map((value) => value * masses[index]));
  const expected = fuse(stepOf(distributions), weights).probabilities;
  expectEqual(fuse({ ...stepOf(scaled), masses }, weights).probabilities, expected, step, fail);
}

function leavesAgreement(fuse: Fuse, { step, count, weights }: Place, fail: Break): void {
  const [values] = seeded(step, 1);
  const alike = Array.from({ length: count }, () => values.slice());
  expectEqual(fuse(stepOf(alike), weights).probabilities, values, step, fail);
}

function ignoresOrder(fuse: Fuse, { step, count, weights }: Place, fail: Break): void {
  const distributions = seeded(step, count);
  const expected = fuse(stepOf(distributions), weights).probabilities;
  const back = fuse(stepOf([...distributions].reverse()), [...weights].reverse()).probabilities;
  expectEqual(back, expected, step, fail);
}

/** A run of the rule's first step. */
function fuse(
  rule: RuleDefinition,
  options: Record<string, unknown>,
  step: AlignedStep,
  weights: readonly number[],
): FusedValues {
  const voices = weights.map((weight, index) => ({ member: randomMember(index + 1, vocabulary), weight }));
  const context = { voices, greedy: false, traceTop: 0, advance: async () => {} };
  const made: FusionRule = rule.create(context, options, topUnion as unknown as AlignmentDefinition);
  const { probabilities, best } = made.fuse(step, weights, [...weights.keys()]);
  return { probabilities: probabilities.slice(), best };
}

/** Positive everywhere, as rules that divide need. */
function seeded(seed: number, count: number): Float64Array[] {
  const random = randomNumbers(seed + 1);
  return Array.from({ length: count }, () => {
    const values = Float64Array.from({ length: SIZE }, () => Math.exp(6 * random()));
    const sum = values.reduce((total, value) => total + value, 0);
    return values.map((value) => value / sum);
  });
}

/** Equal ones without a seed. */
function weightsOf(count: number, seed?: number): number[] {
  const random = seed === undefined ? () => 1 : randomNumbers(seed);
  const values = Array.from({ length: count }, () => 0.1 + random());
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

function stepOf(distributions: readonly Float64Array[]): AlignedStep {
  const bytesOf = (entry: number) => (entry === 0 ? new Uint8Array() : Buffer.from(`s${entry}`));
  return { size: SIZE, endEntry: 0, distributions, bytesOf };
}

function expectEqual(found: Float64Array, expected: Float64Array, step: number, fail: Break): void {
  for (let entry = 0; entry < SIZE; entry++) {
    const [value, allowed] = [found[entry], expected[entry]];
    expectNear(value, allowed, WITHIN, () =>
      fail(step, `the entry ${entry} has ${value}; allowed: ${allowed}`, { found: value, allowed }),
    );
  }
}
