import {
  ByteBeam,
  type Hypothesis,
  idsOf,
  type Limit,
  logSum,
  prune,
} from "../../../src/during/alignments/bytes/byte-beam.js";
import { BYTE_ENTRIES, END } from "../../../src/during/alignments/bytes/token-masses.js";
import { LogLinearRule } from "../../../src/during/rules/log-linear.js";
import { MeanRule } from "../../../src/during/rules/mean.js";
import { ByteTrie, ROOT } from "../../../src/vocabulary/byte-trie.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";
import type { GoldenAdapter } from "../adapter.js";

export interface ToyModel {
  tokens: string[];
  endIds: number[];
  order: number;
  start: (number | "-Infinity")[];
  rows: Record<string, (number | "-Infinity")[]>;
}

type Input = { kind: string; model: ToyModel } & Record<string, never>;
type Next = Record<string, number> | null;

export const bytes: GoldenAdapter = {
  method: "bytes",
  tolerance: 1e-9,
  run(input: Input) {
    const runs: Record<string, (input: never) => unknown> = { next, string, canonical, ensemble, beam, healing };
    return runs[input.kind](input as never);
  },
};

function next({ model, prefixes }: { model: ToyModel; prefixes: string[] }) {
  const results = prefixes.map((prefix) => {
    const toy = spell(model, prefix);
    return { logPrefix: toy.beam.logWeight, next: nextOf(toy.beam) };
  });
  return { results };
}

function string({ model, strings }: { model: ToyModel; strings: string[] }) {
  return { results: strings.map((each) => whole(spell(model, each).beam)) };
}

export function whole(beam: ByteBeam) {
  const spelt = beam.hypotheses.filter(({ node }) => node === ROOT);
  return {
    logPrefix: beam.logWeight,
    logWhole: Math.log(spelt.reduce((sum, { sequence }) => sum + Math.exp(sequence.logProb) * sequence.masses!.end, 0)),
    tokenisations: spelt.length,
  };
}

function canonical({ model, prefixes, strings }: { model: ToyModel; prefixes: string[]; strings: string[] }) {
  const textOf = (ids: readonly number[]) => Buffer.from(ids.map((id) => model.tokens[id]).join(""), "hex");
  const isCanonical = (ids: readonly number[]) => canonicalIds(model, textOf(ids))?.join() === ids.join();
  const restrict: Limit = ({ probabilities }, sequence) => {
    const before = idsOf(sequence);
    for (const [place, id] of ByteTrie.of(vocabularyOf(model)).order.entries())
      if (!isCanonical([...before, id])) probabilities[place] = 0;
  };
  const renormalise: Limit = (masses, sequence) => {
    restrict(masses, sequence);
    masses.normalise();
  };
  return {
    strings: strings.map((text) => ({
      ids: canonicalIds(model, Buffer.from(text, "hex")),
      logWholeRestrict: whole(spell(model, text, [], restrict).beam).logWhole,
      logWholeRenormalise: whole(spell(model, text, [], renormalise).beam).logWhole,
    })),
    prefixes: prefixes.map((prefix) => {
      const { beam } = spell(model, prefix, [], restrict);
      const onward = Array.from({ length: 256 }, (_, byte) => Math.exp(logSum(beam.continuations(byte))));
      const said = onward.reduce((sum, mass) => sum + mass, 0) + Math.exp(Number(whole(beam).logWhole));
      const other = spell(model, prefix, [], renormalise).beam;
      return {
        restrict: {
          logPrefix: beam.logWeight,
          leak: beam.logWeight === -Infinity ? null : 1 - said / Math.exp(beam.logWeight),
          next: nextOf(beam),
        },
        renormalise: { logPrefix: other.logWeight, next: nextOf(other) },
      };
    }),
  };
}

function ensemble({
  models,
  weights,
  prefix,
  steps,
}: {
  models: ToyModel[];
  weights: number[];
  prefix: string;
  steps: number;
}) {
  const fused = (rule: "mixture" | "product") => {
    const at = (text: string): Float64Array | null => {
      const spelt = models.map((model, index) => ({ beam: spell(model, text).beam, weight: weights[index] }));
      const speaking = spelt.filter(({ weight }) => weight > 0);
      const said = speaking.map(({ beam, weight }) => {
        const values = new Float64Array(BYTE_ENTRIES);
        return { weight, values, isKnown: beam.next(values) };
      });
      const known = said.filter(({ isKnown }) => isKnown);
      if (known.length === 0 || (rule === "product" && known.length < said.length)) return null;
      const step = {
        size: BYTE_ENTRIES,
        endEntry: END,
        distributions: known.map(({ values }) => values),
        bytesOf: () => new Uint8Array(),
      };
      const shares = known.map(({ weight }) => weight);
      const sum = shares.reduce((total, share) => total + share, 0);
      const asked = known.map((_, index) => index);
      try {
        return rule === "mixture"
          ? new MeanRule().fuse(
              step,
              shares.map((share) => share / sum),
            ).probabilities
          : new LogLinearRule().fuse(step, shares, asked).probabilities;
      } catch {
        return null;
      }
    };
    return { next: named(at(prefix)), greedy: greedyFrom(at, prefix, steps) };
  };
  const own = models.map((model) => {
    const { beam } = spell(model, prefix);
    return { logPrefix: beam.logWeight, next: nextOf(beam) };
  });
  return { mixture: fused("mixture"), product: fused("product"), models: own };
}

