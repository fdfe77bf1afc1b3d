/**
 * A cascade at work: members are asked one after another, loaded when they are first asked, and only the answer that is kept is
 * shown. An answer that may yet be rejected is shown when it is kept; one that is kept whatever it says, as the last member's, is
 * shown while it is made. Every call counts: rejected answers and samples are in the result's usage and cost.
 *
 * Of several samples the first one is what the request asks for; the others, where the request is greedy, are drawn at
 * `sampleTemperature`, each with a seed of its own.
 */
import type { Embedder } from "../../../before/embedders/embedder.js";
import { embedQuery } from "../../../before/fitting/training-data.js";
import type { MemberPool } from "../../../before/live/member-pool.js";
import type { Knob } from "../../../before/router.js";
import { queryText } from "../../../before/table/query-text.js";
import type { PromptInput } from "../../../decoding/prompt.js";
import { type CheckedRequest, checkRequest, type GenerateOptions } from "../../../decoding/request.js";
import {
  type AnswerCost,
  abortedAnswer,
  type GenerateResult,
  type StreamChunk,
  totalCost,
  totalUsage,
} from "../../../decoding/result.js";
import { refuseTools } from "../../../decoding/tools/tools.js";
import type { Answerer } from "../../../ensemble/answerer.js";
import { disposedError, type Ensemble } from "../../../ensemble/ensemble.js";
import { answerInTurn, streamInTurn } from "../../../ensemble/in-turn.js";
import { type Turn, Turns } from "../../../ensemble/turns.js";
import { LlamafuseError } from "../../../errors.js";
import { MAX_SEED, randomSeed } from "../../../random.js";
import type { Cascade, CascadeAnswer, CascadeQuery } from "../cascade.js";
import type { VerifyAnswer } from "./cascaded-method.js";

/** One member's turn in a cascade. */
export interface CascadeCall {
  member: string;
  /** Answers that were made. */
  samples: number;
  /** What the verifier said, where the cascade reads one. */
  verifier?: number;
  cost: AnswerCost;
  /** Why the answer was kept, or who was asked instead. */
  reason: string;
  kept: boolean;
}

/** How an answer came about. */
export interface CascadeReport {
  calls: CascadeCall[];
  /** Whose answer it is; absent where the request was cancelled before. */
  kept?: string;
  /** Why the first member was asked. */
  start: string;
  /** Members that were loaded for it, and those that had to leave. */
  loaded: string[];
  evicted: string[];
  /** What to know of the order of the members: one that is asked later costs less. */
  notes: string[];
}

export interface CascadedResult extends GenerateResult {
  cascade: CascadeReport;
}

export interface CascadedChunk extends StreamChunk {
  /** A member's answer was rejected: who is asked next, and why. */
  deferral?: { from: string; to: string; reason: string };
}

export interface CascadedParts {
  cascade: Cascade;
  /** Of cascades that read embeddings of the query. */
  embedder?: Embedder;
  /** Whether the embedder goes with the ensemble. */
  ownsEmbedder: boolean;
  knob: Knob;
  sampleTemperature: number;
  verify?: VerifyAnswer;
  /** What holds for a request that says nothing else. */
  defaults?: GenerateOptions;
  pool: MemberPool<Ensemble>;
}

/** A member's answers as they were made, the first one first. */
type Made = GenerateResult[];

/** Made by `createEnsemble`. */
export class CascadedEnsemble implements Answerer<CascadedResult, CascadedChunk> {
  readonly #parts: CascadedParts;
  readonly #turns = new Turns();
  #disposed: Promise<void> | undefined;

  constructor(parts: CascadedParts) {
    this.#parts = parts;
  }

  get cascade(): Cascade {
    return this.#parts.cascade;
  }

  get methodName(): string {
    return this.cascade.info.name;
  }

  /** All that may be asked, loaded or not, in their order. */
  get members(): readonly { name: string }[] {
    return this.cascade.chain.map((name) => ({ name }));
  }

  /** Names of the loaded members, the least recently asked first. */
  get loadedMembers(): readonly string[] {
    return this.#parts.pool.hot;
  }

