/** Several members that answer as one. */
import path from "node:path";
import type { RoutedEnsemble, RoutedEnsembleOptions } from "../before/live/routed-ensemble.js";
import { isRouted, refuseRouterAlone } from "../before/live/routed-method.js";
import { type GenerateOptions, type GenerateResult, type StreamChunk, streamAnswer } from "../decoding/loop.js";
import type { PromptInput } from "../decoding/prompt.js";
import { type ScoreOptions, scoreText, type TextScore } from "../decoding/score.js";
import { Combiner } from "../during/combine.js";
import type { Voice } from "../during/method.js";
import { type MethodOptions, methodNamed } from "../during/methods.js";
import { normaliseWeights, speakingOf } from "../during/weightings/weights.js";
import { LlamafuseError } from "../errors.js";
import { loadKernels } from "../kernels/kernels.js";
import { SharedMemory } from "../kernels/shared-memory.js";
import { checkModel } from "../llama/check-model.js";
import type { Gpu } from "../llama/find-library.js";
import { isMember } from "../member/is-member.js";
import { LlamaMember } from "../member/llama/llama-member.js";
import type { Member } from "../member/member.js";
import { checkMemberOptions, type MemberOptions } from "../member/member-options.js";
import { resolveModel } from "../member/resolve-model.js";
import { choosePlan, type Plan, type ScheduleChoice } from "./plan.js";

export interface EnsembleOptions {
  /** The models; one or any number. Members that are made elsewhere (ScriptedMember, your own) may stand among them. */
  members: readonly (MemberOptions | Member)[];
  /** How they are fused. Default `{ name: "unite" }`. */
  method?: MethodOptions;
  /**
   * `parallel`: all members decode at once, each with its share of the cores; `in-turn`: one after another, each with
   * all cores; `auto` (default): whichever a short measurement at load finds faster.
   */
  schedule?: ScheduleChoice;
  /** Compute backend: "auto" (default) takes a GPU where its driver is installed. One choice per process. */
  gpu?: Gpu;
  /** What llama.cpp prints: nothing (default), or everything on stderr. */
  logs?: "silent" | "stderr";
  /** A member without a sign of work for so long is reported as hung. Default 600,000. */
  timeoutMs?: number;
  /** Called while models download and load: the member, what happens, and 0 … 1. */
  onProgress?: (progress: LoadProgress) => void;
  /** Cancels the loading. */
  signal?: AbortSignal;
}

export interface LoadProgress {
  /** The member's name; the method's where it builds something for all of them. */
  member: string;
  phase: "download" | "load" | "build";
  fraction: number;
}

/** Load the members and choose how to run them. Errors: see `ERROR_CODES`; nothing stays loaded after one. */
export function createEnsemble(options: EnsembleOptions): Promise<Ensemble>;
/** With a router in the place of the method: members are loaded when the router first chooses them. */
export function createEnsemble(options: RoutedEnsembleOptions): Promise<RoutedEnsemble>;
export async function createEnsemble(
  options: EnsembleOptions | RoutedEnsembleOptions,
): Promise<Ensemble | RoutedEnsemble> {
  if (!Array.isArray(options.members) || options.members.length === 0) {
    throw new LlamafuseError(
      "invalid-option",
      'An ensemble needs at least one member: members: [{ model: "a.gguf" }, …].',
      { found: 0, allowed: ">= 1", option: "members" },
    );
  }
  for (const member of options.members) if (!isMember(member)) checkMemberOptions(member);
  checkTimeout(options.timeoutMs);
  if (hasRouter(options)) {
    const { createRoutedEnsemble } = await import("../before/live/routed-ensemble.js");
    return await createRoutedEnsemble(options);
  }
  if (options.method !== undefined) await refuseRouterAlone(options.method.name);
  const method = methodNamed(options.method ?? { name: "unite" });
  const names = chooseNames(options.members);
  const weights = normaliseWeights(
    options.members.map((member) => ("weight" in member ? (member.weight ?? 1) : 1)),
    names,
  );
  const shared = new SharedMemory();
  const members = await loadAll(options, names, shared);
  try {
    const given = options.members.map((member) => (isMember(member) ? undefined : member.threads));
    // Members made elsewhere have their outputs elsewhere, out of the kernels' reach.
    const combiner = new Combiner(options.members.some(isMember) ? undefined : loadKernels(shared.memory));
    const voices = members.map((member, index) => ({ member, weight: weights[index] }));
    const build = (fraction: number) => options.onProgress?.({ member: method.info.name, phase: "build", fraction });
    await method.build(speakingOf(voices), { onProgress: build, signal: options.signal });
    const plan = await choosePlan(members, options.schedule ?? "auto", given, options.signal);
    return new Ensemble(voices, method, plan, combiner);
  } catch (error) {
    await Promise.all(members.map((member) => member.dispose()));
    throw error;
  }
}