function greedyFrom(at: (text: string) => Float64Array | null, prefix: string, steps: number) {
  const probs: number[] = [];
  let said = "";
  for (let step = 0; step < steps; step++) {
    const values = at(prefix + said);
    if (values === null) return { bytes: said, probs, ended: false, stuck: true };
    const best = values
      .subarray(0, BYTE_ENTRIES)
      .reduce((most, value, entry) => (value > values[most] ? entry : most), 0);
    probs.push(values[best]);
    if (best === END) return { bytes: said, probs, ended: true, stuck: false };
    said += hex(best);
  }
  return { bytes: said, probs, ended: false, stuck: false };
}

function beam({
  model,
  prefix,
  threshold,
  maxHypotheses,
}: {
  model: ToyModel;
  prefix: string;
  threshold: number;
  maxHypotheses: number;
}) {
  const toy = new Toy(model);
  const steps: { kept: unknown[]; discarded: number | null }[] = [];
  let emptiedAt: number | null = null;
  for (const [index, byte] of Buffer.from(prefix, "hex").entries()) {
    const { hypotheses, discarded } = prune(toy.beam.continuations(byte), threshold, maxHypotheses);
    toy.keep(hypotheses);
    steps.push({
      kept: hypotheses.map((each) => toy.show(each)),
      discarded: hypotheses.length === 0 ? null : discarded,
    });
    if (hypotheses.length > 0) continue;
    emptiedAt = index;
    break;
  }
  const exact = spell(model, prefix).beam;
  const lostMass = emptiedAt === null ? 1 - Math.exp(toy.beam.logWeight - exact.logWeight) : null;
  return { steps, emptiedAt, next: nextOf(toy.beam), exactNext: nextOf(exact), lostMass };
}

function healing({ model, prompt, drops }: { model: ToyModel; prompt: string; drops: number[] }) {
  const promptIds = canonicalIds(model, Buffer.from(prompt, "hex"))!;
  const exact = spell(model, prompt).beam;
  const first = nextOf(exact)!;
  const joint2: Record<string, number> = {};
  for (const [key, probability] of Object.entries(first)) {
    if (key === "end") joint2.end = probability;
    else
      for (const [second, then] of Object.entries(nextOf(spell(model, prompt + key).beam) ?? {}))
        joint2[second === "end" ? `${key}|end` : key + second] = probability * then;
  }
  const healed = drops.map((drop) => {
    const keptIds = promptIds.slice(0, promptIds.length - Math.min(drop, promptIds.length));
    const rest = promptIds
      .slice(keptIds.length)
      .map((id) => model.tokens[id])
      .join("");
    const { beam: own } = spell(model, rest, keptIds);
    return { drop, keptIds, rest, next: nextOf(own), logRest: own.logWeight };
  });
  return { promptIds, exact: { next: first, logPrefix: exact.logWeight }, joint2, healed };
}

/** A toy model under a beam that keeps every hypothesis. */
class Toy {
  readonly beam: ByteBeam;

  constructor(
    private readonly model: ToyModel,
    private readonly before: readonly number[] = [],
    limit?: Limit,
  ) {
    this.beam = new ByteBeam(vocabularyOf(model), limit);
    this.beam.begin();
    this.#read();
  }

  keep(hypotheses: readonly Hypothesis[]): void {
    this.beam.keep(hypotheses);
    this.#read();
  }

  show({ sequence, node, logWeight }: Hypothesis) {
    return { ids: idsOf(sequence), pending: Buffer.from(this.beam.trie.stringOf(node)).toString("hex"), logWeight };
  }

  #read(): void {
    for (const sequence of this.beam.unread) {
      const ids = [...this.before, ...idsOf(sequence)];
      const row = ids.length === 0 ? this.model.start : this.model.rows[ids.slice(-this.model.order).join(",")];
      this.beam.read(sequence, row.map(Number));
    }
  }
}

export function spell(model: ToyModel, text: string, before: readonly number[] = [], limit?: Limit): Toy {
  const toy = new Toy(model, before, limit);
  for (const byte of Buffer.from(text, "hex")) toy.keep(prune(toy.beam.continuations(byte), 0, Infinity).hypotheses);
  return toy;
}

function vocabularyOf({ tokens, endIds }: ToyModel): Vocabulary {
  return makeVocabulary(
    tokens.map((token, id) =>
      endIds.includes(id)
        ? { bytes: new Uint8Array(), class: TokenClass.end }
        : { bytes: Buffer.from(token, "hex"), class: token === "" ? TokenClass.unused : TokenClass.text },
    ),
  );
}

/** Greedy longest match from the left, null where it gets stuck. */
function canonicalIds({ tokens, endIds }: ToyModel, text: Buffer): number[] | null {
  const ids: number[] = [];
  for (let at = 0; at < text.length; ) {
    let best = -1;
    for (const [id, token] of tokens.entries()) {
      const own = Buffer.from(token, "hex");
      if (own.length === 0 || endIds.includes(id) || !text.subarray(at, at + own.length).equals(own)) continue;
      if (best < 0 || own.length > tokens[best].length / 2) best = id;
    }
    if (best < 0) return null;
    ids.push(best);
    at += tokens[best].length / 2;
  }
  return ids;
}

function nextOf(beam: ByteBeam): Next {
  const values = new Float64Array(BYTE_ENTRIES);
  return beam.hypotheses.length > 0 && beam.next(values) ? named(values) : null;
}

function named(values: Float64Array | null): Next {
  if (values === null) return null;
  const entries = Array.from(
    values.subarray(0, BYTE_ENTRIES),
    (value, entry) => [entry === END ? "end" : hex(entry), value] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value > 0));
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
