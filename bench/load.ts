/** `bench load`: how long an ensemble takes to its first token, and what memory it needs beside the models. */
import { BenchChild } from "./child-process.js";
import type { BareLoadResult, LoadResult } from "./load-tasks.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, VOCABULARY_SETS } from "./model-sets.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROUNDS = 5;

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "loadMs", title: "load, ms", digits: 0 },
  { key: "firstTokenMs", title: "to first token, ms", digits: 0 },
  { key: "bareMs", title: "llama.cpp alone, ms", digits: 0 },
  { key: "ratio", title: "load / alone" },
  { key: "unionMs", title: "union, ms", digits: 1 },
  { key: "unionSize", title: "union entries", digits: 0 },
  { key: "memoryMiB", title: "memory, MiB", digits: 1 },
  { key: "gacMemoryMiB", title: "with gac, MiB", digits: 1 },
  { key: "bareMemoryMiB", title: "llama.cpp alone, MiB", digits: 1 },
];

const MEASURED = [
  "loadMs",
  "firstTokenMs",
  "unionMs",
  "memoryMiB",
  "gacMemoryMiB",
] as const satisfies readonly (keyof LoadResult)[];

export async function benchLoad(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("load", [...DECODING_SETS, ...VOCABULARY_SETS], options.sets);
  const machine = machineFacts();
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    options.onProgress?.(set.name);
    const results: LoadResult[] = [];
    const bare: BareLoadResult[] = [];
    for (let round = 0; round < rounds; round++) {
      results.push(await inChild((child) => child.call("measureLoad", set)));
      bare.push(await inChild((child) => child.call("measureBareLoad", set)));
    }
    rows.push({
      models: set.name,
      ...Object.fromEntries(MEASURED.map((key) => [key, spreadOf(results.map((result) => result[key]))])),
      unionSize: results[0].unionSize,
      bareMs: spreadOf(bare.map(({ ms }) => ms)),
      bareMemoryMiB: spreadOf(bare.map(({ memoryMiB }) => memoryMiB)),
      ratio: spreadOf(results.map(({ loadMs }, round) => loadMs / bare[round].ms)),
    });
  }
  return {
    name: "load",
    about: [
      "every round in a new process, with files in the page cache and a fixed schedule (a measured schedule adds trial steps).",
      "llama.cpp alone: loads models and contexts one after another. Memory: private pages added after llama.cpp was loaded, without key-value caches and mapped model files.",
    ],
    machine,
    settings: { rounds },
    tables: [{ title: "loading an ensemble", columns: COLUMNS, rows }],
    notes,
  };
}

async function inChild<T>(work: (child: BenchChild) => Promise<T>): Promise<T> {
  const child = new BenchChild();
  try {
    return await work(child);
  } finally {
    await child.end();
  }
}
