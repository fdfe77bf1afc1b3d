/**
 * Candidates, made in rounds: in each, every member answers once in every way of asking. Members answer side by side where
 * they are scheduled so. A member's first answer is the one that it gives alone; its further ones draw from seeds of their
 * own and find the prompt in its cache.
 *
 * A method may ask for further rounds, with prompts that show the answers so far.
 *
 * Rounds are whole before anything is decided on them, so that which answers there are depends on the seed alone, and not
 * on who was faster.
 */
import { seedFor } from "../../content-identity.js";
import { isMemberFailure, type OnMemberFailure } from "../../decoding/member-failure.js";
import type { PromptInput } from "../../decoding/prompt.js";
import type { CheckedRequest, GenerateOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import type { Schedule } from "../../decoding/schedule.js";
import { LlamafuseError } from "../../errors.js";
import type { Candidate, MemberAlone } from "./candidate.js";
import type { Selecting } from "./define-selection.js";

/** A candidate with the answer that it is. */
export interface MadeCandidate extends Candidate {
  readonly result: GenerateResult;
}

/** A member that failed, and in which of its samples. */
export interface LostMember {
  member: number;
  sample: number;
  error: LlamafuseError;
}

export interface CandidatePlan {
  /** Every member alone, inside the turn that is held. */
  members: readonly MemberAlone[];
  schedule: Schedule;
  selecting: Pick<Selecting, "samples" | "experts">;
  request: CheckedRequest;
  seed: number;
  onMemberFailure: OnMemberFailure;
  /** Who answers, by index. Default: all. */
  proposers?: readonly number[];
}

/** An answer that is asked for behind those of a round before. */
export interface FurtherAsk {
  member: number;
  sample: number;
  /** The first of these that the member's context holds is asked. */
  prompts: readonly PromptInput[];
}

interface Ask extends FurtherAsk {
  round?: number;
  expert?: string;
  /** Whether the member's cache holds this prompt's beginning. */
  isRead: boolean;
}

export class Candidates {
  readonly made: MadeCandidate[] = [];
  readonly lost: LostMember[] = [];
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  /** Of each member. Greedy samples would all be the same. */
  readonly rounds: number;

  constructor(
    private readonly plan: CandidatePlan,
    signal: AbortSignal,
  ) {
    this.rounds = plan.request.options.temperature === 0 ? 1 : plan.selecting.samples;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** How many there will be if nothing ends it early. */
  get planned(): number {
    const { members, selecting, proposers = members } = this.plan;
    return proposers.length * this.rounds * selecting.experts.length;
  }

  /** Members that did not fail. */
  get alive(): number[] {
    return Array.from(this.plan.members.keys()).filter((index) => !this.lost.some(({ member }) => member === index));
  }

  /** How many may still come after so many rounds. */
  leftAfter(rounds: number): number {
    return (this.rounds - rounds) * this.#asked.length * this.plan.selecting.experts.length;
  }

  /** Members that answer. */
  get #asked(): number[] {
    return this.alive.filter((member) => this.plan.proposers?.includes(member) ?? true);
  }

  /** One round, candidate after candidate in the order of the members. Errors: those of the members. */
  round(sample: number): AsyncGenerator<MadeCandidate, void, void> {
    const {
      request: { prompt },
      selecting: { experts },
    } = this.plan;
    return this.#gather(
      this.#asked.flatMap((member) =>
        experts.map((expert, place): Ask => {
          const asked = expert.name === "" ? {} : { expert: expert.name };
          return { member, sample, ...asked, prompts: [expert.ask(prompt)], isRead: sample > 0 || place > 0 };
        }),
      ),
    );
  }

  /** A further round, from 1. Answers for which no context has room are left out. Errors: those of the members. */
  further(round: number, asks: readonly FurtherAsk[]): AsyncGenerator<MadeCandidate, void, void> {
    return this.#gather(asks.map((ask) => ({ ...ask, round, isRead: false })));
  }

  /** Do what asks the members, and again without one that fails at it, where the others go on. Errors: those of `lose`. */
  async surviving<Made>(work: (alive: readonly number[]) => Promise<Made>): Promise<Made> {
    for (;;) {
      try {
        return await work(this.alive);
      } catch (error) {
        this.lose(error);
      }
    }
  }

  /** Go on without the member whose failure this is. Error: this one, where it is none, or ends the request. */
  lose(error: unknown, sample?: number): void {
    const { members, onMemberFailure } = this.plan;
    if (onMemberFailure === "fail" || !isMemberFailure(error)) throw error;
    const member = members.findIndex(({ members: [{ name }] }) => name === error.details.member);
    if (!this.alive.includes(member)) throw error;
    const own = this.made.filter((each) => each.member === member).length;
    this.lost.push({ member, sample: sample ?? own, error });
    if (this.alive.length === 0) throw error;
  }

  async *#gather(asks: readonly Ask[]): AsyncGenerator<MadeCandidate, void, void> {
    const running = this.plan.schedule === "parallel" ? this.#sideBySide(asks) : [];
    let isWhole = false;
    try {
      for (const [place, ask] of asks.entries()) {
        const candidate = await (running[place] ?? this.#answer(ask));
        if (candidate === undefined) continue;
        this.made.push(candidate);
        yield candidate;
      }
      isWhole = true;
    } finally {
      // Whoever fails or leaves early leaves no member at work.
      if (!isWhole) this.#stop.abort();
      await Promise.allSettled(running);
    }
  }

  /** All at once, but one member's asks one after another. */
  #sideBySide(asks: readonly Ask[]): Promise<MadeCandidate | undefined>[] {
    const last = new Map<number, Promise<unknown>>();
    return asks.map((ask) => {
      const answer = (last.get(ask.member) ?? Promise.resolve()).then(() => this.#answer(ask));
      last.set(ask.member, answer);
      // A failure is heard of where the answer is awaited.
      answer.catch(() => {});
      return answer;
    });
  }

  async #answer(ask: Ask): Promise<MadeCandidate | undefined> {
    const { prompts, isRead, ...place } = ask;
    const { member, sample } = place;
    for (const prompt of prompts) {
      if (this.lost.some((each) => each.member === member)) return undefined;
      try {
        const result = await this.plan.members[member].generate(prompt, this.#optionsOf(ask));
        const { text, finishReason, pieces = [] } = result;
        const logProb = pieces.reduce((sum, piece) => sum + piece.logProb, 0);
        return { ...place, text, finishReason, logProb, pieces: pieces.length, result };
      } catch (error) {
        if (ask.round === undefined || !isOverflow(error)) this.lose(error, sample);
      }
    }
    return undefined;
  }

  #optionsOf({ sample, round, isRead }: Ask): GenerateOptions {
    const { request, seed } = this.plan;
    const { traceTop, ...rest } = request.options;
    const drawsAnew = sample > 0 || round !== undefined;
    return {
      ...rest,
      seed: drawsAnew ? seedFor(seed, round === undefined ? "" : `round ${round}`, sample) : seed,
      trace: traceTop,
      logProbs: true,
      reusePrompt: rest.reusePrompt || isRead,
      signal: this.#signal,
    };
  }
}

/** Whether a prompt, or an answer behind it, does not fit a member's context. */
export function isOverflow(error: unknown): boolean {
  return error instanceof LlamafuseError && error.code === "context-overflow";
}
