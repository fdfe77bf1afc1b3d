/** `bench serve`: requests over HTTP against the same answers from the library, and what many at once do to their times. */
import type { ChatMessage } from "../src/decoding/messages.js";
import { nativeModels } from "../src/native-models.js";
import { createEnsemble } from "../src/systems.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";

/** Requests at once, and whether their answers come as events. */
const LEVELS = [
  [1, false],
  [1, true],
  [16, false],
  [16, true],
  [1000, false],
  [1000, true],
] as const;
/** Requests of a level, at least. */
const LEAST = 200;
const MESSAGES: ChatMessage[] = [{ role: "user", content: "What sound does a cow make?" }];
const MAX_TOKENS = 2;
const MIB = 2 ** 20;

const COLUMNS: Column[] = [
  { key: "asked", title: "at once", digits: 0 },
  { key: "form", title: "answers" },
  { key: "requests", title: "requests", digits: 0 },
  { key: "lost", title: "lost", digits: 0 },
  { key: "perSecond", title: "requests/s", digits: 1 },
  { key: "share", title: "of the library's" },
  { key: "median", title: "median, ms", digits: 0 },
  { key: "p95", title: "95 %, ms", digits: 0 },
  { key: "p99", title: "99 %, ms", digits: 0 },
  { key: "memory", title: "memory after, MiB", digits: 0 },
];

export async function benchServe(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const least = options.limit ?? LEAST;
  options.onProgress?.("the library");
  const library = await libraryPerSecond(least);
  // The server's packages are loaded where they are used.
  const { startServer } = await import("../src/server/serve.js");
  const server = await startServer({
    port: 0,
    gpu: false,
    preload: true,
    limits: { waiting: Math.max(...LEVELS.map(([atOnce]) => atOnce)) },
  });
  const rows: Record<string, Cell>[] = [{ form: "the library", requests: least, perSecond: library, share: 1 }];
  try {
    await ask(server.address, false);
    for (const [atOnce, stream] of LEVELS) {
      options.onProgress?.(`${atOnce} at once${stream ? ", events" : ""}`);
      rows.push(await measure(server.address, atOnce, Math.max(least, atOnce), stream, library));
    }
  } finally {
    await server.close();
  }
  return {
    name: "serve",
    about: [
      `answers of ${MAX_TOKENS} steps by the native experts under unite, over HTTP on loopback, asked by the same process.`,
      "One request is answered at a time, so the time of many at once is the time in the queue.",
    ],
    machine: machineFacts(),
    settings: { least, maxTokens: MAX_TOKENS },
    tables: [{ title: "the server under load", columns: COLUMNS, rows }],
    notes: [],
  };
}

async function libraryPerSecond(requests: number): Promise<number> {
  const members = nativeModels().map(({ name, path: model }) => ({ name, model }));
  await using ensemble = await createEnsemble({ members, gpu: false });
  await ensemble.generate(MESSAGES, { maxTokens: MAX_TOKENS });
  const started = performance.now();
  for (let request = 0; request < requests; request++) await ensemble.generate(MESSAGES, { maxTokens: MAX_TOKENS });
  return (1000 * requests) / (performance.now() - started);
}

/** Milliseconds; undefined where there was no answer. */
async function ask(address: string, stream: boolean): Promise<number | undefined> {
  const started = performance.now();
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "llamafuse/native", messages: MESSAGES, max_tokens: MAX_TOKENS, stream }),
  });
  const text = await response.text();
  const isWhole = response.status === 200 && (!stream || text.endsWith("data: [DONE]\n\n"));
  return isWhole ? performance.now() - started : undefined;
}

async function measure(
  address: string,
  atOnce: number,
  requests: number,
  stream: boolean,
  library: number,
): Promise<Record<string, Cell>> {
  const times: number[] = [];
  let next = 0;
  const started = performance.now();
  const askNext = async () => {
    while (next++ < requests) {
      const ms = await ask(address, stream).catch(() => undefined);
      if (ms !== undefined) times.push(ms);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, askNext));
  const perSecond = (1000 * times.length) / (performance.now() - started);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? null;
  return {
    asked: atOnce,
    form: stream ? "events" : "whole",
    requests,
    lost: requests - times.length,
    perSecond,
    share: perSecond / library,
    median: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    memory: process.memoryUsage.rss() / MIB,
  };
}
