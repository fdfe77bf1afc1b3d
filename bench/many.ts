/** `bench many`: requests that one ensemble answers side by side in slots, against the same requests one after another. */
import { type Ensemble, fuse } from "../src/ensemble/ensemble.js";
import { loadMembers } from "../src/ensemble/members.js";
import { threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { type Spread, spreadOf } from "./statistics.js";

const ROUNDS = 5;
const AT_ONCE = [1, 2, 4, 8, 16];
const STEPS = 48;
const CONTEXT_SIZE = 256;
const SCHEDULE = "in-turn";
const METHOD = "unite";
/** Drawn, so that the answers differ. */
const DRAWN = { temperature: 1, maxTokens: STEPS } as const;

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "atOnce", title: "at once", digits: 0 },
  { key: "turns", title: "one after another, steps/s", digits: 0 },
  { key: "slots", title: "at once, steps/s", digits: 0 },
  { key: "ratio", title: "ratio" },
];

export async function benchMany(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("many", DECODING_SETS, options.sets);
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    for (const atOnce of AT_ONCE) {
      options.onProgress?.(`${set.name}, ${atOnce} at once`);
      rows.push({ models: set.name, atOnce, ...(await measure(set, atOnce, rounds)) });
    }
  }
  return {
    name: "many",
    about: [
      `as many requests as there are slots, ${STEPS} steps each under ${METHOD}, by the same loaded members; members decode ${SCHEDULE}.`,
      "Both ways by turns; steps of all answers together. Medians with quartiles.",
    ],
    machine: machineFacts(),
    settings: { rounds, steps: STEPS, contextSize: CONTEXT_SIZE },
    tables: [{ title: "many requests at once", columns: COLUMNS, rows }],
    notes,
  };
}

async function measure(
  set: ModelSet,
  slots: number,
  rounds: number,
): Promise<Record<"turns" | "slots" | "ratio", Spread>> {
  const threads = threadsFor(set, SCHEDULE);
  const members = await loadMembers({
    members: set.models.map((model, index) => ({ model, contextSize: CONTEXT_SIZE, threads: threads[index] })),
    schedule: SCHEDULE,
    slots,
    gpu: false,
  });
  try {
    const ensemble = await fuse(members, METHOD);
    await together(ensemble, set, slots);
    const turns: number[] = [];
    const side: number[] = [];
    for (let round = 0; round < rounds; round++) {
      turns.push(await oneByOne(ensemble, set, slots));
      side.push(await together(ensemble, set, slots));
    }
    return {
      turns: spreadOf(turns),
      slots: spreadOf(side),
      ratio: spreadOf(side.map((rate, round) => rate / turns[round])),
    };
  } finally {
    await members.dispose();
  }
}

async function oneByOne(ensemble: Ensemble, { prompt }: ModelSet, requests: number): Promise<number> {
  const started = performance.now();
  let steps = 0;
  for (let seed = 0; seed < requests; seed++)
    steps += (await ensemble.generate(prompt, { ...DRAWN, seed })).usage.steps;
  return (1000 * steps) / (performance.now() - started);
}

async function together(ensemble: Ensemble, { prompt }: ModelSet, requests: number): Promise<number> {
  const started = performance.now();
  const asked = Array.from({ length: requests }, (_, seed) => ensemble.generate(prompt, { ...DRAWN, seed }));
  const steps = (await Promise.all(asked)).reduce((sum, { usage }) => sum + usage.steps, 0);
  return (1000 * steps) / (performance.now() - started);
}
