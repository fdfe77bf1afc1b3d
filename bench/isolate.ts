/** `bench isolate`: what a step costs when members run in processes of their own, against threads. */
import { type Ensemble, fuse } from "../src/ensemble/ensemble.js";
import { loadMembers } from "../src/ensemble/members.js";
import { METHODS, threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet, VOCABULARY_SETS } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROUNDS = 7;
const SCHEDULE = "in-turn";

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "method", title: "method" },
  { key: "threadMs", title: "threads, ms a step" },
  { key: "processMs", title: "processes, ms a step" },
  { key: "ratio", title: "processes / threads" },
];

export async function benchIsolate(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("isolate", [...DECODING_SETS, ...VOCABULARY_SETS], options.sets);
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const kinds = [await loadSet(set, false), await loadSet(set, true)];
    try {
      for (const [name, method] of Object.entries(METHODS)) {
        options.onProgress?.(`${set.name}, ${name}`);
        const ensembles = await Promise.all(kinds.map((members) => fuse(members, method)));
        const times: number[][] = [[], []];
        for (let round = 0; round < rounds; round++) {
          for (const [kind, ensemble] of ensembles.entries()) times[kind].push(await msPerStep(ensemble, set));
        }
        const [threads, processes] = times;
        rows.push({
          models: set.name,
          method: name,
          threadMs: spreadOf(threads),
          processMs: spreadOf(processes),
          ratio: spreadOf(processes.map((ms, round) => ms / threads[round])),
        });
      }
    } finally {
      await Promise.all(kinds.map((members) => members.dispose()));
    }
  }
  return {
    name: "isolate",
    about: [
      `the same answer from members in threads and in processes of their own, one run of each in turn; members decode ${SCHEDULE}.`,
      "Every step copies a member's whole output through a pipe. Medians with quartiles.",
    ],
    machine: machineFacts(),
    settings: { rounds },
    tables: [{ title: "a step of isolated members", columns: COLUMNS, rows }],
    notes,
  };
}

function loadSet(set: ModelSet, isolate: boolean) {
  const threads = threadsFor(set, SCHEDULE);
  const { contextSize } = set;
  const members = set.models.map((model, index) => ({ model, contextSize, threads: threads[index], isolate }));
  return loadMembers({ members, schedule: SCHEDULE, gpu: false });
}

async function msPerStep(ensemble: Ensemble, { prompt, steps }: ModelSet): Promise<number> {
  const { timings } = await ensemble.generate(prompt, { maxTokens: steps });
  return 1000 / timings.stepsPerSecond;
}
