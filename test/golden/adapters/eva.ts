import { ROW_OF_EMBEDDING } from "../../../src/during/alignments/build/relative-rows.js";
import { timesRows } from "../../../src/during/alignments/build/sparse-rows.js";
import { topShares } from "../../../src/during/alignments/similarity/alignment.js";
import { cosinesOf, mapEmbeddings, similarityOf } from "../../../src/during/alignments/similarity/exact.js";
import { Target } from "../../../src/during/alignments/similarity/similar-tokens.js";
import { argmax } from "../../../src/during/combine.js";
import { agreeing, keptWeights, weightedSum } from "../../../src/during/rules/agreeing.js";
import type { GoldenAdapter } from "../adapter.js";

interface Model {
  embeddings: number[][];
  logits: number[];
}

interface Input {
  main: Model;
  auxiliaries: (Model & { dictionary: [number, number][] })[];
  neighbourhood: number;
  keepTop: number;
  threshold: number;
  flatStd: number;
  flatMinCount: number;
  topK: number;
  lambda: number[];
}

export const eva: GoldenAdapter = {
  method: "eva",
  tolerance: 1e-7,
  run(input: Input, output: { drop: Record<string, unknown> }) {
    const { main, auxiliaries, topK, lambda } = input;
    const size = main.logits.length;
    const cosines = auxiliaries.map(({ embeddings, dictionary }) =>
      cosinesOf(mapEmbeddings(embeddings, main.embeddings, dictionary)),
    );
    const matrices = cosines.map((rows) => similarityOf(rows, releasedPlan(input, rows.length)));
    const projected = auxiliaries.map(({ logits }, index) => {
      const vector = new Float64Array(size);
      timesRows(topShares(logits, topK, new Float64Array(logits.length)), matrices[index], vector);
      return vector;
    });
    const mainProbs = topShares(main.logits, topK, new Float64Array(size));
    // The golden's order: the auxiliaries, then the main model.
    const vectors = [...projected, mainProbs];
    const fuse = (weights: readonly number[]) => {
      const fused = new Float64Array(size);
      weightedSum(vectors, weights, fused, size);
      return fused;
    };
    const drop = Object.keys(output.drop).map((n) => {
      const dropKept = agreeing(vectors, size, Number(n));
      const equal = vectors.map(() => 1 / vectors.length);
      const fused = fuse(keptWeights(equal, dropKept));
      return [n, { dropKept, fused, next: argmax(fused, size) }];
    });
    const linear = fuse([...lambda, 1 - lambda.reduce((sum, weight) => sum + weight, 0)]);
    return {
      mappedCosine: cosines,
      similarity: matrices.map(({ rows, offsets, indices, values }) =>
        Array.from({ length: rows }, (_, row) => row).flatMap((row) =>
          Array.from(indices.subarray(offsets[row], offsets[row + 1]), (id, place) => [
            row,
            id,
            values[offsets[row] + place],
          ]),
        ),
      ),
      projected,
      mainProbs,
      drop: Object.fromEntries(drop),
      linear,
      linearNext: argmax(linear, size),
    };
  },
};

/** The first three ids of every model are unknown, beginning and end in the released code. */
function releasedPlan(input: Input, tokens: number) {
  return {
    makes: Int32Array.from({ length: tokens }, (_, id) => (id < 3 ? id : ROW_OF_EMBEDDING)),
    kinds: Uint8Array.from(input.main.logits, (_, id) => (id < 3 ? Target.deleted : Target.candidate)),
    neighbourhood: input.neighbourhood,
    options: {
      keep: input.keepTop,
      threshold: input.threshold,
      flatDeviation: input.flatStd,
      flatCount: input.flatMinCount,
    },
  };
}
