/**
 * `bench speed`: how fast a user's own models answer, each alone and fused by each method, and what memory they take.
 *
 * Each member alone is loaded by itself, with the threads that suit it alone; then all are loaded together, and the
 * methods take turns, round after round, so that what else the machine does meets all of them alike. The first round is
 * not counted: it reads the model files and warms caches.
 */
import { statSync } from "node:fs";
import { type MethodOptions, methodNamed } from "../src/during/methods.js";
import type { Ensemble } from "../src/ensemble/ensemble.js";
import { checkLoadOptions } from "../src/ensemble/load-options.js";
import { loadMembers } from "../src/ensemble/members.js";
import { LlamafuseError } from "../src/errors.js";
import { titleOf } from "../src/evaluation/contenders.js";
import type { Gpu } from "../src/llama/find-library.js";
import { loadLlama } from "../src/llama/library.js";
import type { MemberOptions } from "../src/member/member-options.js";
import { nativeModels } from "../src/native-models.js";
import { createEnsemble } from "../src/systems.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { median, rangeOf, type Spread } from "./statistics.js";

/** What `bench speed` measures beside the options of every bench. */
export interface SpeedOptions extends BenchOptions {
  /** Default: the native experts. */
  members?: readonly MemberOptions[];
  /** Default: unite and gac. */
  methods?: readonly MethodOptions[];
  /** Default: a beginning that any model continues. */
  prompt?: string;
  /** Asked as a user, in each member's chat template. Default false. */
  chat?: boolean;
  /** Tokens of one answer at most. Default 64. */
  maxTokens?: number;
  gpu?: Gpu;
}

const ROUNDS = 5;
const MAX_TOKENS = 64;
const PROMPT = "Once upon a time";
const METHODS: readonly MethodOptions[] = [{ name: "unite" }, { name: "gac" }];
/** Fewer tokens say little about a speed. */
const FEW_TOKENS = 8;
/** A range wider than this share of the median makes small differences meaningless. */
const NOISY = 0.25;
const MIB = 2 ** 20;

const COLUMNS: Column[] = [
  { key: "who", title: "who answers" },
  { key: "firstTokenMs", title: "first token, ms", digits: 1 },
  { key: "tokensPerSecond", title: "tokens/s", digits: 1 },
  { key: "tokens", title: "tokens", digits: 0 },
  { key: "schedule", title: "schedule, threads" },
  { key: "loadMs", title: "load, ms", digits: 0 },
  { key: "fileMiB", title: "files, MiB", digits: 1 },
  { key: "memoryMiB", title: "memory, MiB", digits: 1 },
];

/** One answer: milliseconds to its first token, and the rate of those behind it. */
interface Run {
  firstTokenMs: number;
  tokensPerSecond: number;
  tokens: number;
}

/** Errors: those of `createEnsemble`; invalid-option for rounds below 1. */
export async function benchSpeed(options: SpeedOptions): Promise<Omit<BenchReport, "command">> {
  const { rounds = ROUNDS, prompt = PROMPT, chat = false, maxTokens = MAX_TOKENS } = options;
  const members = options.members ?? nativeModels().map(({ name, path }) => ({ name, model: path }));
  const methods = options.methods ?? METHODS;
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    const message = `rounds is ${rounds}; allowed is an integer of at least 1.`;
    throw new LlamafuseError("invalid-option", message, { option: "rounds", found: rounds, allowed: ">= 1" });
  }
  // What can be known to be wrong is said before the first model is loaded.
  checkLoadOptions({ members, gpu: options.gpu }, "bench speed");
  for (const method of methods) methodNamed(method);
  loadLlama({ gpu: options.gpu });
  const measured = new Measured(options, { prompt, chat, maxTokens, rounds });
  for (const member of members) await measured.alone(member);
  if (members.length > 1) await measured.together(members, methods);
  const { rows, notes } = measured;
  return {
    name: "speed",
    about: [
      `${rounds} rounds of up to ${maxTokens} greedy tokens after an uncounted first round; medians with [smallest largest].`,
      "First token: time from the request to the first token, including the prompt. Tokens/s: speed of the tokens after it.",
      "Memory: growth of the process, including mapped model files, without GPU memory.",
    ],
    machine: machineFacts(),
    settings: { rounds, maxTokens, chat, prompt: prompt.slice(0, 200) },
    tables: [{ title: "alone and fused", columns: COLUMNS, rows }],
    notes,
  };
}

type Asked = Required<Pick<SpeedOptions, "prompt" | "chat" | "maxTokens" | "rounds">>;

