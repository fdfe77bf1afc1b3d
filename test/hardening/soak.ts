/**
 * Fused requests of all kinds at once on the same loaded models, with cancels, readers that leave, disposals, faults and
 * bad requests among them: every answer equals that of the same request alone, and what was cancelled is its beginning.
 *
 * By hand, in as many pieces as one likes: `npx tsx test/hardening/soak.ts --count 2000 --seed 1`. The figures of all
 * pieces are summed in bench/results/soak.json.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import {
  createEnsemble,
  type Ensemble,
  type GenerateOptions,
  type GenerateResult,
  LlamafuseError,
  loadMembers,
  type Members,
  type MethodOptions,
} from "../../src/index.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import { RandomGenerator } from "../../src/random.js";
import { addToResults, pieceOptions } from "./results.js";

export interface SoakReport {
  seed: number;
  requests: number;
  /** How many ended how. */
  outcomes: Record<string, number>;
  methods: Record<string, number>;
  /** Answers that differ from those of the same request alone. */
  differences: string[];
  rawErrors: string[];
  reloads: number;
  /** Above what the process held after the first hundred requests. */
  largestGrowthMiB: number;
  seconds: number;
}

const METHODS: readonly MethodOptions[] = [
  { name: "unite" },
  { name: "gac" },
  { name: "gac", gate: "threshold", threshold: 0.6 },
  { name: "product" },
  { name: "core" },
  { name: "safe" },
  { name: "abe" },
  { name: "me" },
  { name: "packllm" },
];
const PROMPTS = ["Once upon a time", "the cat", "12 + 7 =", "é, 中 and 😀", "A long beginning ".repeat(6)];
/** Distinct requests: each is asked alone once, to compare with. */
const SPECS = 60;

interface Spec {
  key: string;
  method: MethodOptions;
  members: readonly string[];
  prompt: string;
  options: GenerateOptions;
}

type Pick = (count: number) => number;

export async function soak({ count, seed }: { count: number; seed: number }): Promise<SoakReport> {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-soak-"));
  const run = new Soak(folder, seed);
  try {
    return await run.all(count);
  } finally {
    await run.dispose();
    rmSync(folder, { recursive: true });
  }
}

class Soak {
  readonly #report: SoakReport;
  readonly #pick: Pick;
  readonly #specs: Spec[];
  /** Spec → what it answers alone. */
  readonly #alone = new Map<string, string>();
  readonly #models: readonly { model: string; name: string }[];
  #members!: Members;
  readonly #ensembles = new Map<string, Ensemble>();

