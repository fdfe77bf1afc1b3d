/**
 * Agreement-based ensembling by search, greedy (one beam) or with several: see abe.ts for the method and abe-search.ts for
 * one round of it. A round decodes, in every member, the tokens of the last round's continuations, one branch each.
 *
 * A step is as many rounds as it takes the best hypothesis's text to grow once more; members that are behind catch up
 * within them. It gives what all hypotheses agree on, which with several may be nothing; the last one gives the rest of
 * the best. With one beam an entry's probability is exp(Σ_i w_i · Δc_i) of its rounds, the weighted geometric mean of the
 * members' own; with several, the answer's exp(Σ_i w_i · c_i) stands at its end.
 */
import { LlamafuseError } from "../../../errors.js";
import type { BranchOutput } from "../../../member/member.js";
import { settleAll } from "../../../settle-all.js";
import type { FusedDistribution, MethodContext, MethodRun, Voice } from "../../method.js";
import type { Strand } from "./agreement.js";
import { TokenRanking } from "./ranking.js";
import { searchAsReleased } from "./released-search.js";
import { type Continuation, type Hypothesis, searchAgreements } from "./search.js";

/** Bytes that are given and said by all are forgotten when there are so many, so that a round costs the same in a long answer. */
const FORGOTTEN_AT_ONCE = 256;

export interface AbeSearchOptions {
  beams: number;
  /** Whether to search as the released code does. */
  compat: boolean;
}

/** What several members have said alike, all in all. */
interface Saying {
  /** From the bytes on that have been forgotten. */
  text: Uint8Array;
  strands: readonly Strand[];
  /** How many times the text grew. */
  pieces: number;
  /** Σ w_i · c_i */
  score: number;
}

export class AbeSearchRun implements MethodRun {
  readonly #weights: readonly number[];
  /** Best first. */
  #live: Saying[];
  #completed: Saying[] = [];
  /** By member and hypothesis. */
  readonly #rankings: TokenRanking[][];
  /** What the last round chose and the members have not been told. */
  #chosen: readonly Continuation[] = [];
  /** Which members have been told of tokens that they have not decoded. */
  readonly #lags: boolean[];
  /** Whether a member's first token may carry its tokenizer's space. */
  #starts: readonly boolean[] | undefined;
  #steps = 0;
  /** The answer, once it is found. */
  #answer: Saying | undefined;
  #given: Saying;
  #fullContext: LlamafuseError | undefined;

  constructor(
    private readonly context: MethodContext,
    private readonly options: AbeSearchOptions,
  ) {
    const { voices } = context;
    this.#weights = voices.map(({ weight }) => weight);
    const strands = voices.map(() => ({ length: 0, generated: 0, logProb: 0, stalled: false }));
    // Members that still have to say the prompt's end are behind the text from the start.
    this.#given = { text: context.ahead ?? new Uint8Array(), strands, pieces: 0, score: 0 };
    this.#live = [this.#given];
    this.#rankings = voices.map(() => []);
    this.#lags = voices.map(() => false);
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    await settleAll(voices.map(({ member }) => member.prepare({ top: traceTop, branches: this.options.beams })));
  }

