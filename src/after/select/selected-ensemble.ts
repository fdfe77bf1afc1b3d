/**
 * A selection at work: the members answer each on their own, and one of the answers is given as it is.
 *
 * Blank answers are never chosen while another says something. Where one answer is left, or all say the same, the first is
 * given and the rule is not asked. A cancelled request gives no text, since nothing has been chosen by then; its account
 * counts what the members had said.
 */
import { isMemberFailure, type OnMemberFailure } from "../../decoding/member-failure.js";
import type { PromptInput } from "../../decoding/prompt.js";
import { type CheckedRequest, checkRequest, type GenerateOptions } from "../../decoding/request.js";
import { abortedAnswer, costOf, type GenerateResult, type StreamChunk, totalUsage } from "../../decoding/result.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { disposedError } from "../../ensemble/ensemble.js";
import { answerInTurn, streamInTurn } from "../../ensemble/in-turn.js";
import type { Cast } from "../../ensemble/members.js";
import type { Turn } from "../../ensemble/turns.js";
import type { LlamafuseError } from "../../errors.js";
import type { Member } from "../../member/member.js";
import { randomSeed } from "../../random.js";
import { type CandidateReport, isBlank, type MemberAlone } from "./candidate.js";
import { Candidates, type MadeCandidate } from "./candidates.js";
import { contextOf, questionOf, type Scoring } from "./context.js";
import type { Selecting, Selection, SelectionRule } from "./define-selection.js";

/** Which answers there were, and why one of them was given. */
export interface SelectionReport {
  /** Index of the answer that was given; -1 where the request was cancelled before. */
  chosen: number;
  reason: string;
  candidates: CandidateReport[];
  /** How many answers were planned. Fewer are made where no further one could change the choice, or a member failed. */
  planned: number;
  /** Milliseconds for the answers, and for the choice. */
  answersMs: number;
  chooseMs: number;
}

export interface SelectedResult extends GenerateResult {
  selection: SelectionReport;
}

export interface SelectedChunk extends StreamChunk {
  /** An answer that has come, as the how-manieth of those planned; its chunk has no text. */
  candidate?: CandidateReport & { count: number; planned: number };
}

/** What a selection is put to work with. */
export interface SelectedParts {
  selecting: Selecting;
  cast: Cast;
  /** Each of the cast's members alone, inside a turn that is held; those of weight 0 left out. */
  members: readonly MemberAlone[];
  weights: readonly number[];
  defaults: GenerateOptions;
  onMemberFailure: OnMemberFailure;
  disposeMembers(): Promise<void>;
}

/** Made by `createEnsemble`. */
export class SelectedEnsemble implements Answerer<SelectedResult, SelectedChunk> {
  readonly #parts: SelectedParts;
  readonly #rule: SelectionRule;
  readonly #defaults: GenerateOptions;
  #disposed: Promise<void> | undefined;

  constructor(parts: SelectedParts) {
    this.#parts = parts;
    const { samples, temperature } = parts.selecting;
    this.#rule = parts.selecting.createRule();
    this.#defaults = samples > 1 ? { temperature, ...parts.defaults } : parts.defaults;
  }

  get methodName(): string {
    return this.#parts.selecting.info.name;
  }

  get members(): readonly Member[] {
    return this.#parts.members.map(({ members: [member] }) => member);
  }