class Measured {
  readonly rows: Record<string, Cell>[] = [];
  readonly notes: string[] = [];

  constructor(
    private readonly options: SpeedOptions,
    private readonly asked: Asked,
  ) {}

  async alone(member: MemberOptions): Promise<void> {
    const { gpu, onProgress } = this.options;
    const before = residentBytes();
    const started = performance.now();
    const ensemble = await createEnsemble({ members: [member], method: "single", gpu });
    const loadMs = performance.now() - started;
    const [{ name }] = ensemble.members;
    try {
      const runs: Run[] = [];
      for (let round = -1; round < this.asked.rounds; round++) {
        onProgress?.(`${name} alone, round ${round + 1} of ${this.asked.rounds}`);
        const run = await this.#answer(ensemble);
        if (round >= 0) runs.push(run);
      }
      const memoryMiB = (residentBytes() - before) / MIB;
      this.#addRow(`${name} alone`, ensemble, runs, { loadMs, fileMiB: fileBytes([member]) / MIB, memoryMiB });
    } finally {
      await ensemble.dispose();
    }
  }

  async together(given: readonly MemberOptions[], methods: readonly MethodOptions[]): Promise<void> {
    const { gpu, onProgress } = this.options;
    const before = residentBytes();
    const started = performance.now();
    const members = await loadMembers({ members: given, gpu });
    const loadMs = performance.now() - started;
    try {
      const contenders: { title: string; ensemble: Ensemble; runs: Run[] }[] = [];
      for (const method of methods) {
        const title = titleOf(method);
        onProgress?.(`${title}, getting ready`);
        try {
          contenders.push({ title, ensemble: await createEnsemble({ members, method }), runs: [] });
        } catch (error) {
          if (!(error instanceof LlamafuseError) || this.options.methods !== undefined) throw error;
          this.notes.push(`${title} left out: ${error.message}`);
        }
      }
      for (let round = -1; round < this.asked.rounds; round++) {
        for (const { title, ensemble, runs } of contenders) {
          onProgress?.(`${title}, round ${round + 1} of ${this.asked.rounds}`);
          const run = await this.#answer(ensemble);
          if (round >= 0) runs.push(run);
        }
      }
      const memoryMiB = (residentBytes() - before) / MIB;
      for (const { title, ensemble, runs } of contenders) {
        this.#addRow(title, ensemble, runs, { loadMs, fileMiB: fileBytes(given) / MIB, memoryMiB });
      }
    } finally {
      await members.dispose();
    }
  }

  async #answer(ensemble: Ensemble): Promise<Run> {
    const { prompt, chat, maxTokens } = this.asked;
    const stream = ensemble.stream(chat ? [{ role: "user", content: prompt }] : prompt, { maxTokens, trace: false });
    const started = performance.now();
    let first: number | undefined;
    for (;;) {
      const next = await stream.next();
      first ??= performance.now();
      if (!next.done) continue;
      const { steps } = next.value.usage;
      const seconds = (performance.now() - first) / 1000;
      return {
        firstTokenMs: first - started,
        tokensPerSecond: steps > 1 ? (steps - 1) / seconds : Number.NaN,
        tokens: steps,
      };
    }
  }

  #addRow(who: string, { plan }: Ensemble, runs: readonly Run[], facts: Record<string, number>): void {
    const rates = runs.map(({ tokensPerSecond }) => tokensPerSecond).filter((rate) => !Number.isNaN(rate));
    const tokensPerSecond = rates.length > 0 ? rangeOf(rates) : null;
    const tokens = median(runs.map((run) => run.tokens));
    const schedule = plan.threads.length > 1 ? `${plan.schedule} ${plan.threads.join("+")}` : plan.threads.join();
    const firstTokenMs = rangeOf(runs.map((run) => run.firstTokenMs));
    this.rows.push({ who, firstTokenMs, tokensPerSecond, tokens, schedule, ...facts });
    if (tokens < FEW_TOKENS) {
      this.notes.push(`${who} ended after ${tokens} tokens, too few for a speed: give another --prompt.`);
    } else if (tokensPerSecond !== null && isNoisy(tokensPerSecond)) {
      this.notes.push(
        `${who}: the rounds differ by more than ${100 * NOISY} %; smaller differences mean nothing here.`,
      );
    }
  }
}

function isNoisy({ median, low, high }: Spread): boolean {
  return high - low > NOISY * median;
}

function fileBytes(members: readonly MemberOptions[]): number {
  return members.reduce((sum, { model }) => sum + (statSync(model, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function residentBytes(): number {
  return process.memoryUsage.rss();
}