  async step(): Promise<FusedDistribution> {
    if (this.#fullContext !== undefined) throw this.#fullContext;
    try {
      this.#steps++;
      while (this.#answer === undefined && this.#live[0].pieces < this.#steps) await this.#searchOnce();
      if (this.#steps >= (this.context.maxSteps ?? Number.POSITIVE_INFINITY)) this.#answer ??= this.#best();
    } catch (error) {
      this.#closeWhereFull(error);
    }
    return this.#give();
  }

  accept(): void {
    this.#tell();
  }

  /** One round: the members decode what was chosen, and the best continuations are found. */
  async #searchOnce(): Promise<void> {
    const { beams, compat } = this.options;
    const { voices } = this.context;
    this.#forget();
    this.#tell();
    await this.#advance();
    this.#starts ??= voices.map(({ member }) => member.atFragmentStart);
    const search = compat ? searchAsReleased : searchAgreements;
    const { next, completed } = search(
      this.#live.map((saying, beam) => this.#rank(saying, beam)),
      {
        weights: this.#weights,
        beams,
        completed: this.#completed.length,
        bestCompleted: bestOf(this.#completed)?.score,
      },
    );
    this.#completed.push(...completed.map((continuation) => this.#saying(continuation)));
    if (next.length === 0 && this.#completed.length === 0) throw this.#disagreement();
    this.#chosen = next.length === 0 ? completed.slice(0, 1) : next;
    this.#live = next.map((continuation) => this.#saying(continuation));
    if (next.length === 0 || this.#completed.length >= beams) this.#answer = this.#best();
  }

  /** Forget what is given, common to all hypotheses, and said by all members. */
  #forget(): void {
    const all = [...this.#live, ...this.#completed];
    const said = all.flatMap(({ strands }) => strands.map(({ length }) => length));
    const count = Math.min(this.#given.text.length, ...said);
    if (count < FORGOTTEN_AT_ONCE) return;
    const shorter = (saying: Saying): Saying => ({
      ...saying,
      text: saying.text.slice(count),
      strands: saying.strands.map((strand) => ({ ...strand, length: strand.length - count })),
    });
    this.#live = this.#live.map(shorter);
    this.#completed = this.#completed.map(shorter);
    this.#given = { ...this.#given, text: this.#given.text.slice(count) };
  }

  /** A complete hypothesis, or else the one that led the last round. */
  #best(): Saying {
    return bestOf(this.#completed) ?? this.#live[0];
  }

  #rank({ text, strands }: Saying, beam: number): Hypothesis {
    const offers = this.context.voices.map(({ member }, index) => {
      const ranking = (this.#rankings[index][beam] ??= new TokenRanking(member.vocabulary));
      const { length, generated, stalled } = strands[index];
      if (stalled) return ranking;
      const output: BranchOutput = this.options.beams === 1 ? member.output : member.output.branches[beam];
      ranking.rank(output, text.subarray(length), generated === 0 && this.#starts![index]);
      return ranking;
    });
    return { text, strands, offers };
  }

  #saying({ beam, ids, scores, score, agreement }: Continuation): Saying {
    const { text, lengths, stalled } = agreement;
    const strands = this.#live[beam].strands.map(({ generated }, member) => ({
      length: lengths[member],
      generated: generated + (ids[member] < 0 ? 0 : 1),
      logProb: scores[member],
      stalled: stalled[member],
    }));
    const { pieces, text: before } = this.#live[beam];
    return { text, strands, pieces: pieces + (text.length > before.length ? 1 : 0), score };
  }

  /** Queue the chosen tokens. */
  #tell(): void {
    const chosen = this.#chosen;
    if (chosen.length === 0) return;
    this.#chosen = [];
    for (const [index, { member }] of this.context.voices.entries()) {
      const branches = chosen.map(({ beam, ids }) => ({ from: beam, ids: ids[index] < 0 ? [] : [ids[index]] }));
      if (this.options.beams > 1) member.append({ kind: "branches", branches });
      else if (branches[0].ids.length > 0) member.append({ kind: "tokens", ids: branches[0].ids });
      else continue;
      this.#lags[index] = true;
    }
  }

  /** Members that stall in every hypothesis go on lagging. */
  async #advance(): Promise<void> {
    const asked = (_: Voice, index: number) =>
      this.#lags[index] && this.#live.some(({ strands }) => !strands[index].stalled);
    const advancing = this.context.voices.filter(asked);
    if (advancing.length === 0) return;
    await this.context.advance(advancing);
    for (const [index, voice] of this.context.voices.entries())
      if (advancing.includes(voice)) this.#lags[index] = false;
  }

  /** The beginning that all hypotheses have in common. */
  #agreed(): Uint8Array {
    const texts = [...this.#live, ...this.#completed].map(({ text }) => text);
    const [first, ...others] = texts;
    let length = first.length;
    for (const other of others) {
      length = Math.min(length, other.length);
      for (let at = this.#given.text.length; at < length; at++) if (first[at] !== other[at]) length = at;
    }
    return first.subarray(0, length);
  }

  #give(): FusedDistribution {
    const { text: given, score: givenScore } = this.#given;
    const text = this.#answer?.text ?? this.#agreed();
    const bytes = text.subarray(given.length);
    const ends = this.#answer !== undefined && bytes.length === 0;
    const score = this.options.beams === 1 || ends ? (this.#answer ?? this.#live[0]).score : 0;
    this.#given = { ...this.#given, text, score };
    return {
      size: 1,
      probabilities: Float64Array.of(Math.exp(score - givenScore)),
      best: 0,
      endEntry: ends ? 0 : -1,
      bytesOf: () => (ends ? new Uint8Array() : bytes),
      isSettled: this.options.beams > 1,
    };
  }

  /** A full context ends a search with what it has; once all is given, the error stands. */
  #closeWhereFull(error: unknown): void {
    const best = this.#best();
    const isFull = error instanceof LlamafuseError && error.code === "context-overflow";
    if (!isFull || best.text.length <= this.#given.text.length) throw error;
    this.#fullContext = error;
    this.#answer = best;
  }

  #disagreement(): LlamafuseError {
    const text = Buffer.from(this.#live[0].text).toString("utf8");
    const names = this.context.voices.map(({ member }) => member.name);
    return new LlamafuseError(
      "incompatible-members",
      `The members ${names.join(" and ")} share no possible next token after ${JSON.stringify(text.slice(-40))}: one member cannot spell another member's text. Use a method without this limit, such as unite.`,
      { members: names, found: text },
    );
  }
}

/** The one with the highest score, the first of equals. */
function bestOf(sayings: readonly Saying[]): Saying | undefined {
  return sayings.reduce<Saying | undefined>(
    (best, other) => (best === undefined || other.score > best.score ? other : best),
    undefined,
  );
}
