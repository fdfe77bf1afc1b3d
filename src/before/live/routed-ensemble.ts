/**
 * A fitted router at work: each request is given to the members that the router chooses, which are loaded when they are first
 * chosen and stay while the memory for them lasts (see member-pool.ts).
 *
 * A prompt is routed by its text; of a conversation, by the user's last message. Where the router chooses several members
 * that vote, each answers on its own and the answer with the largest sum of weights is given, ties to the earlier member.
 */
import os from "node:os";
import type { GenerateOptions, GenerateResult, StreamChunk } from "../../decoding/loop.js";
import { checkPrompt, type PromptInput } from "../../decoding/prompt.js";
import type { ScoreOptions, TextScore } from "../../decoding/score.js";
import { chooseNames, createEnsemble, type Ensemble, type EnsembleOptions } from "../../ensemble/ensemble.js";
import { LlamafuseError } from "../../errors.js";
import { checkModel } from "../../llama/check-model.js";
import { isMember } from "../../member/is-member.js";
import type { Member } from "../../member/member.js";
import { checkMemberOptions, type MemberOptions } from "../../member/member-options.js";
import { isRemote, resolveModel } from "../../member/resolve-model.js";
import { theKnob } from "../allocation/choose.js";
import type { Embedder } from "../embedders/embedder.js";
import { embedQuery } from "../fitting/training-data.js";
import { weightedVote } from "../fitting/votes.js";
import type { Decision, Knob, Router } from "../router.js";
import { loadRouter, requireEmbedder } from "../saved-router.js";
import { queryText } from "../table/query-text.js";
import { memoryOfModel } from "./member-memory.js";
import { checkFits, MemberPool, type PoolEntry } from "./member-pool.js";
import type { RoutedMethod } from "./routed-method.js";

export type { RoutedMethod };

export interface RoutedEnsembleOptions extends Omit<EnsembleOptions, "method"> {
  method: RoutedMethod;
}

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

/** Errors: those of `loadRouter`, invalid-option, incompatible-members (a model of the router is no member), out-of-memory. */
export function createRoutedEnsemble(options: RoutedEnsembleOptions): Promise<RoutedEnsemble> {
  return openRouter(options.method, ({ models }, memory) => poolEntries(options, models, memory));
}

/**
 * The router of a method over members that are loaded already, each as an ensemble of its own, by name. Disposing of the
 * result disposes of those that it has asked. Errors: those of `createRoutedEnsemble`.
 */
export function routeAmong(method: RoutedMethod, loaded: ReadonlyMap<string, () => Ensemble>): Promise<RoutedEnsemble> {
  return openRouter(method, async ({ models }) =>
    models.map((name) => {
      const ensemble = loaded.get(name);
      if (ensemble === undefined) throw missingMember(name, Array.from(loaded.keys()));
      return { name, bytes: () => 0, load: async () => ensemble() };
    }),
  );
}

async function openRouter(
  { name, router: source, memory = os.totalmem() / 2, ...knob }: RoutedMethod,
  entriesOf: (router: Router, memory: number) => Promise<PoolEntry<Ensemble>[]>,
): Promise<RoutedEnsemble> {
  if (!(memory > 0)) {
    const message = `The memory for members is ${memory}; it must be a number of bytes above 0.`;
    throw new LlamafuseError("invalid-option", message, { found: memory, allowed: "> 0", option: "memory" });
  }
  const isFile = typeof source === "string";
  const { router, embedder } = isFile ? await loadRouter(source) : source;
  try {
    requireEmbedder(router.toJSON(), embedder);
    if (router.info.name !== name) {
      throw new LlamafuseError(
        "invalid-option",
        `The method is ${name}, and ${isFile ? source : "the router"} is a router of the kind ${router.info.name}. Name that one.`,
        { found: name, allowed: router.info.name, option: "method" },
      );
    }
    theKnob(knob, router.info);
    const entries = await entriesOf(router, memory);
    return new RoutedEnsemble(router, embedder, isFile, knob, new MemberPool(entries, memory));
  } catch (error) {
    if (isFile) await embedder.dispose?.();
    throw error;
  }
}

export class RoutedEnsemble {
  #stopAll = new AbortController();
  #disposed: Promise<void> | undefined;
  /** Requests are served one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly router: Router,
    private readonly embedder: Embedder,
    private readonly ownsEmbedder: boolean,
    private readonly knob: Knob,
    private readonly pool: MemberPool<Ensemble>,
  ) {}

  get methodName(): string {
    return this.router.info.name;
  }

  /** All that may be chosen, loaded or not. */
  get members(): readonly { name: string }[] {
    return this.router.models.map((name) => ({ name }));
  }

  /** Names of the loaded members, the least recently asked first. */
  get loadedMembers(): readonly string[] {
    return this.pool.hot;
  }

  /** Which members would answer, and why; nothing is loaded. Errors: aborted, disposed, those of the embedder. */
  async route(prompt: PromptInput, signal?: AbortSignal): Promise<Decision> {
    checkPrompt(prompt);
    const query = await embedQuery(this.embedder, queryText(prompt), { signal });
    return this.router.decide(query, this.knob);
  }

  /** As `Ensemble.generate`; the result says why in `route`. A signal that fires before an answer begins is an error. */
  async generate(prompt: PromptInput, options: GenerateOptions = {}): Promise<RoutedResult> {
    const stream = this.stream(prompt, options);
    while (true) {
      const next = await stream.next();
      if (next.done) return next.value;
    }
  }