  /** As `Ensemble.generate`; the result says in `cascade` who was asked, and why. */
  async generate(prompt: PromptInput, options?: GenerateOptions): Promise<CascadedResult> {
    const request = checkRequest(prompt, options, this.#parts.defaults);
    refuseTools(request.options, this.methodName);
    return await answerInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** As `Ensemble.stream`; a chunk without text says when a member's answer was rejected. */
  async *stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<CascadedChunk, CascadedResult, void> {
    const request = checkRequest(prompt, options, this.#parts.defaults);
    refuseTools(request.options, this.methodName);
    return yield* streamInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** Stop its requests and free every member that it loaded. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#turns.stop(disposedError());
      await this.#parts.pool.dispose();
      if (this.#parts.ownsEmbedder) await this.#parts.embedder?.dispose?.();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#answer(request: CheckedRequest, signal: AbortSignal): AsyncGenerator<CascadedChunk, CascadedResult, void> {
    const { cascade, knob } = this.#parts;
    const seed = request.options.seed ?? randomSeed();
    const report: CascadeReport = { calls: [], start: "", loaded: [], evicted: [], notes: [] };
    const answers: CascadeAnswer[] = [];
    const made: Made[] = [];
    try {
      signal.throwIfAborted();
      const query = await this.#query(request.prompt, signal);
      while (true) {
        const step = cascade.next({ query, answers }, knob);
        const call = report.calls.at(-1);
        if (call === undefined) report.start = step.reason;
        else call.reason = step.reason;
        if (step.stop) {
          const result = made[step.answer][step.sample ?? 0];
          const isShown = cascade.alwaysKeeps(answers[step.answer].model) && made[step.answer].length === 1;
          if (!isShown && result.text !== "") yield { text: result.text };
          return this.#result(request, result, made, step.answer, report, seed);
        }
        const name = cascade.models[step.model];
        if (call !== undefined) yield { text: "", deferral: { from: call.member, to: name, reason: step.reason } };
        const member = await this.#load(name, report, signal);
        const results = yield* this.#ask(member, step.model, request, seed, signal);
        made.push(results);
        if (signal.aborted) return this.#result(request, results[0], made, made.length - 1, report, seed);
        const answer = answerOf(step.model, results);
        const verifier = await this.#verify(query, answer, name, signal);
        answers.push({ ...answer, ...(verifier !== undefined && { verifier }) });
        const cost = totalCost(results.map(({ cost }) => cost));
        const said = verifier === undefined ? {} : { verifier };
        report.calls.push({ member: name, samples: results.length, ...said, cost, reason: "", kept: false });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      const nothing = abortedAnswer(this.methodName, seed);
      const all = made.flat();
      return { ...nothing, usage: totalUsage(all), cost: totalCost(all.map(({ cost }) => cost)), cascade: report };
    }
  }

  async #query(prompt: PromptInput, signal: AbortSignal): Promise<CascadeQuery> {
    const { embedder } = this.#parts;
    const text = queryText(prompt);
    return embedder === undefined ? { text } : await embedQuery(embedder, text, { signal });
  }

  async #load(name: string, report: CascadeReport, signal: AbortSignal): Promise<Ensemble> {
    const { member, loaded, evicted } = await this.#parts.pool.get(name, signal);
    if (loaded) report.loaded.push(name);
    report.evicted.push(...evicted);
    return member;
  }

  /** All samples of a member; shown while it is made is a single one that is kept whatever it says. */
  async *#ask(
    member: Ensemble,
    model: number,
    { prompt, options }: CheckedRequest,
    seed: number,
    signal: AbortSignal,
  ): AsyncGenerator<CascadedChunk, Made, void> {
    const { cascade, sampleTemperature } = this.#parts;
    const { traceTop, ...rest } = options;
    const given: GenerateOptions = { ...rest, seed, trace: traceTop, logProbs: true, signal };
    const { samples } = cascade.callsPerAnswer(model);
    if (samples === 1 && cascade.alwaysKeeps(model)) return [yield* member.stream(prompt, given)];
    const results = [await member.generate(prompt, given)];
    const isGreedy = (options.temperature ?? 0) === 0;
    for (let sample = 1; sample < samples && !signal.aborted; sample++) {
      results.push(
        await member.generate(prompt, {
          ...given,
          seed: (seed + sample) % MAX_SEED,
          // The prompt is read once.
          reusePrompt: true,
          ...(isGreedy && { temperature: sampleTemperature }),
        }),
      );
    }
    return results;
  }

  async #verify(
    query: CascadeQuery,
    { text = "" }: CascadeAnswer,
    member: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { verify, cascade } = this.#parts;
    const isLast = member === cascade.chain.at(-1);
    if (verify === undefined || isLast) return undefined;
    const said = await verify({ query: query.text, answer: text, member }, signal);
    if (typeof said === "number" && said >= 0 && said <= 1) return said;
    throw new LlamafuseError(
      "invalid-option",
      `The verifier said ${String(said)} of ${member}'s answer; it must say a number from 0 to 1.`,
      {
        found: String(said),
        allowed: "0 to 1",
        option: "verify",
      },
    );
  }

  #result(
    { options }: CheckedRequest,
    kept: GenerateResult,
    made: readonly Made[],
    place: number,
    report: CascadeReport,
    seed: number,
  ): CascadedResult {
    const all = made.flat();
    const call = report.calls[place];
    if (call !== undefined) [call.kept, report.kept] = [true, call.member];
    report.notes.push(...cheaperLater(report.calls));
    const { pieces, ...rest } = kept;
    return {
      ...rest,
      method: this.methodName,
      seed,
      usage: totalUsage(all),
      cost: totalCost(all.map(({ cost }) => cost)),
      ...(options.logProbs && { pieces }),
      cascade: report,
    };
  }

  async #takeTurn(signal: AbortSignal | undefined): Promise<Turn> {
    return await this.#turns.take({ owner: this, members: [this], signal });
  }
}

function answerOf(model: number, results: Made): CascadeAnswer {
  const [first] = results;
  const tokens = first.pieces?.filter(({ end }) => end === undefined) ?? [];
  return {
    model,
    text: first.text,
    samples: results.map(({ text }) => text),
    ...(tokens.length > 0 && { logProbs: tokens.map(({ logProb }) => logProb) }),
  };
}

/** Members that were asked after a dearer one: whoever trusts the order of names pays for it. */
function cheaperLater(calls: readonly CascadeCall[]): string[] {
  const price = ({ cost }: CascadeCall) => cost.parameterTokens / Math.max(1, cost.tokens);
  return calls.flatMap((call, at) => {
    const dearer = calls.slice(0, at).find((earlier) => price(earlier) > price(call));
    if (dearer === undefined) return [];
    return [`${call.member} costs less than ${dearer.member}, which is asked before it; give members by rising cost.`];
  });
}
