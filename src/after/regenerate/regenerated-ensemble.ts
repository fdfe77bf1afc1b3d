/**
 * A regeneration at work: the members answer each on their own, and the answer is made of theirs. It streams while it is written.
 *
 * Members write at the request's own temperature, greedily where it sets none, whatever they were sampled at. Where a writer fails
 * and the others go on, the next one goes on behind its text. A writer that says nothing leaves the best of the candidates. A
 * request that is cancelled before anybody writes gives no text.
 */
import type { CheckedRequest, GenerateOptions } from "../../decoding/request.js";
import { abortedAnswer, type GenerateResult, type StreamChunk } from "../../decoding/result.js";
import { randomSeed } from "../../random.js";
import { type Candidate, type CandidateReport, isBlank } from "../select/candidate.js";
import { isOverflow, type MadeCandidate } from "../select/candidates.js";
import { contextOf, questionOf, type Scoring } from "../select/context.js";
import { type AnswersChunk, type AnswersRequest, OverAnswers, withoutChoice } from "../select/over-answers.js";
import type { Regeneration, RegenerationContext, RegenerationRule, Writing, Written } from "./define-regeneration.js";
import { behind, writerOf } from "./writing.js";

/** Which answers there were, and what was made of them. */
export interface RegenerationReport {
  /** Index of the answer that was given as it is; -1 where one was written, or the request was cancelled before. */
  chosen: number;
  /** The member that wrote the answer. */
  writer?: string;
  /** Indexes of the answers that the writer read, in its order. */
  read: number[];
  reason: string;
  candidates: CandidateReport[];
  /** How many answers were planned, over all rounds. */
  planned: number;
  /** Milliseconds for the answers of the first round, and for everything behind it. */
  answersMs: number;
  regenerateMs: number;
}

export interface RegeneratedResult extends GenerateResult {
  regeneration: RegenerationReport;
}

export interface RegeneratedChunk extends AnswersChunk {}

/** With what it took. */
type Made = Written & { result: GenerateResult; usage: Scoring };

interface Run extends AnswersRequest {
  /** Of all rounds. */
  planned: number;
  written: Made[];
}

