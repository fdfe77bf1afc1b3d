/**
 * Answers, each made once: of members alone and of members under a method, to a prompt or to the choices of a question.
 *
 * Methods that work on finished answers (voting, ranking, cascades) ask an `AnswerSource` for the members' own answers,
 * by prompt and sample. Behind it stands the ledger, so that comparing ten such methods costs one generation a member,
 * and a second run none.
 */
import type { RoutedMethod } from "../before/live/routed-method.js";
import { keyOf, seedFor } from "../content-identity.js";
import type { FinishReason } from "../decoding/loop.js";
import type { PromptInput } from "../decoding/prompt.js";
import type { SamplerOptions } from "../decoding/sampler-options.js";
import type { ChosenPiece } from "../decoding/trace.js";
import type { MethodOptions } from "../during/methods.js";
import type { Ledger } from "./ledger.js";

/** What is asked. */
export interface AnswerRequest {
  prompt: PromptInput;
  /** Texts to be scored after the prompt. With them nothing is generated. */
  choices?: readonly string[];
  generation: Omit<SamplerOptions, "seed"> & { maxTokens: number; stop: readonly string[] };
  /** The run's seed; every prompt and sample draws from one of its own. */
  seed: number;
}

/** What was said, and what it cost. Plain data that survives JSON. */
export interface Answer {
  /** Empty where choices were scored. */
  text: string;
  /** Absent where choices were scored. */
  finishReason?: FinishReason;
  /** A member's own answer, piece by piece with natural log-probabilities, the end too. */
  pieces?: ChosenPiece[];
  /** ln p(choice | prompt) in nats, in the order of the choices; null stands for -Infinity. */
  logLikelihoods?: (number | null)[];
  /** Fused decisions. */
  steps: number;
  /** Tokens that each member evaluated, prompts included, in the order of the members that were asked. */
  tokens: number[];
  /** Wall time in seconds, and how much of it went before the first step. */
  seconds: number;
  promptSeconds: number;
}

/** How several members answer together: fused, or one of them chosen by a router. */
export type TeamMethod = MethodOptions | RoutedMethod;

/** A member alone (method "single") or several under a method. */
export interface Team {
  method: TeamMethod;
  /** Indexes of members. */
  members: readonly number[];
  /** Of the files that the method's options name, by option: the hash of what they hold (see `hashesOfFiles`). */
  files?: Readonly<Record<string, string>>;
}

/** Where methods that work on finished answers get them. */
export interface AnswerSource {
  /** The members' names, in their order. */
  readonly members: readonly string[];
  /** One member's own answer. Samples 0, 1, 2, … have seeds of their own; greedy ones are all the same. */
  answerOf(member: number, request: AnswerRequest, sample?: number): Promise<Answer>;
}

/** Asks the models. `seed` is the one to sample with. */
export type Ask = (team: Team, request: AnswerRequest, seed: number) => Promise<Answer>;

/** What an answer depends on besides the request: see `memberIdentities`. */
export interface CachedMember {
  name: string;
  /** Everything about the member that its answers depend on. */
  identity: unknown;
  weight?: number;
}

export class AnswerCache implements AnswerSource {
  /** Answers that are being made: whoever asks for the same one waits with the first. */
  readonly #pending = new Map<string, Promise<Answer>>();

  constructor(
    private readonly ledger: Ledger<Answer>,
    private readonly team: readonly CachedMember[],
    private readonly ask: Ask,
    /** The release; another one may answer otherwise. */
    private readonly version: string,
    /** Ends the wait for an answer that another run is making. */
    private readonly signal?: AbortSignal,
  ) {}

  get members(): readonly string[] {
    return this.team.map(({ name }) => name);
  }

  answerOf(member: number, request: AnswerRequest, sample = 0): Promise<Answer> {
    return this.answer({ method: { name: "single" }, members: [member] }, request, sample);
  }

  /** Whether the answer is there already. */
  has(team: Team, request: AnswerRequest, sample = 0): boolean {
    return this.ledger.get(this.#keyOf(team, request, sample)) !== undefined;
  }

  /** A team's answer: from the ledger, or made and put there. */
  answer(team: Team, request: AnswerRequest, sample = 0): Promise<Answer> {
    const key = this.#keyOf(team, request, sample);
    const known = this.ledger.get(key);
    if (known !== undefined) return Promise.resolve(known);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#make(key, team, request, sample).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return pending;
  }

  async #make(key: string, team: Team, request: AnswerRequest, sample: number): Promise<Answer> {
    const theirs = await this.ledger.claim(key, this.signal);
    if (theirs !== undefined) return theirs;
    let answer: Answer | undefined;
    try {
      answer = await this.ask(team, request, seedFor(request.seed, request.prompt, sampleOf(request, sample)));
    } finally {
      // An answer that was cut short by a signal is nobody's.
      if (answer === undefined || answer.finishReason === "aborted") this.ledger.release(key);
    }
    if (answer.finishReason !== "aborted") this.ledger.set(key, answer);
    return answer;
  }

  #keyOf({ method, members, files }: Team, request: AnswerRequest, sample: number): string {
    const { prompt, choices, generation, seed } = request;
    const voices = members.map((index) => {
      const { identity, weight } = this.team[index];
      // One voice alone has no share to give away.
      return members.length === 1 ? { identity } : { identity, weight: weight ?? 1 };
    });
    const asked = choices === undefined ? { generation, seed, sample: sampleOf(request, sample) } : { choices };
    return keyOf({ version: this.version, method, files, voices, prompt, ...asked });
  }
}

/** Without chance, every sample is the first. */
function sampleOf({ choices, generation }: AnswerRequest, sample: number): number {
  return choices !== undefined || (generation.temperature ?? 0) === 0 ? 0 : sample;
}