  /** As `Ensemble.generate`; the result lists all answers in `selection`. */
  async generate(prompt: PromptInput, options?: GenerateOptions): Promise<SelectedResult> {
    const request = checkRequest(prompt, options, this.#defaults);
    return await answerInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** As `Ensemble.stream`: a chunk without text for each answer that comes, then the chosen one in one chunk. */
  async *stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<SelectedChunk, SelectedResult, void> {
    const request = checkRequest(prompt, options, this.#defaults);
    return yield* streamInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.#answer(request, signal),
    );
  }

  /** Stop its requests, and free what it loaded. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#parts.cast.turns.stop(disposedError(), this);
      await this.#parts.disposeMembers();
      await this.#rule.dispose?.();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#answer(request: CheckedRequest, signal: AbortSignal): AsyncGenerator<SelectedChunk, SelectedResult, void> {
    const seed = request.options.seed ?? randomSeed();
    const started = performance.now();
    const candidates = this.#candidatesFor(request, seed, signal);
    for (let round = 0; round < candidates.rounds && !signal.aborted; round++) {
      for await (const made of candidates.round(round)) {
        const count = candidates.made.length;
        yield { text: "", candidate: { ...this.#reported(made), count, planned: candidates.planned } };
      }
      const left = candidates.leftAfter(round + 1);
      if (left === 0 || this.#rule.isSettled?.(candidates.made, left, questionOf(request))) break;
    }
    const answersMs = performance.now() - started;
    const extra: Scoring[] = [];
    const selection = signal.aborted ? undefined : await this.#choose(request, candidates, seed, extra, signal);
    const chooseMs = performance.now() - started - answersMs;
    const result = this.#result({ candidates, selection, extra, seed, request, times: { answersMs, chooseMs } });
    if (result.text !== "") yield { text: result.text };
    return result;
  }

  #candidatesFor(request: CheckedRequest, seed: number, signal: AbortSignal): Candidates {
    const { selecting, members, cast, onMemberFailure } = this.#parts;
    return new Candidates({ members, schedule: cast.plan.schedule, selecting, request, seed, onMemberFailure }, signal);
  }

  /** Undefined where the signal fired meanwhile. */
  async #choose(
    request: CheckedRequest,
    candidates: Candidates,
    seed: number,
    extra: Scoring[],
    signal: AbortSignal,
  ): Promise<Selection | undefined> {
    const { members, weights, onMemberFailure } = this.#parts;
    const { made, lost } = candidates;
    const telling = made.filter((candidate) => !isBlank(candidate));
    const scores = made.map(() => Number.NaN);
    if (telling.length === 0) return { chosen: 0, scores, reason: "No answer says anything." };
    const chosen = made.indexOf(telling[0]);
    if (made.length === 1) return { chosen, scores, reason: "There is one answer." };
    if (telling.length === 1) return { chosen, scores, reason: "The other answers are empty." };
    if (telling.every(({ text }) => text === telling[0].text)) {
      return { chosen, scores, reason: `All ${telling.length} answers are the same.` };
    }
    for (;;) {
      try {
        const context = contextOf({ request, members, weights, judges: candidates.alive, seed, signal, extra });
        const selection = await this.#rule.select(telling, context);
        for (const [index, candidate] of telling.entries()) scores[made.indexOf(candidate)] = selection.scores[index];
        return { ...selection, chosen: made.indexOf(telling[selection.chosen]), scores };
      } catch (error) {
        if (signal.aborted) return undefined;
        const member = failedMember(error, members);
        if (member < 0 || onMemberFailure === "fail") throw error;
        lost.push({
          member,
          sample: made.filter((each) => each.member === member).length,
          error: error as LlamafuseError,
        });
        if (candidates.alive.length === 0) throw error;
      }
    }
  }

  #result({ candidates, selection, extra, seed, request, times }: Chosen): SelectedResult {
    const { made, lost, planned } = candidates;
    const { members } = this.#parts;
    const usage = totalUsage([...made.map(usageOf), ...extra.map((usage) => ({ usage }))]);
    const answer = selection && made[selection.chosen].result;
    const { pieces, ...given } = answer ?? abortedAnswer(this.methodName, seed);
    const dropped = lost.map(({ member, sample, error: { code, message } }) => {
      return { name: members[member].members[0].name, step: sample, code, message };
    });
    return {
      ...given,
      ...(pieces !== undefined && request.options.logProbs && { pieces }),
      ...(selection === undefined && { finishReason: "aborted" as const }),
      method: this.methodName,
      seed,
      usage,
      cost: costOf(this.members, usage),
      ...(dropped.length > 0 && { dropped }),
      selection: {
        chosen: selection?.chosen ?? -1,
        reason: selection?.reason ?? "The request was cancelled before an answer was chosen.",
        candidates: made.map((candidate, index) => this.#reported(candidate, selection?.scores[index])),
        planned,
        ...times,
      },
    };
  }

  #reported({ member, result: _, pieces: __, ...candidate }: MadeCandidate, score = Number.NaN): CandidateReport {
    const { name } = this.#parts.members[member].members[0];
    return { member: name, ...candidate, ...(!Number.isNaN(score) && { score }) };
  }

  async #takeTurn(signal: AbortSignal | undefined): Promise<Turn> {
    if (this.#disposed !== undefined) throw disposedError();
    return await this.#parts.cast.turns.take({ owner: this, members: this.members, signal, alone: true });
  }
}

interface Chosen {
  candidates: Candidates;
  selection: Selection | undefined;
  extra: readonly Scoring[];
  seed: number;
  request: CheckedRequest;
  times: Pick<SelectionReport, "answersMs" | "chooseMs">;
}

/** Further samples find their prompt in the member's cache. */
function usageOf({ sample, expert, result }: MadeCandidate): Pick<GenerateResult, "usage"> {
  const isRead = sample === 0 || expert !== undefined;
  return { usage: isRead ? result.usage : { ...result.usage, promptTokens: 0, memberPromptTokens: {} } };
}

function failedMember(error: unknown, members: readonly MemberAlone[]): number {
  if (!isMemberFailure(error)) return -1;
  return members.findIndex(({ members: [member] }) => member.name === error.details.member);
}
