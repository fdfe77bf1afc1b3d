/**
 * Candidates, made in rounds: in each, every member answers once in every way of asking. Members answer side by side where
 * they are scheduled so. A member's first answer is the one that it gives alone; its further ones draw from seeds of their
 * own and find the prompt in its cache.
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
import type { LlamafuseError } from "../../errors.js";
import type { Candidate, MemberAlone } from "./candidate.js";
import type { Expert, Selecting } from "./define-selection.js";

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
  selecting: Selecting;
  request: CheckedRequest;
  seed: number;
  onMemberFailure: OnMemberFailure;
}

interface Ask {
  member: number;
  sample: number;
  expert: Expert;
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
    const { members, selecting } = this.plan;
    return members.length * this.rounds * selecting.experts.length;
  }

  /** Members that did not fail. */
  get alive(): number[] {
    return Array.from(this.plan.members.keys()).filter((index) => !this.lost.some(({ member }) => member === index));
  }

  /** How many may still come after so many rounds. */
  leftAfter(rounds: number): number {
    return (this.rounds - rounds) * this.alive.length * this.plan.selecting.experts.length;
  }

  /** One round, candidate after candidate in the order of the members. Errors: those of the members. */
  async *round(sample: number): AsyncGenerator<MadeCandidate, void, void> {
    const {
      schedule,
      selecting: { experts },
    } = this.plan;
    const asks = this.alive.flatMap((member) => experts.map((expert): Ask => ({ member, sample, expert })));
    const running = schedule === "parallel" ? this.#sideBySide(asks) : [];
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

  async #answer({ member, sample, expert }: Ask): Promise<MadeCandidate | undefined> {
    if (this.lost.some((each) => each.member === member)) return undefined;
    const { request, members, onMemberFailure } = this.plan;
    const isFirst = sample === 0 && expert === this.plan.selecting.experts[0];
    const prompt: PromptInput = expert.ask(request.prompt);
    try {
      const result = await members[member].generate(prompt, this.#optionsOf(sample, isFirst));
      const { text, finishReason, pieces = [] } = result;
      const logProb = pieces.reduce((sum, piece) => sum + piece.logProb, 0);
      const asked = expert.name === "" ? {} : { expert: expert.name };
      return { member, sample, ...asked, text, finishReason, logProb, pieces: pieces.length, result };
    } catch (error) {
      if (onMemberFailure === "fail" || !isMemberFailure(error)) throw error;
      this.lost.push({ member, sample, error });
      if (this.alive.length === 0) throw error;
      return undefined;
    }
  }

  #optionsOf(sample: number, isFirst: boolean): GenerateOptions {
    const { request, seed } = this.plan;
    const { traceTop, ...rest } = request.options;
    return {
      ...rest,
      seed: sample === 0 ? seed : seedFor(seed, "", sample),
      trace: traceTop,
      logProbs: true,
      reusePrompt: rest.reusePrompt || !isFirst,
      signal: this.#signal,
    };
  }
}
