/**
 * Random forests for yes or no (Breiman 2001), with scikit-learn's defaults: 100 trees grown to pure leaves on bootstrap
 * samples, √p features tried at each split, Gini impurity, splits halfway between neighbouring values. A prediction is the
 * mean of the leaves' shares of yes.
 */
import { RandomGenerator } from "../random.js";
import { drawOrder } from "./draws.js";

export interface ForestOptions {
  /** Default 100. */
  trees?: number;
  /** Features tried at each split. Default: the whole part of √p, at least 1. */
  features?: number;
  /** Default 1. */
  seed?: number;
}

/** A split sends what is at most the threshold to `low`; a leaf has the share of yes. */
type Node = { feature: number; threshold: number; low: Node; high: Node } | { share: number };

export class RandomForest {
  private constructor(private readonly trees: readonly Node[]) {}

  /** rows: at least one, all of one length. */
  static fit(
    rows: readonly ArrayLike<number>[],
    labels: readonly boolean[],
    options: ForestOptions = {},
  ): RandomForest {
    const { trees = 100, seed = 1 } = options;
    const tried = options.features ?? Math.max(1, Math.floor(Math.sqrt(rows[0].length)));
    const random = new RandomGenerator(seed);
    const grown = Array.from({ length: trees }, () => {
      const sample = Array.from(rows, () => Math.floor(random.next() * rows.length));
      return grow(sample, { rows, labels, tried, random });
    });
    return new RandomForest(grown);
  }

  /** P(yes). */
  predict(row: ArrayLike<number>): number {
    return this.trees.reduce((sum, tree) => sum + shareOf(tree, row), 0) / this.trees.length;
  }
}

interface Growing {
  rows: readonly ArrayLike<number>[];
  labels: readonly boolean[];
  tried: number;
  random: RandomGenerator;
}

function shareOf(tree: Node, row: ArrayLike<number>): number {
  let node = tree;
  while ("feature" in node) node = row[node.feature] <= node.threshold ? node.low : node.high;
  return node.share;
}

function grow(sample: readonly number[], growing: Growing): Node {
  const { rows, labels } = growing;
  const yes = sample.filter((index) => labels[index]).length;
  const leaf = { share: yes / sample.length };
  if (yes === 0 || yes === sample.length) return leaf;
  const split = bestSplit(sample, growing);
  if (split === undefined) return leaf;
  const { feature, threshold } = split;
  const [low, high] = [true, false].map((side) => sample.filter((index) => rows[index][feature] <= threshold === side));
  return { feature, threshold, low: grow(low, growing), high: grow(high, growing) };
}

/** Of the features drawn, the split with the least impurity; more are drawn where none of these has two values. */
function bestSplit(sample: readonly number[], { rows, labels, tried, random }: Growing) {
  let best: { feature: number; threshold: number; impurity: number } | undefined;
  for (const [place, feature] of Array.from(drawOrder(random, rows[0].length)).entries()) {
    if (place >= tried && best !== undefined) break;
    const sorted = sample.toSorted((a, b) => rows[a][feature] - rows[b][feature]);
    const total = sample.filter((index) => labels[index]).length;
    let yes = 0;
    for (let count = 1; count < sorted.length; count++) {
      if (labels[sorted[count - 1]]) yes++;
      const [below, above] = [rows[sorted[count - 1]][feature], rows[sorted[count]][feature]];
      if (below === above) continue;
      const impurity = gini(yes, count) + gini(total - yes, sorted.length - count);
      if (best === undefined || impurity < best.impurity) best = { feature, threshold: (below + above) / 2, impurity };
    }
  }
  return best;
}

/** count · 2p(1 − p). */
function gini(yes: number, count: number): number {
  return (2 * yes * (count - yes)) / count;
}
