/**
 * Answers, each made once: of members alone and of members under a method, to a prompt or to the choices of a question.
 *
 * Methods that work on finished answers (voting, ranking, cascades) ask an `AnswerCache` for the members' own answers,
 * by prompt and sample. Behind it stands the ledger, so that comparing ten such methods costs one generation a member,
 * and a second run none.
 */
import { keyOf, seedFor } from "../content-identity.js";
import type { PromptInput, PromptOptions } from "../decoding/prompt.js";
import type { FinishReason } from "../decoding/result.js";
import type { SamplerOptions } from "../decoding/sampler-options.js";
import type { ChosenPiece } from "../decoding/trace.js";
import type { NamedMethod } from "../ensemble/system.js";
import type { Ledger } from "./ledger.js";

/** What is asked. */
export interface AnswerRequest {
  prompt: PromptInput;
  /** Texts to be scored after the prompt. With them nothing is generated. */
  choices?: readonly string[];
  generation: Omit<SamplerOptions, "seed"> & PromptOptions & { maxTokens: number; stop: readonly string[] };
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

/** Who answers: a member alone (method "single"), or several under a method or a router. */
export interface Respondent {
  method: NamedMethod;
  /** Indexes of members. */
  members: readonly number[];
  /** Of the files that the method's options name, by option: the hash of what they hold (see `hashesOfFiles`). */
  files?: Readonly<Record<string, string>>;
}

/** Asks the models. `seed` is the one to sample with. */
export type Ask = (respondent: Respondent, request: AnswerRequest, seed: number) => Promise<Answer>;

/** What an answer depends on besides the request: see `memberIdentities`. */
export interface CachedMember {
  name: string;
  /** Everything about the member that its answers depend on. */
  identity: unknown;
  weight?: number;
}

const ALONE: NamedMethod = { name: "single" };

export class AnswerCache {
  /** Answers that are being made: whoever asks for the same one waits with the first. */
  readonly #pending = new Map<string, Promise<Answer>>();

  constructor(
    private readonly ledger: Ledger<Answer>,
    private readonly cached: readonly CachedMember[],
    private readonly ask: Ask,
    /** The release; another one may answer otherwise. */
    private readonly version: string,
    /** Ends the wait for an answer that another run is making. */
    private readonly signal?: AbortSignal,
  ) {}

  /** The members' names, in their order. */
  get members(): readonly string[] {
    return this.cached.map(({ name }) => name);
  }

  /** One member's own answer. Samples 0, 1, 2, … have seeds of their own; greedy ones are all the same. */
  answerOf(member: number, request: AnswerRequest, sample = 0): Promise<Answer> {
    return this.answer({ method: ALONE, members: [member] }, request, sample);
  }

  /** Whether the answer is there already. */
  has(respondent: Respondent, request: AnswerRequest, sample = 0): boolean {
    return this.ledger.get(this.#keyOf(respondent, request, sample)) !== undefined;
  }

  /** A respondent's answer: from the ledger, or made and put there. */
  answer(respondent: Respondent, request: AnswerRequest, sample = 0): Promise<Answer> {
    const key = this.#keyOf(respondent, request, sample);
    const known = this.ledger.get(key);
    if (known !== undefined) return Promise.resolve(known);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#make(key, respondent, request, sample).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return pending;
  }

  async #make(key: string, respondent: Respondent, request: AnswerRequest, sample: number): Promise<Answer> {
    const theirs = await this.ledger.claim(key, this.signal);
    if (theirs !== undefined) return theirs;
    let answer: Answer | undefined;
    try {
      answer = await this.ask(respondent, request, seedFor(request.seed, request.prompt, sampleOf(request, sample)));
    } finally {
      // An answer that was cut short by a signal is nobody's.
      if (answer === undefined || answer.finishReason === "aborted") this.ledger.release(key);
    }
    if (answer.finishReason !== "aborted") this.ledger.set(key, answer);
    return answer;
  }

  #keyOf({ method, members, files }: Respondent, request: AnswerRequest, sample: number): string {
    const { prompt, choices, generation, seed } = request;
    const voices = members.map((index) => {
      const { identity, weight } = this.cached[index];
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
