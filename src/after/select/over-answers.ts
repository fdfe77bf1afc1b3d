/**
 * What stands over the members' whole answers: a rule that chooses one of them (selected-ensemble.ts), or makes a new one
 * (../regenerate). Members are held for all of a request.
 *
 * Blank answers never go to the rule while another says something. Where one answer is left, or all say the same, the first is
 * given and the rule is not asked.
 */
import type { OnMemberFailure } from "../../decoding/member-failure.js";
import type { PromptInput } from "../../decoding/prompt.js";
import { type CheckedRequest, checkRequest, type GenerateOptions } from "../../decoding/request.js";
import { costOf, type GenerateResult, type StreamChunk, totalUsage } from "../../decoding/result.js";
import { refuseTools } from "../../decoding/tools/tools.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { disposedError } from "../../ensemble/ensemble.js";
import { answerInTurn, streamInTurn } from "../../ensemble/in-turn.js";
import type { Cast } from "../../ensemble/members.js";
import type { Turn } from "../../ensemble/turns.js";
import type { Member } from "../../member/member.js";
import { type Candidate, type CandidateReport, isBlank, type MemberAlone } from "./candidate.js";
import { Candidates, type MadeCandidate } from "./candidates.js";
import type { Scoring } from "./context.js";
import type { Selecting } from "./define-selection.js";

export interface AnswersChunk extends StreamChunk {
  /** An answer that has come, as the how-manieth of those planned; its chunk has no text. */
  candidate?: CandidateReport & { count: number; planned: number };
}

/** What a rule is put to work with. */
export interface AnswersParts<Rule> {
  selecting: Selecting<Rule>;
  cast: Cast;
  /** Each of the cast's members alone, inside a turn that is held; those of weight 0 left out. */
  members: readonly MemberAlone[];
  weights: readonly number[];
  defaults: GenerateOptions;
  onMemberFailure: OnMemberFailure;
  disposeMembers(): Promise<void>;
}

/** One request at work. */
export interface AnswersRequest {
  /** As the members answer it: where they are sampled, at the rule's temperature if the request sets none. */
  request: CheckedRequest;
  /** As it was asked. */
  own: CheckedRequest;
  seed: number;
  signal: AbortSignal;
  candidates: Candidates;
  /** What was read to judge. */
  extra: Scoring[];
}

export abstract class OverAnswers<
  Rule extends { dispose?(): Promise<void> },
  Result extends GenerateResult,
  Chunk extends AnswersChunk,
> implements Answerer<Result, Chunk>
{
  protected readonly rule: Rule;
  readonly #sampled: GenerateOptions;
  #disposed: Promise<void> | undefined;

  constructor(protected readonly parts: AnswersParts<Rule>) {
    const { selecting, defaults } = parts;
    this.rule = selecting.createRule();
    this.#sampled = selecting.samples > 1 ? { temperature: selecting.temperature, ...defaults } : defaults;
  }

  get methodName(): string {
    return this.parts.selecting.info.name;
  }

  get members(): readonly Member[] {
    return this.parts.members.map(({ members: [member] }) => member);
  }

  /** As `Ensemble.generate`; the result lists all answers. */
  async generate(prompt: PromptInput, options?: GenerateOptions): Promise<Result> {
    const { request, own } = this.#checked(prompt, options);
    return await answerInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.answer(request, own, signal),
    );
  }

  /** As `Ensemble.stream`: a chunk without text for each answer that comes, then the text that is given. */
  async *stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<Chunk, Result, void> {
    const { request, own } = this.#checked(prompt, options);
    return yield* streamInTurn(
      () => this.#takeTurn(request.options.signal),
      ({ signal }) => this.answer(request, own, signal),
    );
  }

  /** Stop its requests, and free what it loaded. May be called at any time, any number of times. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.parts.cast.turns.stop(disposedError(), this);
      await this.parts.disposeMembers();
      await this.rule.dispose?.();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  protected abstract answer(
    request: CheckedRequest,
    own: CheckedRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Chunk, Result, void>;

  protected candidatesFor(
    { request, seed, signal }: Pick<AnswersRequest, "request" | "seed" | "signal">,
    proposers?: readonly number[],
  ): Candidates {
    const { selecting, members, cast, onMemberFailure } = this.parts;
    const { schedule } = cast.plan;
    return new Candidates({ members, schedule, selecting, request, seed, onMemberFailure, proposers }, signal);
  }

  /** All that was used: every answer, what judging took, and what was written besides. */
  protected account(
    { candidates: { made, lost }, extra }: Pick<AnswersRequest, "candidates" | "extra">,
    written: readonly Scoring[] = [],
  ): Pick<GenerateResult, "usage" | "cost" | "dropped"> {
    const usage = totalUsage([...made.map(usageOf), ...[...extra, ...written].map((each) => ({ usage: each }))]);
    const dropped = lost.map(({ member, sample, error: { code, message } }) => {
      return { name: this.members[member].name, step: sample, code, message };
    });
    return { usage, cost: costOf(this.members, usage), ...(dropped.length > 0 && { dropped }) };
  }

  protected reported(
    { member, result: _, pieces: __, ...candidate }: MadeCandidate,
    score = Number.NaN,
  ): CandidateReport {
    return { member: this.members[member].name, ...candidate, ...(!Number.isNaN(score) && { score }) };
  }

  #checked(prompt: PromptInput, options?: GenerateOptions): Pick<AnswersRequest, "request" | "own"> {
    const request = checkRequest(prompt, options, this.#sampled);
    refuseTools(request.options, this.methodName);
    return {
      request,
      own: checkRequest(prompt, options, this.parts.defaults),
    };
  }

  async #takeTurn(signal: AbortSignal | undefined): Promise<Turn> {
    if (this.#disposed !== undefined) throw disposedError();
    return await this.parts.cast.turns.take({ owner: this, members: this.members, signal, alone: true });
  }
}

/** Which candidate is given, and why, where there is nothing to choose or to put together. */
export function withoutChoice<Each extends Candidate>(
  candidates: readonly Each[],
): { chosen: Each; reason: string } | undefined {
  const [first] = candidates;
  const telling = candidates.filter((candidate) => !isBlank(candidate));
  const chosen = telling[0] ?? first;
  if (telling.length === 0) return { chosen, reason: "No answer says anything." };
  if (candidates.length === 1) return { chosen, reason: "There is one answer." };
  if (telling.length === 1) return { chosen, reason: "The other answers are empty." };
  if (telling.some(({ text }) => text !== chosen.text)) return undefined;
  return { chosen, reason: `All ${telling.length} answers are the same.` };
}

/** Further samples find their prompt in the member's cache. */
function usageOf({ sample, expert, round, result }: MadeCandidate): Pick<GenerateResult, "usage"> {
  const isRead = sample === 0 || expert !== undefined || round !== undefined;
  return { usage: isRead ? result.usage : { ...result.usage, promptTokens: 0, memberPromptTokens: {} } };
}
