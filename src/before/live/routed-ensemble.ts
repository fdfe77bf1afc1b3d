/**
 * A fitted router at work: each request is given to the members that the router chooses, which are loaded when they are first
 * chosen and stay while the memory for them lasts (see member-pool.ts).
 *
 * A prompt is routed by its text; of a conversation, by the user's last message. Where the router chooses several members
 * that vote, each answers on its own and the answer with the largest sum of weights is given, ties to the earlier member.
 */
import type { PromptInput } from "../../decoding/prompt.js";
import {
  type CheckedRequest,
  checkRequest,
  checkScoring,
  type GenerateOptions,
  readPrompt,
  type ScoreOptions,
} from "../../decoding/request.js";
import { abortedAnswer, type GenerateResult, type StreamChunk, totalCost, totalUsage } from "../../decoding/result.js";
import type { TextScore } from "../../decoding/score.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { disposedError, type Ensemble } from "../../ensemble/ensemble.js";
import { answerInTurn, streamInTurn } from "../../ensemble/in-turn.js";
import { type Turn, Turns } from "../../ensemble/turns.js";
import { LlamafuseError } from "../../errors.js";
import { checkSignal } from "../../read-options.js";
import type { Embedder } from "../embedders/embedder.js";
import { embedQuery } from "../fitting/training-data.js";
import { weightedVote } from "../fitting/votes.js";
import type { Decision, Knob, Router } from "../router.js";
import { queryText } from "../table/query-text.js";
import type { MemberPool } from "./member-pool.js";

/** Why a request went where it went. */
export interface RouteReport extends Decision {
  /** Members that were loaded for it, and those that had to leave. */
  loaded: string[];
  evicted: string[];
  /** Milliseconds to embed the query and decide. */
  decideMs: number;
}

export interface RoutedResult extends GenerateResult {
  route: RouteReport;
}

export interface RoutedChunk extends StreamChunk {
  /** In the first chunk. */
  route?: RouteReport;
}

export interface RoutedScore extends TextScore {
  route: RouteReport;
}

/** What a router is put to work with. */
export interface RoutedParts {
  router: Router;
  embedder: Embedder;
  /** Whether the embedder goes with the ensemble. */
  ownsEmbedder: boolean;
  knob: Knob;
  /** What holds for a request that says nothing else. */
  defaults?: GenerateOptions;
  pool: MemberPool<Ensemble>;
}

/** Made by `createEnsemble`. */
export class RoutedEnsemble implements Answerer<RoutedResult, RoutedChunk, RoutedScore> {
  readonly #parts: RoutedParts;
  readonly #turns = new Turns();
  #disposed: Promise<void> | undefined;

  constructor(parts: RoutedParts) {
    this.#parts = parts;
  }

  get router(): Router {
    return this.#parts.router;
  }

  get methodName(): string {
    return this.router.info.name;
  }

  /** All that may be chosen, loaded or not. */
  get members(): readonly { name: string }[] {
    return this.router.models.map((name) => ({ name }));
  }

  /** Names of the loaded members, the least recently asked first. */
  get loadedMembers(): readonly string[] {
    return this.#parts.pool.hot;
  }