/** Made by `createEnsemble`. */
export class RegeneratedEnsemble extends OverAnswers<RegenerationRule, RegeneratedResult, RegeneratedChunk> {
  protected async *answer(
    request: CheckedRequest,
    own: CheckedRequest,
    signal: AbortSignal,
  ): AsyncGenerator<RegeneratedChunk, RegeneratedResult, void> {
    const seed = request.options.seed ?? randomSeed();
    const started = performance.now();
    const candidates = this.candidatesFor({ request, seed, signal }, this.rule.proposers?.(this.#named));
    const planned = this.rule.planned?.(candidates.planned) ?? candidates.planned;
    const run: Run = { request, own, seed, signal, candidates, extra: [], planned, written: [] };
    for (let round = 0; round < candidates.rounds && !signal.aborted; round++) {
      yield* this.#told(run, candidates.round(round));
    }
    const answersMs = performance.now() - started;
    // Where all that propose have failed, others may be alive.
    if (candidates.made.length === 0 && candidates.lost.length > 0) throw candidates.lost[0].error;
    const regeneration = yield* this.#regenerate(run);
    const regenerateMs = performance.now() - started - answersMs;
    const result = this.#result(run, regeneration, { answersMs, regenerateMs });
    if (result.regeneration.chosen >= 0 && result.text !== "") yield { text: result.text };
    return result;
  }

  /** Undefined where the signal fired before an answer was made. */
  async *#regenerate(run: Run): AsyncGenerator<RegeneratedChunk, Regeneration | undefined, void> {
    const { candidates, signal } = run;
    if (signal.aborted) return undefined;
    const known = withoutChoice(candidates.made);
    if (known !== undefined) return { best: known.chosen, reason: known.reason };
    const telling = candidates.made.filter((candidate) => !isBlank(candidate));
    try {
      return yield* this.rule.regenerate(telling, this.#contextOf(run));
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #contextOf(run: Run): RegenerationContext {
    const { request, candidates, seed, signal, extra } = run;
    const { members, weights } = this.parts;
    return {
      prompt: request.prompt,
      question: questionOf(request),
      members: this.#named,
      get alive() {
        return candidates.alive;
      },
      ask: (round, asks) => this.#told(run, candidates.further(round, asks)),
      judging: (work) =>
        candidates.surviving((judges) => work(contextOf({ request, members, weights, judges, seed, signal, extra }))),
      write: (writing) => this.#write(run, writing),
    };
  }

  /** Tell of each candidate as it comes, and give all. Error: aborted. */
  async *#told(
    { candidates, planned, signal }: Run,
    answers: AsyncGenerator<MadeCandidate, void, void>,
  ): AsyncGenerator<RegeneratedChunk, Candidate[], void> {
    const made: Candidate[] = [];
    for await (const candidate of answers) {
      made.push(candidate);
      const count = candidates.made.length;
      yield { text: "", candidate: { ...this.reported(candidate), count, planned } };
    }
    if (made.some(({ round }) => round !== undefined)) signal.throwIfAborted();
    return made;
  }

  async *#write(
    run: Run,
    { writer, prompts, goesOn = false }: Writing,
  ): AsyncGenerator<AnswersChunk, Written | undefined> {
    const { candidates, own, seed, signal } = run;
    const { traceTop, maxTokens, ...options } = own.options;
    const given: GenerateOptions = { ...options, seed, trace: traceTop, reusePrompt: goesOn, signal };
    let text = "";
    let steps = 0;
    for (let read = 0; ; ) {
      const member = writerOf(this.members[writer].name, { members: this.#named, alive: candidates.alive });
      const prompt = behind(prompts[read], text);
      const left = Math.max(1, maxTokens - steps);
      try {
        const stream = this.parts.members[member].stream(prompt, { ...given, maxTokens: maxTokens === 0 ? 0 : left });
        const result = yield* saying(stream, goesOn && text === "", (more) => {
          text += more;
          steps++;
        });
        const usage = goesOn ? withoutHeld(result.usage, run.extra, this.members[member].name) : result.usage;
        const written = { writer: member, text, read, result, usage };
        run.written.push(written);
        return written;
      } catch (error) {
        if (signal.aborted) throw error;
        if (!isOverflow(error) || text !== "") candidates.lose(error);
        else if (++read === prompts.length) return undefined;
      }
    }
  }

  #result(
    run: Run,
    regeneration: Regeneration | undefined,
    times: Pick<RegenerationReport, "answersMs" | "regenerateMs">,
  ): RegeneratedResult {
    const { candidates, seed, own, planned, written: all } = run;
    const { made } = candidates;
    const { best, written, read = [], scores } = regeneration ?? {};
    const answer = all.find((each) => each === written);
    const isWritten = answer !== undefined && (answer.text.trim() !== "" || answer.result.finishReason === "aborted");
    const placeOf = (candidate: Candidate) => made.indexOf(candidate as MadeCandidate);
    const chosen = isWritten || best === undefined ? -1 : placeOf(best);
    const { pieces, ...given } = isWritten
      ? { ...answer.result, text: answer.text }
      : (made[chosen]?.result ?? abortedAnswer(this.methodName, seed));
    const reason = regeneration?.reason ?? "The request was cancelled before an answer was made.";
    return {
      ...given,
      ...(pieces !== undefined && own.options.logProbs && { pieces }),
      ...(regeneration === undefined && { finishReason: "aborted" as const }),
      method: this.methodName,
      seed,
      ...this.account(
        run,
        all.map(({ usage }) => usage),
      ),
      regeneration: {
        chosen,
        ...(isWritten && { writer: this.members[answer.writer].name }),
        read: isWritten ? read.slice(0, read.length - answer.read).map(placeOf) : [],
        reason:
          answer === undefined || isWritten
            ? reason
            : `${this.members[answer.writer].name} wrote nothing, so the best answer is given.`,
        candidates: made.map((candidate) => this.reported(candidate, scores?.get(candidate))),
        planned,
        ...times,
      },
    };
  }

  get #named(): RegenerationContext["members"] {
    return this.members.map(({ name }, index) => ({ name, weight: this.parts.weights[index] }));
  }
}

/**
 * Pieces as they come, space before the first word held back until that comes: an answer of space alone is none. Where `trims`, it
 * is left out.
 */
async function* saying(
  source: AsyncGenerator<StreamChunk, GenerateResult, void>,
  trims: boolean,
  onText: (text: string) => void,
): AsyncGenerator<StreamChunk, GenerateResult, void> {
  let space = "";
  let hasBegun = false;
  try {
    for (;;) {
      const next = await source.next();
      if (next.done) return next.value;
      let text = next.value.text;
      if (!hasBegun) {
        space += text;
        hasBegun = space.trim() !== "";
        text = hasBegun ? (trims ? space.trimStart() : space) : "";
      }
      onText(text);
      yield { ...next.value, text };
    }
  } finally {
    await source.return(undefined as never);
  }
}

/** Of a prompt that the cache held since it was last scored, only the rest was read. */
function withoutHeld(usage: Scoring, extra: readonly Scoring[], name: string): Scoring {
  const held = extra.findLast(({ memberPromptTokens }) => name in memberPromptTokens)?.memberPromptTokens[name] ?? 0;
  const read = Math.max(0, (usage.memberPromptTokens[name] ?? 0) - held);
  return { ...usage, promptTokens: read, memberPromptTokens: { [name]: read } };
}