  constructor(folder: string, seed: number) {
    const random = new RandomGenerator(seed);
    this.#pick = (count) => Math.floor(random.next() * count);
    this.#models = (["spm", "bpe", "spm"] as const).map((tokenizer, index) => {
      const shapes = { vocabularySize: 290 + 10 * index, dim: 16, heads: 2, contextLength: 192, seed: index + 1 };
      const [model] = writeTinyModel(path.join(folder, `${index}.gguf`), { ...shapes, tokenizer });
      return { model, name: `m${index}` };
    });
    this.#specs = Array.from({ length: SPECS }, (_, index) => this.#makeSpec(index));
    this.#report = {
      seed,
      requests: 0,
      outcomes: {},
      methods: {},
      differences: [],
      rawErrors: [],
      reloads: 0,
      largestGrowthMiB: 0,
      seconds: 0,
    };
  }

  async all(count: number): Promise<SoakReport> {
    const report = this.#report;
    const began = performance.now();
    await this.#load();
    await this.#askAlone();
    let baseline = 0;
    while (report.requests < count) {
      const batch = Math.min(1 + this.#pick(6), count - report.requests);
      await Promise.all(Array.from({ length: batch }, () => this.#one()));
      if (report.requests >= Math.min(100, count / 2)) {
        baseline ||= process.memoryUsage().rss;
        const growth = Math.round((process.memoryUsage().rss - baseline) / 2 ** 20);
        report.largestGrowthMiB = Math.max(report.largestGrowthMiB, growth);
      }
      if (this.#pick(200) === 0) await this.#reload();
    }
    report.seconds = Math.round((performance.now() - began) / 1000);
    return report;
  }

  async dispose(): Promise<void> {
    await this.#members?.dispose();
  }

  #makeSpec(index: number): Spec {
    const pick = this.#pick;
    const method = METHODS[index % METHODS.length];
    const all = this.#models.map(({ name }) => name);
    const members =
      pick(3) === 0 ? all : [all[pick(3)], all[pick(3)]].filter((name, at, names) => names.indexOf(name) === at);
    const options: GenerateOptions = {
      maxTokens: 1 + pick(16),
      temperature: [0, 0, 0.7, 1.3][pick(4)],
      seed: pick(1000),
      ...(pick(4) === 0 && { stop: ["e", "\n"] }),
      ...(pick(5) === 0 && { trace: 2 }),
      ...(pick(5) === 0 && { topK: 5, topP: 0.9 }),
      ...(pick(6) === 0 && { logProbs: true }),
    };
    return { key: `${index}`, method, members, prompt: PROMPTS[pick(PROMPTS.length)], options };
  }

  async #load(): Promise<void> {
    const schedule = this.#pick(2) === 0 ? "in-turn" : "parallel";
    const members = this.#models.map((model) => ({ ...model, threads: 1, contextSize: 160 }));
    this.#members = await loadMembers({ members, gpu: false, schedule });
    this.#ensembles.clear();
  }

  /** Everything is taken away while requests are under way, and loaded again. */
  async #reload(): Promise<void> {
    const under = Promise.all([this.#one(), this.#one()]);
    await this.#members.dispose();
    await under;
    await this.#load();
    this.#report.reloads++;
  }

  async #ensembleFor({ method, members }: Spec): Promise<Ensemble> {
    const key = JSON.stringify([method, members]);
    const known = this.#ensembles.get(key);
    if (known !== undefined) return known;
    const made = await createEnsemble({ members: this.#members.only(...members), method });
    this.#ensembles.set(key, made);
    return made;
  }

  async #askAlone(): Promise<void> {
    for (const spec of this.#specs) {
      const ensemble = await this.#ensembleFor(spec);
      this.#alone.set(spec.key, comparable(await ensemble.generate(spec.prompt, spec.options)));
    }
  }

  async #one(): Promise<void> {
    const report = this.#report;
    const spec = this.#specs[this.#pick(this.#specs.length)];
    report.requests++;
    report.methods[spec.method.name] = (report.methods[spec.method.name] ?? 0) + 1;
    let outcome: string;
    try {
      outcome = await this.#ask(spec);
    } catch (error) {
      outcome = error instanceof LlamafuseError ? `refused: ${error.code}` : "raw error";
      if (outcome === "raw error")
        report.rawErrors.push(`${JSON.stringify(spec)}: ${(error as Error)?.stack ?? error}`);
    }
    report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
  }

  async #ask(spec: Spec): Promise<string> {
    const way = this.#pick(20);
    if (way === 0) return await this.#faulty();
    const ensemble = await this.#ensembleFor(spec);
    const ask = (more: GenerateOptions = {}) => ensemble.generate(spec.prompt, { ...spec.options, ...more });
    if (way === 1) return this.#same(spec, await ask({ maxTokens: -1 } as GenerateOptions));
    if (way === 2) return this.#beginning(spec, await ask({ signal: AbortSignal.abort() }));
    if (way <= 5) return await this.#cancelled(spec, ask, this.#pick(12));
    if (way <= 7) return await this.#left(spec, ensemble, this.#pick(4));
    if (way === 8) return await this.#disposed(spec, ask, ensemble);
    if (way <= 12) return await this.#streamed(spec, ensemble);
    return this.#same(spec, await ask());
  }

  /** A cancel that comes after so many turns of the event loop: before, in its turn or behind its end. */
  async #cancelled(
    spec: Spec,
    ask: (more: GenerateOptions) => Promise<GenerateResult>,
    turns: number,
  ): Promise<string> {
    const stop = new AbortController();
    const answer = ask({ signal: stop.signal });
    // Another request may dispose the ensemble before this one is waited for.
    answer.catch(() => {});
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    return this.#beginning(spec, await answer);
  }

  /** A reader that leaves after so many pieces. */
  async #left(spec: Spec, ensemble: Ensemble, pieces: number): Promise<string> {
    let text = "";
    let left = pieces;
    for await (const chunk of ensemble.stream(spec.prompt, spec.options)) {
      text += chunk.text;
      if (left-- === 0) break;
    }
    if (!textAlone(this.#alone.get(spec.key)!).startsWith(text)) this.#differs(spec, text);
    return "left";
  }

  async #streamed(spec: Spec, ensemble: Ensemble): Promise<string> {
    const stream = ensemble.stream(spec.prompt, spec.options);
    let text = "";
    for (;;) {
      const { value, done } = await stream.next();
      if (!done) {
        text += value.text;
        continue;
      }
      if (value.text !== text) this.#differs(spec, `streamed ${text}`);
      return this.#same(spec, value);
    }
  }

  /** The ensemble goes while its request waits or runs; the members stay. */
  async #disposed(spec: Spec, ask: () => Promise<GenerateResult>, ensemble: Ensemble): Promise<string> {
    this.#ensembles.delete(JSON.stringify([spec.method, spec.members]));
    const answer = ask();
    answer.catch(() => {});
    if (this.#pick(2) === 0) await new Promise((resolve) => setImmediate(resolve));
    await ensemble.dispose();
    return this.#beginning(spec, await answer);
  }

  /** A member whose model fails after some tokens. */
  async #faulty(): Promise<string> {
    const pick = this.#pick;
    const vocabulary = bytePairVocabulary();
    const sound = randomMember(1, sentencePieceVocabulary(), { name: "sound" });
    const good = randomMember(2, vocabulary);
    const last = 2 + pick(8);
    const broken = randomMember(2, vocabulary, {
      name: "broken",
      script: ({ tokens }) => {
        if (tokens.length > last && pick(2) === 0) throw new TypeError("the model is broken");
        return new Float32Array(vocabulary.size).fill(tokens.length > last ? Number.NaN : 0);
      },
    });
    await good.dispose();
    const ensemble = await createEnsemble({
      members: [sound, broken],
      method: METHODS[pick(METHODS.length)],
      schedule: "in-turn",
    });
    try {
      return `faulty: ${(await ensemble.generate("the cat", { maxTokens: 12 })).finishReason}`;
    } finally {
      await ensemble.dispose();
    }
  }

  #same(spec: Spec, result: GenerateResult): string {
    if (result.finishReason === "aborted") return this.#beginning(spec, result);
    const found = comparable(result);
    if (found !== this.#alone.get(spec.key)) this.#differs(spec, found);
    return `answered: ${result.finishReason}`;
  }

  #beginning(spec: Spec, result: GenerateResult): string {
    if (result.finishReason !== "aborted") return this.#same(spec, result);
    if (!textAlone(this.#alone.get(spec.key)!).startsWith(result.text)) this.#differs(spec, result.text);
    return "answered: aborted";
  }

  #differs(spec: Spec, found: string): void {
    this.#report.differences.push(`${JSON.stringify(spec)}: ${found}, alone ${this.#alone.get(spec.key)}`);
  }
}

/** All of a result but its times. */
function comparable({ text, finishReason, usage, pieces, trace }: GenerateResult): string {
  return JSON.stringify({ text, finishReason, usage, pieces, trace }, (key, value) =>
    ["ms", "decodeMs", "prepareMs"].includes(key) ? undefined : value,
  );
}

function textAlone(alone: string): string {
  return (JSON.parse(alone) as { text: string }).text;
}

if (process.argv[1] === import.meta.filename) {
  const { count, seed, start } = pieceOptions(1000);
  addToResults("soak", "npx tsx test/hardening/soak.ts", await soak({ count, seed: seed + start }));
}
