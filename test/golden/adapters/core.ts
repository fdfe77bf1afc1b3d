import { CoreRule, type CoreScore, type CoreTask } from "../../../src/during/rules/core.js";
import { ReleasedSpace } from "../../../src/during/token/core/released.js";
import type { GoldenAdapter } from "../adapter.js";

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
    const space = new ReleasedSpace(size, [undefined, ...tokenMaps]);
    const probs = logits.map((own, index) => {
      const values = new Float64Array(size);
      space.fill(index, topOf(own, topK), values);
      return values;
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

/** What a member reports: its k best tokens and those that equal the last of them. */
function topOf(logits: readonly number[], k: number) {
  const least = [...logits].sort((a, b) => b - a)[k - 1];
  const ids = logits.map((_, id) => id).filter((id) => logits[id] >= least);
  return { ids, logits: ids.map((id) => logits[id]), count: ids.length };
}
