/** `bench peer`: tokens per second against the same fusion written with node-llama-cpp's public API (peer-fusion.ts). */
import { BenchChild } from "./child-process.js";
import { threadsFor } from "./ensembles.js";
import { machineFacts } from "./machine.js";
import { chooseModelSets, DECODING_SETS, type ModelSet } from "./model-sets.js";
import type { PeerMethod, PeerRun } from "./peer-fusion.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROUNDS = 3;
/** A run ends after so many milliseconds, however few its steps: too many threads can make one step take seconds. */
const MAX_MS = 5_000;
const PEER_METHODS: readonly PeerMethod[] = ["unite k=10", "gac"];

const COLUMNS: Column[] = [
  { key: "models", title: "models" },
  { key: "method", title: "method" },
  { key: "threads", title: "threads" },
  { key: "ratio", title: "ours / peer" },
  { key: "ours", title: "ours, steps/s", digits: 1 },
  { key: "peer", title: "peer, steps/s", digits: 1 },
  { key: "sameText", title: "same text" },
];

export async function benchPeer(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const { sets, notes } = chooseModelSets("peer", DECODING_SETS, options.sets);
  const machine = machineFacts();
  const rows: Record<string, Cell>[] = [];
  for (const set of sets) {
    const threads = threadsFor(set, "parallel")[0];
    rows.push(...(await compare(set, threads, rounds, options)), ...(await compare(set, undefined, rounds, options)));
  }
  return {
    name: "peer",
    about: [
      "fused steps per second, ours over node-llama-cpp 3.21.1 (above 1: ours is faster). Each side runs in its own process, and the sides take turns.",
      "The API returns all probabilities of a step or none, so the peer fetches all.",
    ],
    machine,
    settings: { rounds, greedy: true },
    tables: [{ title: "fused steps per second", columns: COLUMNS, rows }],
    notes,
  };
}

async function compare(
  set: ModelSet,
  threads: number | undefined,
  rounds: number,
  options: BenchOptions,
): Promise<Record<string, Cell>[]> {
  const ours = new BenchChild();
  const peer = new BenchChild();
  try {
    const start = { models: set.models, contextSize: set.contextSize, threads };
    const plan = await ours.call("openOurs", start);
    await peer.call("openPeer", start);
    const rows: Record<string, Cell>[] = [];
    for (const method of PEER_METHODS) {
      options.onProgress?.(
        `${set.name}, ${method}, ${threads === undefined ? "default threads" : `${threads} thread(s)`}`,
      );
      const job = { method, prompt: set.prompt, steps: set.steps, maxMs: MAX_MS };
      const runs: { ours: PeerRun; peer: PeerRun }[] = [];
      for (let round = -1; round < rounds; round++) {
        const run = { ours: await ours.call("runOurs", job), peer: await peer.call("runPeer", job) };
        if (round >= 0) runs.push(run);
      }
      rows.push({
        models: set.name,
        method,
        label: threads === undefined ? "defaults" : "same threads",
        threads: threads === undefined ? `defaults (ours ${plan})` : `${threads} each`,
        ratio: spreadOf(runs.map((run) => stepsPerSecond(run.ours) / stepsPerSecond(run.peer))),
        ours: spreadOf(runs.map((run) => stepsPerSecond(run.ours))),
        peer: spreadOf(runs.map((run) => stepsPerSecond(run.peer))),
        sameText: runs.every((run) => run.ours.text === run.peer.text) ? "yes" : "no",
      });
    }
    return rows;
  } finally {
    await Promise.all([ours.end(), peer.end()]);
  }
}

function stepsPerSecond({ steps, ms }: PeerRun): number {
  return (1000 * steps) / ms;
}
