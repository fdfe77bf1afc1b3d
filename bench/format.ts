/** `bench format`: what a step costs more where the answer must have a form, and what reading a form costs. */
import type { Format } from "../src/decoding/format/format.js";
import { type Ensemble, fuse } from "../src/ensemble/ensemble.js";
import { loadMembers } from "../src/ensemble/members.js";
import { METHODS, threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet, VOCABULARY_SETS } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROUNDS = 7;
const SCHEDULE = "in-turn";
/** Drawn, so that free answers take whole distributions as well. */
const DRAWN = { temperature: 1, seed: 1 } as const;
const FORMS: Readonly<Record<string, Format>> = {
  "any text": { regex: "(.|\\n)*" },
  "JSON of texts": { schema: { type: "array", items: { type: "string" }, minItems: 500 } },
};

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "method", title: "method" },
  { key: "form", title: "form" },
  { key: "freeMs", title: "free, ms a step" },
  { key: "formedMs", title: "with the form" },
  { key: "moreMs", title: "more, ms a step" },
  { key: "readMs", title: "reading the form first, ms", digits: 0 },
];

export async function benchFormat(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("format", [...DECODING_SETS, ...VOCABULARY_SETS], options.sets);
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const threads = threadsFor(set, SCHEDULE);
    const { contextSize } = set;
    const members = set.models.map((model, index) => ({ model, contextSize, threads: threads[index] }));
    await using loaded = await loadMembers({ members, schedule: SCHEDULE, gpu: false });
    for (const [method, choice] of Object.entries(METHODS)) {
      const ensemble = await fuse(loaded, choice);
      for (const [form, format] of Object.entries(FORMS)) {
        options.onProgress?.(`${set.name}, ${method}, ${form}`);
        const began = performance.now();
        await ensemble.generate(set.prompt, { ...DRAWN, maxTokens: 1, format });
        const first = performance.now() - began;
        const free: number[] = [];
        const formed: number[] = [];
        for (let round = 0; round < rounds; round++) {
          free.push(await msPerStep(ensemble, set));
          formed.push(await msPerStep(ensemble, set, format));
        }
        rows.push({
          models: set.name,
          method,
          form,
          freeMs: spreadOf(free),
          formedMs: spreadOf(formed),
          moreMs: spreadOf(formed.map((ms, round) => ms - free[round])),
          readMs: first,
        });
      }
    }
  }
  return {
    name: "format",
    about: [
      `drawn answers of the same length, free and with a form, one of each in turn; members decode ${SCHEDULE}.`,
      "The mask is made in a thread of its own while the members decode. A form is read once for the same members; the first of a set starts that thread and reads the vocabularies too. Medians with quartiles.",
    ],
    machine: machineFacts(),
    settings: { rounds },
    tables: [{ title: "a step of an answer that must have a form", columns: COLUMNS, rows }],
    notes,
  };
}

async function msPerStep(ensemble: Ensemble, { prompt, steps }: ModelSet, format?: Format): Promise<number> {
  const { timings } = await ensemble.generate(prompt, { ...DRAWN, maxTokens: steps, format });
  return 1000 / timings.stepsPerSecond;
}