export class Ensemble {
  #disposed: Promise<void> | undefined;
  #stopAll = new AbortController();
  /** Requests are served one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly voices: readonly Voice[],
    private readonly method: ReturnType<typeof methodNamed>,
    /** Schedule and threads in use, chosen or measured. */
    readonly plan: Plan,
    /** Sums full distributions in the members' shared memory. */
    readonly combiner: Combiner,
  ) {}

  get members(): readonly Member[] {
    return this.voices.map((voice) => voice.member);
  }

  get methodName(): string {
    return this.method.info.name;
  }

  /** The whole answer to a prompt or a conversation. A fired `signal` gives the text so far, `finishReason: "aborted"`. */
  async generate(prompt: PromptInput, options: GenerateOptions = {}): Promise<GenerateResult> {
    const stream = this.stream(prompt, options);
    while (true) {
      const next = await stream.next();
      if (next.done) return next.value;
    }
  }

  /**
   * The answer piece by piece; the generator returns what `generate` does. Leaving the loop early ends the request.
   * Requests are served one after another, so read a stream to its end, or leave it, before you await another request.
   */
  async *stream(prompt: PromptInput, options: GenerateOptions = {}): AsyncGenerator<StreamChunk, GenerateResult, void> {
    const turn = await this.#takeTurn(options.signal);
    try {
      return yield* streamAnswer(turn.voices, this.method, turn.run, prompt, { ...options, signal: turn.signal });
    } finally {
      turn.end();
    }
  }

  /**
   * How likely the method finds a text after a prompt: the sum of the log-probabilities of its pieces, in nats. Comparing
   * the choices of a question by it is how multiple choice is graded. See decoding/score.ts for the formula.
   *
   * ```ts
   * const { logProb } = await ensemble.score("Question: What is a young deer?\nAnswer:", " a fawn");
   * ```
   */
  async score(prompt: PromptInput, text: string, options: ScoreOptions = {}): Promise<TextScore> {
    const turn = await this.#takeTurn(options.signal);
    try {
      return await scoreText(turn.voices, this.method, turn.run, prompt, text, { ...options, signal: turn.signal });
    } finally {
      turn.end();
    }
  }

  /** Wait for the requests before this one. Errors: disposed. */
  async #takeTurn(given: AbortSignal | undefined) {
    const previous = this.#last;
    let end = () => {};
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = previous.then(() => done);
    const signal = given === undefined ? this.#stopAll.signal : AbortSignal.any([given, this.#stopAll.signal]);
    // A request that is cancelled while it waits need not wait.
    await firstOf(previous, signal);
    if (this.#disposed !== undefined) {
      end();
      throw new LlamafuseError("disposed", "This ensemble has been disposed. Make a new one with createEnsemble.");
    }
    return {
      voices: speakingOf(this.voices),
      run: { schedule: this.plan.schedule, combiner: this.combiner },
      signal,
      end,
    };
  }

  /** Stop a running request, free every model, end every thread. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#stopAll.abort();
      await Promise.all(this.members.map((member) => member.dispose()));
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Timers count milliseconds in 31 bits. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT)) return;
  const allowed = `1 … ${LONGEST_TIMEOUT}`;
  throw new LlamafuseError("invalid-option", `timeoutMs is ${timeoutMs}; allowed is a number in ${allowed}.`, {
    option: "timeoutMs",
    found: timeoutMs,
    allowed,
  });
}

/** Wait for the work or for the signal, whichever comes first. */
function firstOf(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) return done();
    signal.addEventListener("abort", done);
    void work.then(done);
  });
}

function hasRouter(options: EnsembleOptions | RoutedEnsembleOptions): options is RoutedEnsembleOptions {
  return options.method !== undefined && isRouted(options.method);
}

/** Given names must differ; the others are file names, told apart by a number where one file is loaded twice. */
export function chooseNames(members: readonly (MemberOptions | Member)[]): string[] {
  const taken = new Set<string>();
  for (const { name } of members) {
    if (name === undefined) continue;
    if (taken.has(name))
      throw new LlamafuseError("invalid-option", `Two members are named "${name}". Give each its own name.`, {
        found: name,
        option: "name",
      });
    taken.add(name);
  }
  return members.map((member) => {
    if (member.name !== undefined) return member.name;
    const base = path.basename((member as MemberOptions).model).replace(/\.gguf$/i, "") || "member";
    let name = base;
    for (let copy = 2; taken.has(name); copy++) name = `${base}-${copy}`;
    taken.add(name);
    return name;
  });
}

/** Check every file, then load them all at once. The first failure stops the others. */
async function loadAll(options: EnsembleOptions, names: readonly string[], shared: SharedMemory): Promise<Member[]> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const load = async (member: MemberOptions | Member, index: number): Promise<Member> => {
    if (isMember(member)) return member;
    const report = (phase: LoadProgress["phase"]) => (fraction: number) =>
      options.onProgress?.({ member: names[index], phase, fraction });
    const file = await checkModel(await resolveModel(member.model, report("download"), signal), { signal });
    return LlamaMember.load(
      {
        model: file.path,
        name: names[index],
        threads: member.threads,
        gpuLayers: member.gpuLayers,
        contextSize: member.contextSize,
        gpu: options.gpu,
        logs: options.logs,
        timeoutMs: options.timeoutMs,
        onProgress: report("load"),
        signal,
      },
      shared,
    );
  };
  const results = await Promise.allSettled(
    options.members.map((member, index) =>
      load(member, index).catch((error) => {
        stop.abort(error);
        throw error;
      }),
    ),
  );
  const loaded = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
  if (loaded.length === results.length && !options.signal?.aborted) return loaded;
  await Promise.all(loaded.filter((member) => !options.members.includes(member)).map((member) => member.dispose()));
  if (options.signal?.aborted) throw new LlamafuseError("aborted", "Loading was cancelled.", {}, options.signal.reason);
  // The error that stopped the others, not theirs of having been stopped.
  throw stop.signal.reason;
}
