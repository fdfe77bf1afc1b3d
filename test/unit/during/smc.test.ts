/** Sequential Monte Carlo over strings, on members whose texts can be counted. */
import { describe, expect, it } from "vitest";
import {
  END,
  entriesOf,
  Population,
  proposalBehind,
  rootText,
  type TextNode,
} from "../../../src/during/token/smc/population.js";
import { logOf, type StringFunction } from "../../../src/during/token/smc/string-function.js";
import { RandomGenerator } from "../../../src/random.js";

const [A, B] = [97, 98];
/** Two members over a and b, at most three bytes: each one's probabilities of a, b and the end behind a text. */
const MEMBERS = [
  (text: string): number[] => (text.endsWith("a") ? [0.1, 0.7, 0.2] : [0.5, 0.1, 0.4]),
  (text: string): number[] => (text.endsWith("b") ? [0.6, 0.2, 0.2] : [0.3, 0.3, 0.4]),
];
const MOST = 3;

function nextOf(member: number, text: string): number[] {
  return text.length === MOST ? [0, 0, 1] : MEMBERS[member](text);
}

/** Every text, and the members' probabilities of it. */
function allTexts(): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const walk = (text: string, so: number[]): void => {
    found.set(
      text,
      so.map((value, member) => value * nextOf(member, text)[2]),
    );
    if (text.length === MOST) return;
    for (const [place, letter] of ["a", "b"].entries())
      walk(
        text + letter,
        so.map((value, member) => value * nextOf(member, text)[place]),
      );
  };
  walk("", [1, 1]);
  return found;
}

const textOf = (node: TextNode) => Buffer.from(entriesOf(node).filter((entry) => entry !== END)).toString();

function sampled(f: StringFunction, particles: number, seed: number) {
  const random = new RandomGenerator(seed);
  const population = new Population(particles, rootText(2), () => random.next());
  for (let growing = population.growing; growing.length > 0; growing = population.growing) {
    population.step(
      new Map(
        growing.map((node) => {
          const own = [0, 1].map((member) => nextOf(member, textOf(node)));
          const logs = [A, B, END].map((entry, place) => [entry, own.map((next) => Math.log(next[place]))] as const);
          return [node, proposalBehind(f, node, new Map(logs))];
        }),
      ),
    );
  }
  return population;
}

describe("a population of texts", () => {
  it.each<[string, StringFunction]>([
    ["product", { kind: "product" }],
    ["minimum", { kind: "minimum" }],
    ["mean", { kind: "power", r: 1, weights: [0.3, 0.7] }],
    ["harmonic mean", { kind: "power", r: -1, weights: [0.5, 0.5] }],
  ])("converges to the %s of whole texts, and estimates its normaliser", (_, f) => {
    const exact = new Map([...allTexts()].map(([text, values]) => [text, Math.exp(logOf(f, values.map(Math.log)))]));
    const z = [...exact.values()].reduce((sum, value) => sum + value, 0);
    const population = sampled(f, 20_000, 5);
    const shares = new Map<string, number>();
    for (const { text, logShare } of population.sample) shares.set(textOf(text), Math.exp(logShare));
    let distance = 0;
    for (const [text, value] of exact) distance += Math.abs(value / z - (shares.get(text) ?? 0)) / 2;
    // 15 texts and 20,000 draws: a total variation of about 0.01.
    expect(distance).toBeLessThan(0.03);
    expect(Math.exp(population.logEvidence) / z).toBeCloseTo(1, 1);
  });

  it("repeats itself for a seed", () => {
    const once = sampled({ kind: "product" }, 50, 3);
    const again = sampled({ kind: "product" }, 50, 3);
    expect(again.logEvidence).toBe(once.logEvidence);
    expect(again.sample.map(({ text }) => textOf(text))).toEqual(once.sample.map(({ text }) => textOf(text)));
  });
});
