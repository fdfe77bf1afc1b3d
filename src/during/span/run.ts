/**
 * One request of a method of spans: generation → assessment → selection, round by round. A step of the answer is a span; one
 * that ends the answer is followed by the end.
 */
import { settleAll } from "../../settle-all.js";
import type { FusedDistribution, JudgedText, MethodContext, MethodReport, MethodRun } from "../method.js";
import type { Candidate } from "./candidate.js";
import { SpanTeam } from "./team.js";

/** A candidate with its score and those of its judges, by voice; what is better is the method's to say. */
export interface Judged extends Candidate {
  score: number;
  scores: readonly (number | undefined)[];
}

export interface Round {
  candidates: readonly Judged[];
  /** Index of the one that is said. */
  chosen: number;
}

/** A method of spans, for one request. */
export interface SpanChooser {
  /** What comes behind the text, of at most so many tokens. */
  next(team: SpanTeam, most: number): Promise<Round>;
  /** What it has to say of its work, beside what each member decoded. */
  report?(): Readonly<Record<string, number>>;
}

const END = 0;
const TEXT = 1;
const NO_BYTES = new Uint8Array();

export class SpanRun implements MethodRun {
  readonly #team: SpanTeam;
  #used = 0;
  #rounds = 0;
  #span: Judged | undefined;
  /** Whether the span that was said last ends the answer. */
  #ends = false;
  readonly #two = new Float64Array(2);

  constructor(
    private readonly context: MethodContext,
    private readonly chooser: SpanChooser,
    method: string,
  ) {
    this.#team = new SpanTeam(context, method);
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    await settleAll(voices.map(({ member }) => member.prepare({ top: traceTop })));
  }

  async step(): Promise<FusedDistribution> {
    if (this.#ends) return this.#distribution(END, NO_BYTES, 1);
    const { maxSteps = Number.POSITIVE_INFINITY } = this.context;
    const { candidates, chosen } = await this.chooser.next(this.#team, maxSteps - this.#used);
    this.#rounds++;
    const span = (this.#span = candidates[chosen]);
    const isEmpty = span.bytes.length === 0;
    // The end takes a step of its own.
    const tokens = Math.max(1, span.tokens - (span.ends ? 1 : 0));
    const judged = candidates.map(({ bytes, ends, writers, score, scores }, index): JudgedText => {
      return { bytes, ends, writers, score, scores, isChosen: index === chosen };
    });
    return { ...this.#distribution(isEmpty ? END : TEXT, span.bytes, tokens), candidates: judged };
  }

  accept(entry: number): void {
    const { voices } = this.context;
    if (entry === END || this.#span === undefined) {
      for (const { member } of voices) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      return;
    }
    const { bytes, ends, tokens } = this.#span;
    this.#used += Math.max(1, tokens - (ends ? 1 : 0));
    this.#ends = ends;
    for (const { member } of voices) member.append({ kind: "text", bytes });
  }

  report(): MethodReport {
    return { ...this.#team.report, ensemble: { rounds: this.#rounds, ...this.chooser.report?.() } };
  }

  #distribution(best: number, bytes: Uint8Array, tokens: number): FusedDistribution {
    this.#two.fill(0)[best] = 1;
    const bytesOf = (entry: number) => (entry === END ? NO_BYTES : bytes);
    return {
      size: bytes.length > 0 ? 2 : 1,
      probabilities: this.#two,
      endEntry: END,
      bytesOf,
      best,
      isSettled: true,
      logNormaliser: 0,
      tokens,
    };
  }
}