  /** As `Ensemble.stream`; the first chunk has no text but the route. A vote's answer comes in one chunk. */
  async *stream(prompt: PromptInput, options: GenerateOptions = {}): AsyncGenerator<RoutedChunk, RoutedResult, void> {
    const { signal, end } = await this.#takeTurn(options.signal);
    try {
      const { report, first } = await this.#open(prompt, signal);
      yield { text: "", route: report };
      const given = { ...options, signal };
      const { models, votes } = report;
      const isVote = votes !== undefined && models.length > 1;
      const result = isVote ? await this.#vote(prompt, given, report, first) : yield* first.stream(prompt, given);
      if (isVote && result.text !== "") yield { text: result.text };
      return { ...result, method: this.methodName, route: report };
    } finally {
      end();
    }
  }

  /** How likely the first chosen member finds a text after the prompt. */
  async score(
    prompt: PromptInput,
    text: string,
    options: ScoreOptions = {},
  ): Promise<TextScore & { route: RouteReport }> {
    const { signal, end } = await this.#takeTurn(options.signal);
    try {
      const { report, first } = await this.#open(prompt, signal);
      return { ...(await first.score(prompt, text, { ...options, signal })), route: report };
    } finally {
      end();
    }
  }

  /** Stop a running request and free every member. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#stopAll.abort();
      await this.pool.dispose();
      if (this.ownsEmbedder) await this.embedder.dispose?.();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Decide, and load the first of the chosen. */
  async #open(prompt: PromptInput, signal: AbortSignal): Promise<{ report: RouteReport; first: Ensemble }> {
    const started = performance.now();
    const decision = await this.route(prompt, signal);
    const report: RouteReport = { ...decision, loaded: [], evicted: [], decideMs: performance.now() - started };
    return { report, first: await this.#load(decision.models[0], report, signal) };
  }

  async #load(name: string, report: RouteReport, signal: AbortSignal): Promise<Ensemble> {
    const { member, loaded, evicted } = await this.pool.get(name, signal);
    if (loaded) report.loaded.push(name);
    report.evicted.push(...evicted);
    return member;
  }

  /** One after another, so that no more than one of them has to fit. */
  async #vote(
    prompt: PromptInput,
    options: GenerateOptions & { signal: AbortSignal },
    report: RouteReport,
    first: Ensemble,
  ): Promise<GenerateResult> {
    const results: GenerateResult[] = [];
    for (const [place, name] of report.models.entries()) {
      const member = place === 0 ? first : await this.#load(name, report, options.signal);
      results.push(await member.generate(prompt, options));
      if (options.signal.aborted) break;
    }
    const winner = weightedVote(
      results.map(({ text }, place) => ({
        samples: [{ answer: text.trim(), isRight: false }],
        weight: report.votes![place],
      })),
    );
    const elected = results.find(({ text }) => text.trim() === winner?.answer) ?? results[0];
    return { ...elected, usage: totalUsage(results) };
  }

  async #takeTurn(given: AbortSignal | undefined): Promise<{ signal: AbortSignal; end: () => void }> {
    const previous = this.#last;
    let end = () => {};
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = previous.then(() => done);
    await previous;
    if (this.#disposed !== undefined) {
      end();
      throw new LlamafuseError("disposed", "This ensemble has been disposed. Make a new one with createEnsemble.");
    }
    const signal = given === undefined ? this.#stopAll.signal : AbortSignal.any([given, this.#stopAll.signal]);
    return { signal, end };
  }
}

/** Every model of the router as a member that can be loaded. Files on this machine are checked now, all others when asked. */
async function poolEntries(
  options: RoutedEnsembleOptions,
  models: readonly string[],
  memory: number,
): Promise<PoolEntry<Ensemble>[]> {
  const { members, method: _, ...rest } = options;
  const names = chooseNames(members);
  return await Promise.all(
    models.map(async (model) => {
      const index = names.indexOf(model);
      if (index < 0) throw missingMember(model, names);
      const member = members[index];
      const load = (chosen: MemberOptions | Member) => (signal: AbortSignal) =>
        createEnsemble({ ...rest, members: [chosen], method: { name: "single" }, signal });
      if (isMember(member)) return { name: model, bytes: () => 0, load: load(member) };
      checkMemberOptions(member);
      const bytes = async () => memoryOfModel(await checkModel(await resolveModel(member.model)), member.contextSize);
      if (!isRemote(member.model)) checkFits(model, await bytes(), memory);
      return { name: model, bytes, load: load({ ...member, name: model, weight: 1 }) };
    }),
  );
}

function missingMember(model: string, names: readonly string[]): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The router may choose ${model}, and no member has this name; there are: ${names.join(", ")}. Add it, as members: [{ name: "${model}", model: "….gguf" }].`,
    { found: names, allowed: model },
  );
}

function totalUsage(results: readonly GenerateResult[]): GenerateResult["usage"] {
  const usages = results.map(({ usage }) => usage);
  const sum = (of: (usage: GenerateResult["usage"]) => number) => usages.reduce((total, each) => total + of(each), 0);
  return {
    promptTokens: sum(({ promptTokens }) => promptTokens),
    steps: sum(({ steps }) => steps),
    memberPromptTokens: Object.assign({}, ...usages.map(({ memberPromptTokens }) => memberPromptTokens)),
    memberTokens: Object.assign({}, ...usages.map(({ memberTokens }) => memberTokens)),
  };
}