  /** Which members would answer, and why; nothing is loaded. Errors: aborted, disposed, those of the embedder. */
  async route(prompt: PromptInput, signal?: AbortSignal): Promise<Decision> {
    checkSignal(signal);
    if (this.#disposed !== undefined) throw disposedError();
    const query = await embedQuery(this.#parts.embedder, queryText(readPrompt(prompt)), { signal });
    return this.router.decide(query, this.#parts.knob);
  }

  /** As `Ensemble.generate`; the result says why in `route`, which names no member where the request was cancelled before. */
  async generate(prompt: PromptInput, options?: GenerateOptions): Promise<RoutedResult> {
    const request = checkRequest(prompt, options, this.#parts.defaults);
    return await answerInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** As `Ensemble.stream`; the first chunk has no text but the route. A vote's answer comes in one chunk. */
  async *stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<RoutedChunk, RoutedResult, void> {
    const request = checkRequest(prompt, options, this.#parts.defaults);
    return yield* streamInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** How likely the first chosen member finds a text after the prompt. */
  async score(prompt: PromptInput, text: string, options?: ScoreOptions): Promise<RoutedScore> {
    const request = checkScoring(prompt, text, options);
    const turn = await this.#takeTurn(request.options.signal);
    const { signal } = turn;
    try {
      if (signal.aborted) throw new LlamafuseError("aborted", "Scoring was cancelled.", {}, signal.reason);
      const report = await this.#decide(request.prompt, signal);
      const first = await this.#load(report.models[0], report, signal);
      const score = await first.score(request.prompt, request.text, { ...request.options, signal });
      return { ...score, method: this.methodName, route: report };
    } finally {
      turn.end();
    }
  }

  /** Stop its requests and free every member that it loaded. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#turns.stop(disposedError());
      await this.#parts.pool.dispose();
      if (this.#parts.ownsEmbedder) await this.#parts.embedder.dispose?.();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#answer(
    { prompt, options }: CheckedRequest,
    signal: AbortSignal,
  ): AsyncGenerator<RoutedChunk, RoutedResult, void> {
    let report: RouteReport = { models: [], scores: {}, reason: CANCELLED, loaded: [], evicted: [], decideMs: 0 };
    let first: Ensemble;
    try {
      signal.throwIfAborted();
      report = await this.#decide(prompt, signal);
      first = await this.#load(report.models[0], report, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { ...abortedAnswer(this.methodName, options.seed), route: report };
    }
    yield { text: "", route: report };
    const { traceTop, ...rest } = options;
    const given: GenerateOptions = { ...rest, trace: traceTop, signal };
    const { models, votes } = report;
    const isVote = votes !== undefined && models.length > 1;
    const result = isVote ? await this.#vote(prompt, given, report, first, signal) : yield* first.stream(prompt, given);
    if (isVote && result.text !== "") yield { text: result.text };
    return { ...result, method: this.methodName, route: report };
  }

  async #decide(prompt: PromptInput, signal: AbortSignal): Promise<RouteReport> {
    const started = performance.now();
    const decision = await this.route(prompt, signal);
    return { ...decision, loaded: [], evicted: [], decideMs: performance.now() - started };
  }

  async #load(name: string, report: RouteReport, signal: AbortSignal): Promise<Ensemble> {
    const { member, loaded, evicted } = await this.#parts.pool.get(name, signal);
    if (loaded) report.loaded.push(name);
    report.evicted.push(...evicted);
    return member;
  }

  /** One after another, so that no more than one of them has to fit. */
  async #vote(
    prompt: PromptInput,
    options: GenerateOptions,
    report: RouteReport,
    first: Ensemble,
    signal: AbortSignal,
  ): Promise<GenerateResult> {
    const results: GenerateResult[] = [];
    for (const [place, name] of report.models.entries()) {
      try {
        const member = place === 0 ? first : await this.#load(name, report, signal);
        results.push(await member.generate(prompt, options));
      } catch (error) {
        if (!signal.aborted || results.length === 0) throw error;
      }
      if (signal.aborted) break;
    }
    const winner = weightedVote(
      results.map(({ text }, place) => ({
        samples: [{ answer: text.trim(), isRight: false }],
        weight: report.votes![place],
      })),
    );
    const elected = results.find(({ text }) => text.trim() === winner?.answer) ?? results[0];
    const isCut = signal.aborted ? { finishReason: "aborted" as const } : {};
    return { ...elected, ...isCut, usage: totalUsage(results), cost: totalCost(results.map(({ cost }) => cost)) };
  }

  async #takeTurn(signal: AbortSignal | undefined): Promise<Turn> {
    return await this.#turns.take({ owner: this, members: [this], signal });
  }
}

const CANCELLED = "The request was cancelled before a member was chosen.";
