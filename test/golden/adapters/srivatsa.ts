import { majorityRight, samplesOf, weightedVote } from "../../../src/before/fitting/votes.js";
import { clusterMeans } from "../../../src/before/routers/avengers.js";
import { viableModels } from "../../../src/before/routers/srivatsa.js";
import { bestVotingSubset } from "../../../src/before/routers/srivatsa-subsets.js";
import { OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { matrixOf, meanOf, rowOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  /** By query and model. */
  answers: string[][][];
  gold: string[];
  cluster: number[];
}

const THRESHOLDS = [0, 0.3, 0.5, 0.7, 0.9, 0.99];

export const srivatsa: GoldenAdapter = {
  method: "srivatsa",
  // The files have 12 digits.
  tolerance: 1e-11,
  run({ answers, gold, cluster }: Input) {
    const table = tableOf(answers, gold);
    const clusters = Array.from({ length: Math.max(...cluster) + 1 }, (_, index) => index);
    const models = Array.from(table.models.keys());
    const majorityCorrect = answers.map((_, row) => models.map((model) => majorityRight(table, row, model)));
    const rates = clusterMeans(matrixOf(majorityCorrect), Int32Array.from(cluster), clusters.length);
    const byCluster = <Value>(value: (cluster: number) => Value) =>
      Object.fromEntries(clusters.filter((each) => cluster.includes(each)).map((each) => [each, value(each)]));
    const sweep = THRESHOLDS.map((threshold) => {
      const viable = byCluster((each) => viableModels(rowOf(rates, each), threshold));
      const isRight = answers.map((_, row) =>
        Number(
          weightedVote(viable[cluster[row]].map((model) => ({ samples: samplesOf(table, row, model), weight: 1 })))!
            .isRight,
        ),
      );
      const usage = cluster.map((each) => viable[each].length / models.length);
      return { threshold, viable, accuracy: meanOf(isRight), usage: meanOf(usage) };
    });
    const rowsOf = (each: number) => Array.from(cluster.keys()).filter((row) => cluster[row] === each);
    return {
      majorityCorrect,
      bestSet: byCluster((each) => bestVotingSubset(table, rowsOf(each)).members),
      sweep,
    };
  },
};

function tableOf(answers: readonly string[][][], gold: readonly string[]): OutcomeTable {
  const right = answers.map((row, query) => row.map((samples) => samples.map((one) => Number(one === gold[query]))));
  return new OutcomeTable({
    name: "golden",
    models: answers[0].map((_, model) => `model ${model}`),
    queries: gold.map((_, query) => `query ${query}`),
    quality: matrixOf(right.map((row) => row.map((samples) => meanOf(samples)))),
    answers: answers.flat(),
    sampleQuality: right.flat(),
  });
}
