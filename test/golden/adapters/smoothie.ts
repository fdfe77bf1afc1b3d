import { nearestRows, voterErrors } from "../../../src/after/select/methods/smoothie.js";
import { argmax, matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  embeddings: number[][][];
  inputEmbeddings: number[][];
  k: number;
}

function fitted(samples: number[][][]) {
  const { errors, weights } = voterErrors(samples);
  return {
    error: errors,
    theta: weights,
    argmaxTheta: argmax(weights),
    argminError: argmax(errors.map((error) => -error)),
  };
}

export const smoothie: GoldenAdapter = {
  method: "smoothie",
  tolerance: 1e-9,
  run({ embeddings, inputEmbeddings, k }: Input) {
    const points = matrixOf(inputEmbeddings);
    const local = inputEmbeddings.map((input) => {
      const neighbours = nearestRows(points, input, k).sort((a, b) => a - b);
      return { neighbours, ...fitted(neighbours.map((row) => embeddings[row])) };
    });
    return { global: fitted(embeddings), local };
  },
};
