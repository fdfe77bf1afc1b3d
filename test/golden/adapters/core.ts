import { CoreRule, type CoreScore, type CoreTask } from "../../../src/during/rules/core.js";
import type { GoldenAdapter } from "../adapter.js";
import { softmax } from "./published-model.js";

interface Input {
  task: CoreTask;
  topK: number;
  mainPieces: string[];
  logits: number[][];
  /** For each assistant: the ones of its token map, as [assistant id, main id]. */
  tokenMaps: [number, number][][];
}

const SCORES: Record<string, CoreScore> = {
  "consist-rbf": "rbf",
  "consist-linear": "linear",
  "consist-power": "power",
  "consist-rec": "rec",
  "consist-sig": "sigmoid",
  vanilla: "none",
};

export const core: GoldenAdapter = {
  method: "core",
  tolerance: 1e-9,
  run({ task, topK, mainPieces, logits, tokenMaps }: Input) {
    const size = mainPieces.length;
    const probs = logits.map((own, index) => {
      const top = topSoftmax(own, topK);
      if (index === 0) return top;
      const mapped = new Float64Array(size);
      for (const [from, to] of tokenMaps[index - 1]) mapped[to] += top[from];
      return mapped;
    });
    const members = probs.map((_, index) => index);
    const step = {
      size,
      endEntry: -1,
      distributions: probs,
      bytesOf: (entry: number) => Buffer.from(mainPieces[entry]),
    };
    const variants = Object.entries(SCORES).map(([variant, score]) => {
      const rule = new CoreRule({ score, task, main: 0 });
      const { probabilities, best } = rule.fuse(
        step,
        members.map(() => 1 / members.length),
        members,
      );
      const fused = probabilities.map((probability) => probability * rule.mass);
      const scored = score === "none" ? {} : { tokenScores: rule.scores, modelWeights: rule.weights };
      return [variant, { ...scored, fused, next: best }];
    });
    return { probs, variants: Object.fromEntries(variants) };
  },
};

/** Softmax over the k largest; all others 0. */
function topSoftmax(logits: readonly number[], k: number): Float64Array {
  const least = [...logits].sort((a, b) => b - a)[k - 1];
  return softmax(logits.map((logit) => (logit >= least ? logit : Number.NEGATIVE_INFINITY)));
}
