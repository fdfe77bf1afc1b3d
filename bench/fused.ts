/**
 * `bench fused`: how much of bare decoding's speed a fused generation keeps.
 *
 * The bound is bare decoding (bare-worker.ts) by the same models, on the same threads, of the very tokens that the
 * members hold in the end, one at a time; in parallel the slowest member's time, in turn the sum. Fused runs and bounds
 * alternate within one run, and only their ratios are reported.
 */

import type { Schedule } from "../src/decoding/schedule.js";
import type { Ensemble } from "../src/ensemble/ensemble.js";
import { BareDecoders, type Decoded, oneByOne } from "./bare.js";
import { fuseUnder, loadSet, METHODS, SCHEDULES, threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { median, spreadOf, sum } from "./statistics.js";
import { recordRun } from "./step-recorder.js";

const ROUNDS = 7;
const FUSED_METHODS = ["unite k=10", "gac"] as const;

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "method", title: "method" },
  { key: "schedule", title: "schedule" },
  { key: "ratio", title: "fused / bound", digits: 3 },
  { key: "ratioWithoutRollback", title: "without roll-back", digits: 3 },
  { key: "boundMs", title: "bound ms/step", digits: 3 },
  { key: "overheadMs", title: "above ms/step", digits: 3 },
  { key: "tokensPerStep", title: "decoded/step" },
  { key: "redecodedPerStep", title: "re-decoded/step" },
  { key: "steps", title: "steps", digits: 0 },
];

export async function benchFused(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("fused", DECODING_SETS, options.sets);
  const machine = machineFacts();
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const loaded = await loadSet(set);
    const bare = await BareDecoders.load(set.models, set.contextSize);
    try {
      for (const schedule of SCHEDULES) {
        for (const method of FUSED_METHODS) {
          options.onProgress?.(`${set.name}, ${method}, ${schedule}`);
          const ensemble = await fuseUnder(loaded, METHODS[method], schedule, threadsFor(set, schedule));
          rows.push({ models: set.name, method, schedule, ...(await measure(ensemble, bare, set, schedule, rounds)) });
        }
      }
    } finally {
      await loaded.dispose();
      await bare.close();
    }
  }
  return {
    name: "fused",
    about: [
      "speed of fused generation divided by its bound: bare decoding of the same tokens with the same models, threads and schedule.",
      '"without roll-back" compares with every decode that the members did, including re-tokenised tokens.',
    ],
    machine,
    settings: { rounds, greedy: true },
    tables: [{ title: "fused generation / bare decoding (1 = no overhead)", columns: COLUMNS, rows }],
    notes,
  };
}

async function measure(
  ensemble: Ensemble,
  bare: BareDecoders,
  set: ModelSet,
  schedule: Schedule,
  rounds: number,
): Promise<Record<string, Cell>> {
  const { prompt, steps } = set;
  const decoded = await decodesOf(ensemble, set);
  const single = decoded.map(oneByOne);
  const { threads } = ensemble.plan;
  const fusedMs: number[] = [];
  const ratios: number[] = [];
  const replayRatios: number[] = [];
  const boundMs: number[] = [];
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const fused = await recordRun(ensemble, { prompt, steps });
    const bound = await bare.measure(single, schedule, threads);
    const replay = await bare.measure(decoded, schedule, threads);
    count = fused.steps.length + 1;
    fusedMs.push(fused.ms / count);
    boundMs.push(bound / count);
    ratios.push(bound / fused.ms);
    replayRatios.push(replay / fused.ms);
  }
  const tokens = sum(decoded.flatMap((member) => member.steps.map((step) => step.tokens.length)));
  const kept = sum(single.map((member) => member.steps.length));
  const members = ensemble.members.length;
  return {
    ratio: spreadOf(ratios),
    ratioWithoutRollback: spreadOf(replayRatios),
    boundMs: spreadOf(boundMs),
    overheadMs: median(fusedMs) - median(boundMs),
    tokensPerStep: tokens / count / members,
    redecodedPerStep: (tokens - kept) / count / members,
    steps: count,
    threads: threads.join("+"),
  };
}

/** Generate once, asking every member after every advance what it has decoded. */
async function decodesOf(ensemble: Ensemble, { prompt, steps }: ModelSet): Promise<Decoded[]> {
  const decoded: Decoded[] = ensemble.members.map(() => ({ prompt: [], steps: [] }));
  await recordRun(ensemble, {
    prompt,
    steps,
    onAdvanced: async (index) => {
      const member = ensemble.members[index];
      const tokens = [...(await member.cachedTokens())];
      const from = tokens.length - member.output.decodedTokens;
      if (decoded[index].steps.length === 0) decoded[index].prompt = tokens.slice(0, from);
      decoded[index].steps.push({ from, tokens: tokens.slice(from) });
    },
  });
  return decoded;
}
