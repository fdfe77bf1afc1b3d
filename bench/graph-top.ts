/**
 * `bench graph-top`: the k best logits chosen inside llama.cpp's compute graph (llama_set_sampler with a top-k sampler, only
 * k values leave the device) against what a member does: copy all logits, then search them on the CPU.
 */

import { loadKernels } from "../src/kernels/kernels.js";
import type { Pointer } from "../src/llama/bindings.js";
import { LlamaContext } from "../src/llama/context.js";
import koffi from "../src/llama/koffi.js";
import { type Llama, loadLlama } from "../src/llama/library.js";
import { LlamaModel } from "../src/llama/model.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, VOCABULARY_SETS } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { median, spreadOf } from "./statistics.js";

const ROUNDS = 7;
const STEPS = 40;
const WARM_STEPS = 8;
const DEPTHS = [10, 100];

const COLUMNS: Column[] = [
  { key: "model", title: "model" },
  { key: "entries", title: "tokens", digits: 0 },
  { key: "k", title: "k", digits: 0 },
  { key: "copied", title: "all logits copied, ms", digits: 3 },
  { key: "inGraph", title: "chosen in the graph, ms", digits: 3 },
  { key: "ratio", title: "in the graph / copied", digits: 3 },
];

export async function benchGraphTop(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const all = [...VOCABULARY_SETS, ...DECODING_SETS.filter(({ large }) => large)];
  const { sets, notes } = chooseModelSets("graph-top", all, options.sets);
  const llama = loadLlama();
  const samplers = bindSamplers(llama);
  const rows: Record<string, Cell>[] = [];
  for (const file of new Set(sets.flatMap(({ models }) => models))) {
    const model = LlamaModel.load(llama, file);
    for (const k of DEPTHS) {
      options.onProgress?.(`${file}, k = ${k}`);
      rows.push({
        model: nameOf(file),
        entries: model.tokenizer.vocabulary.size,
        k,
        ...compare(model, samplers, k, rounds),
      });
    }
    model.free();
  }
  return {
    name: "graph-top",
    about: [
      `one decode and its k best logits, ${STEPS} steps a round, both ways in turn; the k best are the same tokens both ways.`,
      "A method that looks strings up in all logits, or needs their normaliser, needs the copy in any case. Medians with quartiles.",
    ],
    machine: machineFacts(),
    settings: { rounds, steps: STEPS, gpu: llama.files.gpu },
    tables: [{ title: "one decode with its k best", columns: COLUMNS, rows }],
    notes,
  };
}

function compare(model: LlamaModel, samplers: Samplers, k: number, rounds: number): Record<string, Cell> {
  const chain = samplers.topK(k);
  const [plain, chosen] = [0, 1].map(() => new LlamaContext(model, { contextSize: 2 * STEPS }));
  if (!samplers.attach(chosen.pointer, 0, chain)) throw new Error("llama.cpp cannot choose on this device.");
  const search = searchIn(model.tokenizer.vocabulary.size, k);
  const times: Record<"copied" | "inGraph", number[]> = { copied: [], inGraph: [] };
  try {
    for (let round = 0; round < rounds; round++) {
      const copied = steps(plain, () => search(plain.logits()));
      const inGraph = steps(chosen, () => samplers.candidates(chosen.pointer));
      checkSame(copied.found, inGraph.found);
      times.copied.push(median(copied.ms));
      times.inGraph.push(median(inGraph.ms));
    }
  } finally {
    for (const context of [plain, chosen]) context.free();
    samplers.free(chain);
  }
  const ratio = spreadOf(times.inGraph.map((ms, round) => ms / times.copied[round]));
  return { copied: spreadOf(times.copied), inGraph: spreadOf(times.inGraph), ratio };
}

/** Decode a fixed line of tokens one by one; what `read` finds behind each, and how long both took. */
function steps(context: LlamaContext, read: () => Int32Array): { ms: number[]; found: number[][] } {
  context.clear();
  const ms: number[] = [];
  const found: number[][] = [];
  for (let step = 0; step < STEPS; step++) {
    const started = performance.now();
    context.decode(Int32Array.of(300 + step), step);
    const ids = read();
    if (step >= WARM_STEPS) ms.push(performance.now() - started);
    found.push([...ids]);
  }
  return { ms, found };
}

/** The search of a member that needs no normaliser: copy, check, top k. */
function searchIn(size: number, k: number): (logits: Float32Array) => Int32Array {
  const kernels = loadKernels();
  const { shared } = kernels;
  const [at, ids, values] = [shared.allocate(4 * size), shared.allocate(4 * k), shared.allocate(4 * k)];
  const view = shared.float32(at, size);
  const found = shared.int32(ids, k);
  return (logits) => {
    view.set(logits);
    kernels.maximum(at, size);
    kernels.top(at, size, k, ids, values);
    return found;
  };
}

/** llama.cpp says the k best in no order. */
function checkSame(copied: readonly number[][], inGraph: readonly number[][]): void {
  const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b).join(" ");
  for (const [step, ids] of copied.entries()) {
    if (sorted(ids) === sorted(inGraph[step])) continue;
    throw new Error(`Step ${step}: the graph chose other tokens than the search: ${inGraph[step]} for ${ids}.`);
  }
}

type Samplers = ReturnType<typeof bindSamplers>;

function bindSamplers({ files }: Llama) {
  const library = koffi.load(files.llama);
  const params = koffi.struct({ no_perf: "bool" });
  const initChain = library.func("llama_sampler_chain_init", "void *", [params]);
  const initTop = library.func("llama_sampler_init_top_k", "void *", ["int32_t"]);
  const add = library.func("llama_sampler_chain_add", "void", ["void *", "void *"]);
  const free = library.func("llama_sampler_free", "void", ["void *"]);
  const attach = library.func("llama_set_sampler", "bool", ["void *", "int32_t", "void *"]);
  const idsAt = library.func("llama_get_sampled_candidates_ith", "void *", ["void *", "int32_t"]);
  const logitsAt = library.func("llama_get_sampled_logits_ith", "void *", ["void *", "int32_t"]);
  const count = library.func("llama_get_sampled_candidates_count_ith", "uint32_t", ["void *", "int32_t"]);
  return {
    topK(k: number): Pointer {
      const chain: Pointer = initChain({ no_perf: true });
      add(chain, initTop(k));
      return chain;
    },
    attach: (context: Pointer, sequence: number, chain: Pointer): boolean => attach(context, sequence, chain),
    /** The ids; their logits are read as a member would. */
    candidates(context: Pointer): Int32Array {
      const length: number = count(context, -1);
      koffi.view(logitsAt(context, -1), 4 * length);
      return new Int32Array(koffi.view(idsAt(context, -1), 4 * length));
    },
    free: (chain: Pointer): void => free(chain),
  };
}

const nameOf = (file: string) => file.slice(file.lastIndexOf("/") + 1, -".gguf".length);
