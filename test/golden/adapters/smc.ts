/** Ensembles over strings: exact ones, step by step ones, and the sampler against both. */

import {
  END,
  entriesOf,
  Population,
  type Proposal,
  proposalBehind,
  rootText,
  type TextNode,
} from "../../../src/during/token/smc/population.js";
import { logOf, type StringFunction } from "../../../src/during/token/smc/string-function.js";
import { RandomGenerator } from "../../../src/random.js";
import { logSumExp } from "../../../src/statistics.js";
import type { GoldenAdapter } from "../adapter.js";
import { spell, type ToyModel, whole } from "./bytes.js";

type Given = { kind: "product" } | { kind: "minimum" } | { kind: "power-mean"; r: number; weights: number[] };
interface Input {
  models: ToyModel[];
  maxBytes: number;
  fs: Given[];
  strings: string[];
  sampler: { seeds: number; reference: { particles: number; tvUpper: number; zRatioTolerance: number }[][] };
}

/** ln W_i and ln p_i of a string. */
interface Logs {
  prefix: number[];
  whole: number[];
}

export const smc: GoldenAdapter = {
  method: "smc",
  tolerance: 1e-9,
  run({ models, maxBytes, fs, strings, sampler }: Input) {
    const known = new Map<string, Logs>();
    const logsOf = (text: string): Logs => {
      let logs = known.get(text);
      if (logs === undefined) {
        const both = models.map((model) => whole(spell(model, text).beam));
        logs = { prefix: both.map(({ logPrefix }) => logPrefix), whole: both.map(({ logWhole }) => Number(logWhole)) };
        known.set(text, logs);
      }
      return logs;
    };
    const alphabet = [...new Set(strings.flatMap((text) => Array.from(Buffer.from(text, "hex"))))].sort(
      (a, b) => a - b,
    );
    const wholeMass = models.map((_, index) => sum(strings.map((text) => Math.exp(logsOf(text).whole[index]))));
    return {
      wholeMass,
      fs: fs.map((given, index) => {
        const f: StringFunction = given.kind === "power-mean" ? { ...given, kind: "power" } : given;
        const values = strings.map((text) => logOf(f, logsOf(text).whole));
        const logZ = logSumExp(values);
        const global = values.map((value) => Math.exp(value - logZ));
        const local = localOf(f, logsOf, alphabet, strings, maxBytes);
        const free = localOf(f, logsOf, alphabet, strings, Number.POSITIVE_INFINITY);
        const freeMass = sum(free);
        return {
          logZ,
          global,
          local,
          localDead: Math.max(0, 1 - sum(local)),
          tvGlobalLocal: distance(global, local),
          localFree: free,
          tvGlobalLocalFree: distance(
            global,
            free.map((value) => value / freeMass),
          ),
          withinBounds: sampler.reference[index].map((bounds) =>
            isWithin(bounds, sampler.seeds, f, { logsOf, alphabet, strings, maxBytes, global, logZ }),
          ),
        };
      }),
    };
  },
};

/** The distribution of the text that is drawn step by step, each step normalised. */
function localOf(
  f: StringFunction,
  logsOf: (text: string) => Logs,
  alphabet: readonly number[],
  strings: readonly string[],
  maxBytes: number,
): number[] {
  const reached = new Map<string, number>([["", 1]]);
  return strings.map((text) => {
    const here = reached.get(text) ?? 0;
    if (here === 0) return 0;
    const { prefix, whole: ended } = logsOf(text);
    const given = (logs: readonly number[]) => {
      // A member that cannot begin so contributes nothing.
      const conditional = logs.map((value, i) =>
        prefix[i] === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : value - prefix[i],
      );
      return Math.exp(logOf(f, conditional));
    };
    const end = given(ended);
    const isFull = text.length / 2 >= maxBytes;
    const onward = isFull
      ? []
      : alphabet.map((byte) => ({ next: text + hex(byte), value: given(logsOf(text + hex(byte)).prefix) }));
    const total = end + sum(onward.map(({ value }) => value));
    if (!(total > 0)) return 0;
    for (const { next, value } of onward) reached.set(next, (here * value) / total);
    return (here * end) / total;
  });
}

interface Exact {
  logsOf: (text: string) => Logs;
  alphabet: readonly number[];
  strings: readonly string[];
  maxBytes: number;
  global: readonly number[];
  logZ: number;
}

function isWithin(
  { particles, tvUpper, zRatioTolerance }: { particles: number; tvUpper: number; zRatioTolerance: number },
  seeds: number,
  f: StringFunction,
  { logsOf, alphabet, strings, maxBytes, global, logZ }: Exact,
): boolean {
  const place = new Map(strings.map((text, index) => [text, index]));
  const root = rootText(logsOf("").prefix.length);
  const proposals = new Map<TextNode, Proposal>();
  const textOf = (text: TextNode) => Buffer.from(entriesOf(text).filter((entry) => entry !== END)).toString("hex");
  const behind = (text: TextNode): Proposal => {
    let proposal = proposals.get(text);
    if (proposal === undefined) {
      const string = textOf(text);
      const here = logsOf(string);
      const given = (logs: readonly number[]) =>
        logs.map((value, i) => (here.prefix[i] === Number.NEGATIVE_INFINITY ? value : value - here.prefix[i]));
      const onward = string.length / 2 >= maxBytes ? [] : alphabet;
      const logProbs = new Map(onward.map((byte) => [byte, given(logsOf(string + hex(byte)).prefix)] as const));
      logProbs.set(END, given(here.whole));
      proposals.set(text, (proposal = proposalBehind(f, text, logProbs)));
    }
    return proposal;
  };
  let distances = 0;
  let ratios = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const random = new RandomGenerator(seed);
    const population = new Population(particles, root, () => random.next());
    for (let growing = population.growing; growing.length > 0; growing = population.growing)
      population.step(new Map(growing.map((text) => [text, behind(text)])));
    const found = new Array<number>(strings.length).fill(0);
    for (const { text, logShare } of population.sample) found[place.get(textOf(text))!] += Math.exp(logShare);
    distances += distance(found, global) / seeds;
    ratios += Math.exp(population.logEvidence - logZ) / seeds;
  }
  return distances <= tvUpper && Math.abs(ratios - 1) <= zRatioTolerance;
}

function distance(a: readonly number[], b: readonly number[]): number {
  return sum(a.map((value, index) => Math.abs(value - b[index]))) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
