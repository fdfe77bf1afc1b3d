/**
 * `bench step`: what a fused step costs beside llama.cpp's decoding, in the whole pipeline with real worker threads and
 * real vocabularies, and where it goes.
 */

import type { Schedule } from "../src/decoding/schedule.js";
import type { MethodOptions } from "../src/during/methods.js";
import { castOf } from "../src/ensemble/members.js";
import { fuseUnder, loadSet, METHODS, SCHEDULES, threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, type ModelSet, VOCABULARY_SETS } from "./model-sets.js";
import { PlainStep } from "./plain-step.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { median, spreadOf, sum } from "./statistics.js";
import { recordRun, type StepRecord } from "./step-recorder.js";

const ROUNDS = 7;
/** Steps at the start of a run that are not counted: keys are met for the first time there. */
const WARM_STEPS = 8;

/** The method whose work the plain loops do. */
const WHOLE = "gac, all entries";
const VARIANTS: Record<string, { method: MethodOptions; whole?: boolean }> = {
  ...Object.fromEntries(Object.entries(METHODS).map(([name, method]) => [name, { method }])),
  [WHOLE]: { method: METHODS.gac, whole: true },
};

const COLUMNS: Column[] = [
  { key: "vocabularies", title: "vocabularies" },
  { key: "schedule", title: "schedule" },
  { key: "method", title: "method" },
  { key: "beside", title: "beside decoding, ms", digits: 3 },
  { key: "beyondScan", title: "beyond a scan, ms", digits: 3 },
  { key: "prepare", title: "prepare", digits: 3 },
  { key: "fuse", title: "fuse", digits: 3 },
  { key: "sync", title: "sync", digits: 3 },
  { key: "scan", title: "scan", digits: 3 },
  { key: "decode", title: "decode", digits: 3 },
  { key: "tokensPerStep", title: "decoded/step" },
];

const PLAIN_COLUMNS: Column[] = [
  { key: "vocabularies", title: "vocabularies" },
  { key: "schedule", title: "schedule" },
  { key: "plain", title: "plain loops, ms", digits: 3 },
  { key: "pipeline", title: "pipeline, ms", digits: 3 },
  { key: "ratio", title: "plain / pipeline" },
];

/** Per round, the median step of the run. */
type Rounds = Record<keyof StepRecord | "beside" | "beyondScan" | "scan", number[]>;

export async function benchStep(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("step", VOCABULARY_SETS, options.sets);
  const machine = machineFacts();
  const rows: Record<string, Cell>[] = [];
  const plainRows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const loaded = await loadSet(set);
    const plain = new PlainStep(castOf(loaded).voices.map(({ member }) => member.vocabulary));
    for (const schedule of SCHEDULES) {
      options.onProgress?.(`${set.name}, ${schedule}`);
      const measured = await measure(loaded, plain, set, schedule, rounds);
      for (const [method, values] of Object.entries(measured.methods)) {
        const cells = Object.fromEntries(Object.entries(values).map(([key, each]) => [key, spreadOf(each)]));
        rows.push({
          vocabularies: set.name,
          schedule,
          method,
          ...cells,
          tokensPerStep: median(values.tokens) / set.models.length,
        });
      }
      const pipeline = measured.methods[WHOLE].beside;
      const ratio = spreadOf(measured.plain.map((ms, round) => ms / pipeline[round]));
      plainRows.push({
        vocabularies: set.name,
        schedule,
        plain: spreadOf(measured.plain),
        pipeline: spreadOf(pipeline),
        ratio,
      });
    }
    await loaded.dispose();
  }
  return {
    name: "step",
    about: [
      "milliseconds of a step outside llama.cpp, medians over rounds of the median step [quartiles].",
      "prepare: work in the members' threads; fuse: all work in the coordinator; sync: thread hand-off.",
      "gac: greedy, which needs only the most probable entry; all entries: the full sum, as for sampling.",
      "beyond a scan: minus one pass over the logits for their maximum, measured in the same run.",
    ],
    machine,
    settings: { rounds, warmSteps: WARM_STEPS, greedy: true, threads: 1 },
    tables: [
      { title: "a step without decoding", columns: COLUMNS, rows },
      {
        title:
          "GaC's step with all entries against plain JavaScript loops over typed arrays (without threads, feedback or text)",
        columns: PLAIN_COLUMNS,
        rows: plainRows,
      },
    ],
    notes,
  };
}

async function measure(
  loaded: Awaited<ReturnType<typeof loadSet>>,
  plain: PlainStep,
  set: ModelSet,
  schedule: Schedule,
  rounds: number,
) {
  const together = (times: readonly number[]) => (schedule === "parallel" ? Math.max(...times) : sum(times));
  const methods: Record<string, Rounds> = {};
  const plainMs: number[] = [];
  // One round more than counted: the first one warms the compilers up.
  for (let round = -1; round < rounds; round++) {
    for (const [name, { method, whole }] of Object.entries(VARIANTS)) {
      const ensemble = await fuseUnder(loaded, method, schedule, threadsFor(set, schedule));
      const run = await recordRun(ensemble, { prompt: set.prompt, steps: set.steps, whole });
      const scan = median(Array.from({ length: 20 }, () => together(plain.scan())));
      if (round < 0) continue;
      const steps = run.steps.slice(WARM_STEPS);
      methods[name] ??= emptyRounds();
      const beside = median(steps.map((step) => step.wall - step.decode));
      for (const key of STEP_KEYS) methods[name][key].push(median(steps.map((step) => step[key])));
      methods[name].beside.push(beside);
      methods[name].scan.push(scan);
      methods[name].beyondScan.push(beside - scan);
    }
    const samples = Array.from({ length: 10 }, () => plain.plainGac());
    if (round >= 0) plainMs.push(median(samples.map(({ prepare, fuse }) => together(prepare) + fuse)));
  }
  return { methods, plain: plainMs };
}

const STEP_KEYS = ["wall", "decode", "prepare", "sync", "fuse", "tokens"] as const;

function emptyRounds(): Rounds {
  return { wall: [], decode: [], prepare: [], sync: [], fuse: [], tokens: [], beside: [], beyondScan: [], scan: [] };
}
