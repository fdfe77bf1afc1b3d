import {
  CachingStrategy,
  type CachingStrategyName,
  COMMITTEE,
} from "../../../src/after/cascade/search/caching-strategy.js";
import { entropyOf, marginOf } from "../../../src/after/cascade/signals/class-confidence.js";
import { softmax } from "../../../src/learning/softmax-regression.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  strategy: string;
  h: number;
  budget: number;
  costPerCall: number;
  nInit: number;
  retrainFreq: number;
  /** [version][query][class] */
  logits: number[][][];
  streamLength: number;
  embeddings?: number[][];
  uniforms?: number[];
}

const NAMES: Record<string, CachingStrategyName> = {
  b1: "b1",
  b2: "b2",
  EN: "entropy",
  BT: "margin",
  MV: "committee",
  CS: "coreset",
};

export const neuralCaching: GoldenAdapter = {
  method: "neural-caching",
  tolerance: 1e-9,
  run({ strategy, h, budget, costPerCall, nInit, retrainFreq, logits, streamLength, embeddings, uniforms }: Input) {
    const caching = new CachingStrategy({
      strategy: NAMES[strategy],
      threshold: h,
      budget,
      costPerCall,
      streamLength,
      first: nInit,
      compat: true,
    });
    const calls: number[] = [];
    const remaining: number[] = [];
    const students: ArrayLike<number>[] = [];
    for (let query = 0; query < streamLength; query++) {
      const version = Math.min(logits.length - 1, Math.floor(query / retrainFreq));
      const committee = Array.from({ length: Math.min(COMMITTEE, version + 1) }, (_, back) => {
        const snapshot = logits[version - back];
        return snapshot[Math.min(query, snapshot.length - 1)];
      }).reverse();
      students.push(committee.at(-1)!);
      const asked = caching.ask({
        logits: committee,
        embedding: embeddings?.[query],
        draw: () => uniforms![query],
      });
      calls.push(Number(asked));
      remaining.push(caching.remaining);
    }
    return {
      calls,
      remaining,
      entropy: strategy === "EN" ? students.map((each) => entropyOf(softmax(each))) : null,
      margin: strategy === "BT" ? students.map(marginOf) : null,
      numCached: caching.calls,
    };
  },
};
