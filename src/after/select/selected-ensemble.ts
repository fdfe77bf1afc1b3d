/**
 * A selection at work: the members answer each on their own, and one of the answers is given as it is.
 *
 * A cancelled request gives no text, since nothing has been chosen by then; its account counts what the members had said.
 */
import type { CheckedRequest } from "../../decoding/request.js";
import { abortedAnswer, type GenerateResult } from "../../decoding/result.js";
import { randomSeed } from "../../random.js";
import { type CandidateReport, isBlank } from "./candidate.js";
import { contextOf, questionOf } from "./context.js";
import type { Selection, SelectionRule } from "./define-selection.js";
import { type AnswersChunk, type AnswersRequest, OverAnswers, withoutChoice } from "./over-answers.js";

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

export interface SelectedChunk extends AnswersChunk {}

/** Made by `createEnsemble`. */
export class SelectedEnsemble extends OverAnswers<SelectionRule, SelectedResult, SelectedChunk> {
  protected async *answer(
    request: CheckedRequest,
    own: CheckedRequest,
    signal: AbortSignal,
  ): AsyncGenerator<SelectedChunk, SelectedResult, void> {
    const seed = request.options.seed ?? randomSeed();
    const started = performance.now();
    const candidates = this.candidatesFor({ request, seed, signal });
    for (let round = 0; round < candidates.rounds && !signal.aborted; round++) {
      for await (const made of candidates.round(round)) {
        const count = candidates.made.length;
        yield { text: "", candidate: { ...this.reported(made), count, planned: candidates.planned } };
      }
      const left = candidates.leftAfter(round + 1);
      if (left === 0 || this.rule.isSettled?.(candidates.made, left, questionOf(request))) break;
    }
    const answersMs = performance.now() - started;
    const work: AnswersRequest = { request, own, seed, signal, candidates, extra: [] };
    const selection = signal.aborted ? undefined : await this.#choose(work);
    const chooseMs = performance.now() - started - answersMs;
    const result = this.#result(work, selection, { answersMs, chooseMs });
    if (result.text !== "") yield { text: result.text };
    return result;
  }

  /** Undefined where the signal fired meanwhile. */
  async #choose({ request, candidates, seed, extra, signal }: AnswersRequest): Promise<Selection | undefined> {
    const { members, weights } = this.parts;
    const { made } = candidates;
    const scores = made.map(() => Number.NaN);
    const known = withoutChoice(made);
    if (known !== undefined) return { chosen: made.indexOf(known.chosen), scores, reason: known.reason };
    const telling = made.filter((candidate) => !isBlank(candidate));
    try {
      return await candidates.surviving(async (judges) => {
        const context = contextOf({ request, members, weights, judges, seed, signal, extra });
        const selection = await this.rule.select(telling, context);
        for (const [index, candidate] of telling.entries()) scores[made.indexOf(candidate)] = selection.scores[index];
        return { ...selection, chosen: made.indexOf(telling[selection.chosen]), scores };
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #result(
    work: AnswersRequest,
    selection: Selection | undefined,
    times: Pick<SelectionReport, "answersMs" | "chooseMs">,
  ): SelectedResult {
    const { candidates, seed, request } = work;
    const { made, planned } = candidates;
    const answer = selection && made[selection.chosen].result;
    const { pieces, ...given } = answer ?? abortedAnswer(this.methodName, seed);
    return {
      ...given,
      ...(pieces !== undefined && request.options.logProbs && { pieces }),
      ...(selection === undefined && { finishReason: "aborted" as const }),
      method: this.methodName,
      seed,
      ...this.account(work),
      selection: {
        chosen: selection?.chosen ?? -1,
        reason: selection?.reason ?? "The request was cancelled before an answer was chosen.",
        candidates: made.map((candidate, index) => this.reported(candidate, selection?.scores[index])),
        planned,
        ...times,
      },
    };
  }
}
