import { relativeRow } from "../../../src/during/alignments/build/relative-rows.js";
import { keepAll } from "../../../src/during/alignments/build/sparse-rows.js";
import { InverseSearch } from "../../../src/during/alignments/relative/inverse-search.js";
import { RowOperator } from "../../../src/during/alignments/relative/row-operator.js";
import { isSkipped } from "../../../src/during/alignments/relative/run.js";
import { argmax } from "../../../src/during/combine.js";
import { MeanRule } from "../../../src/during/rules/mean.js";
import type { GoldenAdapter } from "../adapter.js";
import { softmax } from "./published-model.js";

interface Model {
  embeddings: number[][];
  /** Ids of the shared tokens. */
  anchors: number[];
  logits: number[];
  weight: number;
}

interface Input {
  learningRate: number;
  steps: number;
  eosId: number;
  /** The first is the main model. */
  models: Model[];
}

export const deepen: GoldenAdapter = {
  method: "deepen",
  tolerance: 1e-7,
  run({ learningRate, steps, eosId, models }: Input, { relativeRows }: { relativeRows: number[][] }) {
    const relative = models.map(({ embeddings, anchors }) => {
      const directions = anchors.map((id) => embeddings[id]);
      return embeddings.map((row) => relativeRow(row, directions));
    });
    const matrices = relative.map((rows) => new RowOperator(keepAll(rows)));
    const [main] = models;
    const size = main.anchors.length;
    const distributions = models.map(({ logits }, index) => {
      const relativeShares = new Float64Array(size);
      matrices[index].times(softmax(logits), relativeShares);
      return relativeShares;
    });
    const weights = models.map(({ weight }) => weight);
    const step = { size, endEntry: -1, distributions, bytesOf: () => new Uint8Array() };
    const target = new MeanRule().fuse(step, weights).probabilities;
    const search = new InverseSearch(matrices[0], { learningRate, steps, weightDecay: 0.01 });
    search.logits.set(main.logits);
    const skipped = isSkipped(learningRate, argmax(main.logits, main.logits.length) === eosId);
    if (!skipped) search.search(target);
    return {
      skipped,
      // Of large vocabularies the golden lists a few rows.
      relativeRows,
      relative: relativeRows.map((listed, model) => listed.map((row) => relative[model][row])),
      target,
      outLogits: search.logits,
      next: argmax(search.logits, search.logits.length),
    };
  },
};
