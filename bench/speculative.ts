/** `bench speculative`: greedy answers with speculation against the same answers step by step, by the same ensemble. */
import type { SpeculationReport } from "../src/decoding/speculation.js";
import type { Ensemble } from "../src/ensemble/ensemble.js";
import { fuseUnder, loadSet, METHODS, SCHEDULES, threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf, sum } from "./statistics.js";

const ROUNDS = 7;
const SPECULATED = ["unite k=10", "gac"] as const;

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "text", title: "text" },
  { key: "method", title: "method" },
  { key: "schedule", title: "schedule" },
  { key: "ratio", title: "speculated / step by step", digits: 3 },
  { key: "within", title: "steps within guesses, %", digits: 1 },
  { key: "said", title: "guessed bytes said, %", digits: 1 },
  { key: "same", title: "same texts", digits: 0 },
  { key: "steps", title: "steps", digits: 0 },
];

/** What the answer goes on from: a story as it comes, or a list that repeats what it said. */
const TEXTS = {
  story: (set: ModelSet) => set.prompt,
  repeats: (set: ModelSet) => `${set.prompt} one two three four five six seven. `.repeat(4) + set.prompt,
};

export async function benchSpeculative(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("speculative", DECODING_SETS, options.sets);
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const loaded = await loadSet(set);
    try {
      for (const schedule of SCHEDULES) {
        for (const method of SPECULATED) {
          const ensemble = await fuseUnder(loaded, METHODS[method], schedule, threadsFor(set, schedule));
          for (const [text, promptOf] of Object.entries(TEXTS)) {
            options.onProgress?.(`${set.name}, ${text}, ${method}, ${schedule}`);
            const figures = await measure(ensemble, promptOf(set), set.steps, rounds);
            rows.push({ models: set.name, text, method, schedule, ...figures });
          }
        }
      }
    } finally {
      await loaded.dispose();
    }
  }
  return {
    name: "speculative",
    about: [
      "steps a second with speculation divided by those without, greedy, one answer of each in turn.",
      '"story" is the set\'s own prompt; "repeats" begins with a sentence that stands there four times. Medians with quartiles.',
    ],
    machine: machineFacts(),
    settings: { rounds, greedy: true },
    tables: [{ title: "speculation / step by step (1 = as fast)", columns: COLUMNS, rows }],
    notes,
  };
}

async function measure(
  ensemble: Ensemble,
  prompt: string,
  maxTokens: number,
  rounds: number,
): Promise<Record<string, Cell>> {
  const ratios: number[] = [];
  const reports: SpeculationReport[] = [];
  let same = 0;
  let steps = 0;
  for (let round = 0; round < rounds; round++) {
    const plain = await ensemble.generate(prompt, { maxTokens });
    const fast = await ensemble.generate(prompt, { maxTokens, speculation: "auto" });
    ratios.push(fast.timings.stepsPerSecond / plain.timings.stepsPerSecond);
    reports.push(fast.timings.speculation!);
    if (fast.text === plain.text) same++;
    steps = plain.usage.steps;
  }
  const total = (key: keyof SpeculationReport) => sum(reports.map((report) => report[key]));
  return {
    ratio: spreadOf(ratios),
    within: (100 * total("steps")) / (rounds * Math.max(1, steps)),
    said: (100 * total("saidBytes")) / Math.max(1, total("guessedBytes")),
    same,
    steps,
  };
}
