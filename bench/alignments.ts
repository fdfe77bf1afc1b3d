/** `bench alignments`: what the methods that compare embeddings build beforehand, and what a step of theirs then costs. */
import type { AgreementResult, AlignmentJob, AlignmentResult } from "./alignment-tasks.js";
import { BenchChild } from "./child-process.js";
import { chooseSets, missingAmong, projectPath, scriptCure } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import { missingModels } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";

const VOCABULARIES = projectPath(".cache/vocabularies");
const STEPS = 60;

interface BuildSet {
  name: string;
  method: AlignmentJob["method"];
  /** The main member's first. */
  members: readonly { vocabulary: string; width: number }[];
  anchors?: number;
}

const llama2 = { vocabulary: "llama-spm", width: 4096 };
const phi3 = { vocabulary: "phi-3", width: 3072 };
/** As Llama 3.2 1B, Qwen2 0.5B and Gemma 3 270M are. */
const llama3 = { vocabulary: "llama-bpe", width: 2048 };
const qwen2 = { vocabulary: "qwen2", width: 896 };
const gemma = { vocabulary: "gemma-4", width: 640 };

const BUILDS: readonly BuildSet[] = [
  { name: "two of 32k", method: "deepen", members: [llama2, phi3], anchors: 24_000 },
  { name: "two of 32k, eva", method: "eva", members: [llama2, phi3] },
  { name: "large, 16k anchors", method: "deepen", members: [llama3, qwen2, gemma], anchors: 16_384 },
  { name: "large", method: "deepen", members: [llama3, qwen2, gemma] },
  { name: "large, eva", method: "eva", members: [qwen2, llama3, gemma] },
];

const SHARED = projectPath("../shared/models");
const AGREEMENTS = [
  { name: "agreement, tiny pair", models: [`${SHARED}/tinytales-bpe2048.gguf`, `${SHARED}/stories260k-v512.gguf`] },
  { name: "agreement, native", models: ["wren", "robin"].map((name) => projectPath(`native-models/${name}.gguf`)) },
];
const AGREEMENT_WIDTH = 4096;
const OPENINGS = [
  "Once upon a time",
  "One day,",
  "In the forest",
  "It was raining and",
  "Question: What did",
  "Mom said that",
];
const SUBJECTS = ["a little girl", "the old farmer", "Tom and Lily", "a fox", "the small bird", "a red ball"];
const PROMPTS = OPENINGS.flatMap((opening) => SUBJECTS.map((subject) => `${opening} ${subject}`));
const AGREEMENT_STEPS = 120;

const BUILD_COLUMNS: Column[] = [
  { key: "set", title: "set" },
  { key: "method", title: "method" },
  { key: "vocabularies", title: "vocabularies × width" },
  { key: "anchors", title: "anchors" },
  { key: "seconds", title: "build, s", digits: 0 },
  { key: "processorSeconds", title: "processor, s", digits: 0 },
  { key: "memoryGiB", title: "memory, GiB" },
  { key: "embeddingsGiB", title: "of which embeddings" },
  { key: "msPerStep", title: "step, ms", digits: 1 },
  { key: "processorMsPerStep", title: "of a processor", digits: 1 },
];

const AGREEMENT_COLUMNS: Column[] = [
  { key: "set", title: "set" },
  { key: "anchors", title: "anchors", digits: 0 },
  { key: "steps", title: "steps", digits: 0 },
  { key: "percent", title: "same choice, %", digits: 3 },
  { key: "worst", title: "largest difference of a probability", digits: 4 },
  { key: "sparseMs", title: "sparse, ms" },
  { key: "denseMs", title: "dense, ms" },
  { key: "sparseProcessorMs", title: "sparse, processor ms" },
  { key: "denseProcessorMs", title: "dense, processor ms" },
];

export async function benchAlignments(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const { sets, onProgress } = options;
  const steps = options.rounds ?? STEPS;
  const { sets: chosen, notes } = chooseSets("alignments", [...BUILDS, ...AGREEMENTS], sets, (set) =>
    "models" in set
      ? missingModels(set.models)
      : missingAmong(vocabulariesOf(set), () => scriptCure("extract-vocabularies.ts")),
  );
  const builds: Record<string, Cell>[] = [];
  for (const set of BUILDS.filter((each) => chosen.includes(each))) {
    const { name, method, members, anchors } = set;
    const vocabularies = vocabulariesOf(set);
    onProgress?.(name);
    const widths = members.map(({ width }) => width);
    const result = await inChild<AlignmentResult>((child) =>
      child.call("measureAlignment", { method, vocabularies, widths, anchors, steps }),
    );
    const { tokens, ...measured } = result;
    builds.push({
      set: name,
      method,
      vocabularies: members
        .map(({ vocabulary, width }, index) => `${vocabulary} ${tokens[index]} × ${width}`)
        .join(", "),
      anchors: anchors ?? "all common",
      ...measured,
    });
  }
  const agreements: Record<string, Cell>[] = [];
  for (const { name, models } of AGREEMENTS.filter((each) => chosen.includes(each))) {
    onProgress?.(name);
    const job = { models, width: AGREEMENT_WIDTH, prompts: PROMPTS, steps: AGREEMENT_STEPS };
    const result = await inChild<AgreementResult>((child) => child.call("measureAgreement", job));
    const { same, ...measured } = result;
    agreements.push({ set: name, ...measured, percent: (100 * same) / result.steps });
  }
  return {
    name: "alignments",
    about: [
      "building deepen's relative representations and eva's similarities for real vocabularies with random embeddings of the given widths, each in a new process without a cache;",
      "then whole steps of the method on one core, without decoding, on synthetic logits (normal, with a few shared peaks). Medians [quartiles], and a step's mean processor time.",
      "Memory is the largest resident set of the process, including its random embeddings.",
    ],
    machine: machineFacts(),
    settings: { steps, agreementWidth: AGREEMENT_WIDTH, agreementSteps: AGREEMENT_STEPS, prompts: PROMPTS.length },
    tables: [
      { title: "building, and a step", columns: BUILD_COLUMNS, rows: builds },
      {
        title: `deepen's step on sparse rows compared with dense float64 rows: real models' logits, random embeddings of width ${AGREEMENT_WIDTH}`,
        columns: AGREEMENT_COLUMNS,
        rows: agreements,
      },
    ],
    notes,
  };
}

function vocabulariesOf({ members }: BuildSet): string[] {
  return members.map(({ vocabulary }) => `${VOCABULARIES}/ggml-vocab-${vocabulary}.gguf`);
}

async function inChild<T>(task: (child: BenchChild) => Promise<T>): Promise<T> {
  const child = new BenchChild();
  try {
    return await task(child);
  } finally {
    await child.end();
  }
}
