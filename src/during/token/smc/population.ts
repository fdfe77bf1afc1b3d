/**
 * Sequential Monte Carlo over byte strings: N particles, each a text with a weight, grow a byte at a time.
 *
 *     target(x) = f(p_1(x), …, p_n(x)) / Z               p_i(x): that member i says x and ends
 *     proposal(b | x) ∝ f(W_1(xb), …), f(p_1(x), …)      W_i(x): that its output begins with x; b a byte, or the end
 *     weight ← weight · Σ_b f(W(xb)) / f(W(x))           the end among b
 *
 * A particle that has ended keeps its weight. All are drawn anew by their weights (multinomially) when the effective sample
 * size (Σ w)² / Σ w² falls below N / 2 and one has not ended. The weighted texts are a sample of the target, and the product of
 * the mean weights an estimate of Z without bias; both are exact in the limit of many particles, and no step-by-step ensemble
 * is.
 *
 * Source: "Ensembling Language Models with Sequential Monte Carlo", arXiv 2603.05432 (f-ensembles, byte-synchronous).
 */
import { logSumExp } from "../../../statistics.js";
import { logOf, type StringFunction } from "./string-function.js";

/** The entry of the end. */
export const END = 256;

/** A text that particles have, as a place in the tree of all. */
export interface TextNode {
  readonly parent: TextNode | undefined;
  /** Its last byte, or END; −1 at the root. */
  readonly entry: number;
  /** Bytes, and the end. */
  readonly depth: number;
  /** ln W_i; behind the end ln p_i. */
  readonly logs: readonly number[];
  readonly children: Map<number, TextNode>;
}

/** How a text goes on. */
export interface Proposal {
  /** What can come. */
  entries: readonly number[];
  /** Sums of their probabilities from the first on; the last is 1. */
  cumulative: readonly number[];
  /** For each: ln W_i of the text with it. */
  logs: readonly (readonly number[])[];
  /** ln of Σ f(W(xb)) / f(W(x)). */
  logIncrement: number;
}

interface Particle {
  text: TextNode;
  logWeight: number;
}

export function rootText(members: number): TextNode {
  return {
    parent: undefined,
    entry: -1,
    depth: 0,
    logs: Array.from({ length: members }, () => 0),
    children: new Map(),
  };
}

/** `logProbs`: for each entry, ln of each member's probability of it behind the text. */
export function proposalBehind(
  f: StringFunction,
  text: TextNode,
  logProbs: ReadonlyMap<number, readonly number[]>,
): Proposal {
  const found = [...logProbs]
    .map(([entry, own]) => {
      const logs = own.map((value, index) => text.logs[index] + value);
      return { entry, logs, weight: logOf(f, logs) };
    })
    .filter(({ weight }) => weight > Number.NEGATIVE_INFINITY);
  const total = logSumExp(found.map(({ weight }) => weight));
  let sum = 0;
  const cumulative = found.map(({ weight }) => (sum += Math.exp(weight - total)));
  return {
    entries: found.map(({ entry }) => entry),
    cumulative: cumulative.map((value) => value / sum),
    logs: found.map(({ logs }) => logs),
    logIncrement: total - logOf(f, text.logs),
  };
}

export class Population {
  #particles: Particle[];
  #logEvidence = 0;
  /** How often the particles were drawn anew. */
  resamplings = 0;

  constructor(
    count: number,
    root: TextNode,
    private readonly random: () => number,
    /** Bytes at most; a text of so many is complete as it is. */
    private readonly mostBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#particles = Array.from({ length: count }, () => ({ text: root, logWeight: 0 }));
  }

  /** The texts that are not complete, each once. */
  get growing(): TextNode[] {
    const texts = this.#particles.filter((each) => this.#grows(each)).map(({ text }) => text);
    return [...new Set(texts)];
  }

  /** Texts with a weight above 0, and ln of their shares. */
  get sample(): { text: TextNode; logShare: number }[] {
    const total = logSumExp(this.#particles.map(({ logWeight }) => logWeight));
    const weights = new Map<TextNode, number[]>();
    for (const { text, logWeight } of this.#particles) {
      if (logWeight === Number.NEGATIVE_INFINITY) continue;
      const own = weights.get(text);
      if (own === undefined) weights.set(text, [logWeight]);
      else own.push(logWeight);
    }
    return [...weights].map(([text, logs]) => ({ text, logShare: logSumExp(logs) - total }));
  }

  /** ln of the estimate of Z, of the texts so far. */
  get logEvidence(): number {
    return this.#logEvidence + this.#logMean();
  }

  /** Every text that grows takes an entry more. `proposals`: for each of `growing`. */
  step(proposals: ReadonlyMap<TextNode, Proposal>): void {
    for (const particle of this.#particles) {
      if (!this.#grows(particle)) continue;
      const { entries, cumulative, logs, logIncrement } = proposals.get(particle.text)!;
      particle.logWeight += logIncrement;
      if (entries.length === 0) {
        particle.logWeight = Number.NEGATIVE_INFINITY;
        continue;
      }
      const chosen = firstAbove(cumulative, this.random());
      particle.text = childOf(particle.text, entries[chosen], logs[chosen]);
    }
    this.#resample();
  }

  #grows({ text, logWeight }: Particle): boolean {
    return text.entry !== END && text.depth < this.mostBytes && logWeight > Number.NEGATIVE_INFINITY;
  }

  #logMean(): number {
    return logSumExp(this.#particles.map(({ logWeight }) => logWeight)) - Math.log(this.#particles.length);
  }

  #resample(): void {
    const { length } = this.#particles;
    const total = logSumExp(this.#particles.map(({ logWeight }) => logWeight));
    if (total === Number.NEGATIVE_INFINITY || !this.#particles.some((each) => this.#grows(each))) return;
    const shares = this.#particles.map(({ logWeight }) => Math.exp(logWeight - total));
    const size = 1 / shares.reduce((sum, share) => sum + share * share, 0);
    if (size >= length / 2) return;
    this.#logEvidence += total - Math.log(length);
    this.resamplings++;
    let sum = 0;
    const cumulative = shares.map((share) => (sum += share));
    this.#particles = this.#particles.map(() => {
      const drawn = this.random() * sum;
      return { text: this.#particles[firstAbove(cumulative, drawn)].text, logWeight: 0 };
    });
  }
}

function childOf(text: TextNode, entry: number, logs: readonly number[]): TextNode {
  let child = text.children.get(entry);
  if (child === undefined) {
    child = { parent: text, entry, depth: text.depth + 1, logs, children: new Map() };
    text.children.set(entry, child);
  }
  return child;
}

/** The first place with a value above this one, or the last place. */
function firstAbove(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A text's entries in their order, the end included. */
export function entriesOf(text: TextNode): number[] {
  const entries: number[] = [];
  for (let at: TextNode | undefined = text; at !== undefined && at.entry >= 0; at = at.parent) entries.push(at.entry);
  return entries.reverse();
}
