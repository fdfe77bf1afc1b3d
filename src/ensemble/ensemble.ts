/** Several members that answer as one: a method of fusion over loaded members. */
import { withCallback } from "../callbacks.js";
import { type Machinery, streamAnswer } from "../decoding/loop.js";
import { checkOnMemberFailure, type OnMemberFailure } from "../decoding/member-failure.js";
import type { PromptInput } from "../decoding/prompt.js";
import {
  type CheckedRequest,
  checkDefaults,
  checkRequest,
  checkScoring,
  type GenerateOptions,
  type ScoreOptions,
} from "../decoding/request.js";
import type { GenerateResult, StreamChunk } from "../decoding/result.js";
import { scoreText, type TextScore } from "../decoding/score.js";
import { scoreWhole, type WholeScore } from "../decoding/score-whole.js";
import { SpeculationRecord } from "../decoding/speculation.js";
import type { Voice } from "../during/method.js";
import { type ChosenMethod, type MethodGiven, methodNamed } from "../during/methods.js";
import { speakingOf } from "../during/weightings/weights.js";
import { LlamafuseError, toLlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";
import type { Answerer } from "./answerer.js";
import { answerInTurn, streamInTurn } from "./in-turn.js";
import { type CheckedLoadOptions, checkLoadOptions, type LoadOptions, type LoadProgress } from "./load-options.js";
import { type Cast, castOf, inSlot, loadChecked, type Members, untilAborted } from "./members.js";
import type { Plan } from "./plan.js";
import type { Turn } from "./turns.js";

/** How an ensemble is made. */
export interface FuseOptions {
  /** Defaults of every request: `{ temperature: 0.7, maxTokens: 200 }`. */
  request?: GenerateOptions;
  /**
   * When a member fails in the middle of an answer (its thread or process dies, it hangs, its logits are no numbers):
   * `fail` (default) ends the request with its error, `continue` finishes the answer with the other members, and the
   * result's `dropped` names it. Scoring a text always fails.
   */
  onMemberFailure?: OnMemberFailure;
  /** Called while the method builds what it needs for these members. */
  onProgress?: (progress: LoadProgress) => void;
  /** Cancels it: an error "aborted". */
  signal?: AbortSignal;
}

/**
 * A method over members that are loaded and stay the caller's. Errors: invalid-option, incompatible-members, aborted.
 */
export async function fuse(members: Members, method: MethodGiven, options: FuseOptions = {}): Promise<Ensemble> {
  return await untilAborted(options.signal, () => build(members, methodNamed(method), options, async () => {}));
}

/** Load members and put a method over them; they go with the ensemble. Errors: those of `loadMembers` and `fuse`. */
export async function loadEnsemble(
  options: LoadOptions & Pick<FuseOptions, "request" | "onMemberFailure"> & { method: MethodGiven },
): Promise<Ensemble> {
  const { method: given, request, onMemberFailure, ...load } = options;
  // What can be known to be wrong is said before gigabytes are loaded.
  const checked = checkLoadOptions(load, "createEnsemble");
  const method = methodNamed(given);
  const defaults = checkDefaults(request);
  checkOnMemberFailure(onMemberFailure);
  return await overLoaded(checked, (members) =>
    build(members, method, { ...checked, request: defaults, onMemberFailure }, () => members.dispose()),
  );
}

/** Load members for what `make` puts over them. Nothing stays loaded after an error of its own. Errors: those of both, aborted. */
export async function overLoaded<Made>(
  checked: CheckedLoadOptions,
  make: (members: Members) => Promise<Made>,
): Promise<Made> {
  return await untilAborted(checked.signal, async () => {
    const members = await loadChecked(checked);
    const isGiven = (member: Member) => (checked.members as readonly unknown[]).includes(member);
    try {
      return await make(members);
    } catch (error) {
      const loaded = castOf(members).voices.map(({ member }) => member);
      await Promise.all(loaded.filter((member) => !isGiven(member)).map((member) => member.dispose()));
      throw error;
    }
  });
}

async function build(
  members: Members,
  method: ChosenMethod,
  { onProgress, signal, request, onMemberFailure }: FuseOptions,
  disposeMembers: () => Promise<void>,
): Promise<Ensemble> {
  const failure = checkOnMemberFailure(onMemberFailure);
  const cast = castOf(members);
  if (cast.turns.closed !== undefined) throw cast.turns.closed;
  const voices = speakingOf(cast.voices);
  await withCallback<FuseOptions, void>({ onProgress, signal }, async (watched) => {
    const report = (fraction: number) => watched.onProgress?.({ member: method.info.name, phase: "build", fraction });
    await method.build(voices, { onProgress: report, signal: watched.signal });
  });
  if (signal?.aborted) throw new LlamafuseError("aborted", "Loading was cancelled.", {}, signal.reason);
  return new Ensemble(cast, method, disposeMembers, checkDefaults(request), failure);
}

/** Made by `createEnsemble`. */
export class Ensemble implements Answerer {
  readonly #cast: Cast;
  readonly #method: ChosenMethod;
  readonly #speaking: readonly Voice[];
  readonly #disposeMembers: () => Promise<void>;
  readonly #defaults: GenerateOptions;
  readonly #speculation = new SpeculationRecord();
  #disposed: Promise<void> | undefined;

  constructor(
    cast: Cast,
    method: ChosenMethod,
    disposeMembers: () => Promise<void>,
    defaults: GenerateOptions,
    private readonly onMemberFailure: OnMemberFailure,
  ) {
    this.#defaults = defaults;
    this.#cast = cast;
    this.#method = method;
    this.#speaking = speakingOf(cast.voices);
    this.#disposeMembers = disposeMembers;
  }

  get members(): readonly Member[] {
    return this.#cast.voices.map(({ member }) => member);
  }

  get methodName(): string {
    return this.#method.info.name;
  }

  /** Schedule and threads in use, chosen or measured. */
  get plan(): Plan {
    return this.#cast.plan;
  }

  /** The whole answer to a prompt or a conversation. A fired `signal` gives the text so far, `finishReason: "aborted"`. */
  async generate(prompt: PromptInput, options?: GenerateOptions): Promise<GenerateResult> {
    const request = checkRequest(prompt, options, this.#defaults);
    return await answerInTurn(
      () => this.#takeTurn(request.options),
      (turn) => this.#answer(request, turn),
    );
  }

  /**
   * The answer piece by piece; the generator returns what `generate` does. Leaving the loop early ends the request. Where
   * another request comes while the reader pauses, the rest is made at once and kept for the reader.
   */
  async *stream(prompt: PromptInput, options?: GenerateOptions): AsyncGenerator<StreamChunk, GenerateResult, void> {
    const request = checkRequest(prompt, options, this.#defaults);
    return yield* streamInTurn(
      () => this.#takeTurn(request.options),
      (turn) => this.#answer(request, turn),
    );
  }

  #answer(request: CheckedRequest, turn: Turn): AsyncGenerator<StreamChunk, GenerateResult, void> {
    const { voices, machinery } = this.#inSlots(turn);
    return streamAnswer(voices, this.#method, machinery, request, turn.signal);
  }

  /**
   * How likely the method finds a text after a prompt: the sum of the log-probabilities of its pieces, in nats. Comparing
   * the choices of a question by it is how multiple choice is graded. See decoding/score.ts for the formula.
   *
   * ```ts
   * const { logProb } = await ensemble.score("Question: What is a young deer?\nAnswer:", " a fawn");
   * ```
   */
  async score(prompt: PromptInput, text: string, options?: ScoreOptions): Promise<TextScore> {
    const request = checkScoring(prompt, text, options);
    const turn = await this.#takeTurn(request.options);
    try {
      const { voices, machinery } = this.#inSlots(turn);
      return await scoreText(voices, this.#method, machinery, request, turn.signal);
    } catch (error) {
      throw toLlamafuseError(error, `The method "${this.methodName}"`);
    } finally {
      turn.end();
    }
  }

  /**
   * How likely the method finds a text from its beginning, in nats, without its end; longer than the members' contexts, too
   * (see decoding/score-whole.ts). `memory`: keeps what rules learn from one text to the next. Errors: invalid-text, aborted, and those of the method.
   */
  async scoreWhole(
    text: string,
    { signal, memory }: Pick<ScoreOptions, "signal"> & { memory?: Map<string, unknown> } = {},
  ): Promise<WholeScore> {
    const request = checkScoring("-", text, { signal });
    const turn = await this.#takeTurn({ signal });
    try {
      const bytes = new TextEncoder().encode(request.text);
      const { voices, machinery } = this.#inSlots(turn);
      return await scoreWhole(voices, this.#method, { ...machinery, memory }, bytes, turn.signal);
    } finally {
      turn.end();
    }
  }

  /**
   * Stop its requests; where the ensemble loaded its members, free every model and end every thread. Members that
   * `loadMembers` loaded stay. May be called at any time, any number of times.
   */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#cast.turns.stop(disposedError(), this);
      await this.#disposeMembers();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** The slots that a turn has, and what goes with them. */
  #inSlots(turn: Turn): { voices: readonly Voice[]; machinery: Machinery } {
    const { plan, sharedBy } = this.#cast;
    const { onMemberFailure } = this;
    const voices = this.#speaking.map((voice) => ({ ...voice, member: inSlot(voice.member, turn.slots) }));
    const { combiner, forms } = sharedBy(turn.slots);
    const machinery = { schedule: plan.schedule, combiner, forms, onMemberFailure, speculation: this.#speculation };
    return { voices, machinery };
  }

  async #takeTurn({ signal, exact }: { signal?: AbortSignal; exact?: boolean }): Promise<Turn> {
    if (this.#disposed !== undefined) throw disposedError();
    const members = this.#cast.voices.map(({ member }) => member);
    // A member with branches has them in a context of its own, of which there is one.
    const alone = exact === true || this.#method.branches(this.#speaking);
    return await this.#cast.turns.take({ owner: this, members, signal, alone });
  }
}

/** What every request to a disposed answerer ends with. */
export function disposedError(): LlamafuseError {
  return new LlamafuseError("disposed", "This ensemble has been disposed. Make a new one with createEnsemble.");
}
