/**
 * One step of agreement-based ensembling's search: the best combinations of one token from each member on which they
 * agree (see abe-agreement.ts).
 *
 *     priority(h, t_1 … t_N) = Σ_i w_i · c_i / n_i      c_i = Σ ln p_i of all its tokens, t_i included; n_i: how many, plus 1
 *
 * A stalled member offers nothing, at its present c_i. A combination in which all have ended completes its hypothesis; it
 * counts by Σ w_i · c_i, not divided by lengths, as released.
 *
 * The released code goes through all combinations, best first, most of which do not agree (abe-released-search.ts). Here
 * only those are made that do: all end; or nobody goes beyond the text, and each member's tokens are those within it; or
 * one member's token leads beyond it, and the others' are those within what it says. Leaders come by falling bound, the
 * priority that their token would have beside the others' best ones. What comes out is the same, in the same order
 * (test/unit/during/abe); only where the released search stops early, at a combination that does not agree, this one goes
 * on.
 */
import { type Addition, type Agreement, agreementOf, type Strand } from "./agreement.js";
import { insertByPriority } from "./priority.js";

/** What several members have said alike so far. */
export interface Hypothesis {
  /** The text of the member that is furthest. */
  text: Uint8Array;
  strands: readonly Strand[];
  /** For each member its next tokens; nothing is asked of those that stall. */
  offers: readonly Offers[];
}

/** A member's next tokens for a hypothesis: those that agree with its text. */
export interface Offers {
  /** The end token, or -1. */
  readonly end: number;
  /** The token of this rank, best first, or -1 where there are not so many. */
  idAt(rank: number): number;
  /** The tokens that say the first of these bytes, or all, and nothing else. */
  within(bytes: Uint8Array): readonly number[];
  /** ln p of a token. */
  logProbOf(id: number): number;
  bytesOf(id: number): Uint8Array;
}

/** A combination that agrees. */
export interface Continuation {
  /** The hypothesis that it continues. */
  beam: number;
  /** Each member's token; -1 for the stalled. */
  ids: readonly number[];
  /** Each member's Σ ln p. */
  scores: readonly number[];
  /** Σ w_i · score_i / n_i */
  priority: number;
  /** Σ w_i · score_i */
  score: number;
  agreement: Agreement;
}

export interface SearchOptions {
  /** One for each member, summing to 1. */
  weights: readonly number[];
  /** How many continuations, or complete hypotheses in all, are enough. */
  beams: number;
  /** Hypotheses that earlier steps completed, and the best score among them: what falls below it ends the search. */
  completed?: number;
  bestCompleted?: number;
  /** n_i from which a hypothesis counts as complete. Default: never. */
  maxLength?: number;
}

export interface SearchResult {
  /** Best first. */
  next: Continuation[];
  completed: Continuation[];
}

export function searchAgreements(hypotheses: readonly Hypothesis[], options: SearchOptions): SearchResult {
  const frontier = new Frontier(hypotheses, options);
  const result = new Collected(hypotheses, options);
  while (!result.isFull) {
    const best = frontier.take();
    if (best === undefined || result.endsAt(best)) break;
    const { text, strands, offers } = hypotheses[best.beam];
    const agreement = agreementOf(text, strands, additionsOf(offers, best.ids))!;
    result.add(best, agreement);
  }
  return result;
}

/** A combination of one token from each member. */
export interface Combination {
  beam: number;
  ids: readonly number[];
  scores: readonly number[];
  priority: number;
  score: number;
}

/** What a search has found. */
export class Collected implements SearchResult {
  readonly next: Continuation[] = [];
  readonly completed: Continuation[] = [];

  constructor(
    private readonly hypotheses: readonly Hypothesis[],
    private readonly options: SearchOptions,
  ) {}

  get isFull(): boolean {
    const { beams, completed = 0 } = this.options;
    return this.next.length >= beams || this.completed.length + completed >= beams;
  }

  /** Whether a combination is worse than an answer that is complete already. */
  endsAt({ score }: Combination): boolean {
    const { bestCompleted = Number.NEGATIVE_INFINITY } = this.options;
    return score < bestCompleted || (this.completed.length > 0 && score < this.completed[0].score);
  }

  add({ beam, ids, scores, priority, score }: Combination, agreement: Agreement): void {
    const { maxLength = Number.POSITIVE_INFINITY } = this.options;
    const isLong = this.hypotheses[beam].strands.some(({ generated }) => generated + 1 >= maxLength);
    const found = agreement.complete || isLong ? this.completed : this.next;
    found.push({ beam, ids, scores, priority, score, agreement });
  }
}

export function combine(
  beam: number,
  ids: readonly number[],
  { strands, offers }: Hypothesis,
  weights: readonly number[],
): Combination {
  const scores = ids.map((id, member) => strands[member].logProb + (id < 0 ? 0 : offers[member].logProbOf(id)));
  let priority = 0;
  let score = 0;
  for (const [member, { generated }] of strands.entries()) {
    priority += weights[member] * (scores[member] / (generated + 1));
    score += weights[member] * scores[member];
  }
  return { beam, ids, scores, priority, score };
}

const NOTHING: Addition = { bytes: new Uint8Array(), ends: false };

export function additionsOf(offers: readonly Offers[], ids: readonly number[]): Addition[] {
  return ids.map((id, member) => {
    if (id < 0) return NOTHING;
    const { end } = offers[member];
    return id === end ? { bytes: NOTHING.bytes, ends: true } : { bytes: offers[member].bytesOf(id), ends: false };
  });
}

/** Combinations that agree, of one kind: the members' tokens go together in any way. */
interface Family {
  /** For each member what it may say, best first; [-1] for the stalled. */
  choices: readonly (readonly number[])[];
  seen: Set<string>;
}

/** A combination with its place in its family. */
interface Open extends Combination {
  family: Family;
  ranks: readonly number[];
}

/** The tokens of one member that lead beyond a hypothesis's text, down to a rank. */
interface Leader {
  beam: number;
  member: number;
  rank: number;
  /** What its combinations cannot be better than. */
  priority: number;
}

/** Combinations still to be looked at, and leaders. */
class Frontier {
  /** Both ascend by priority. */
  readonly #open: Open[] = [];
  readonly #leaders: Leader[] = [];
  readonly #weights: readonly number[];
  /** How many combinations a search takes at most: fewer than `beams` that go on, and fewer that are complete. */
  readonly #most: number;

  constructor(
    private readonly hypotheses: readonly Hypothesis[],
    { weights, beams }: SearchOptions,
  ) {
    this.#weights = weights;
    this.#most = 2 * beams;
    for (const [beam, { text, strands, offers }] of hypotheses.entries()) {
      if (strands.every(({ stalled }) => stalled)) continue;
      const isLevel = strands.every(({ length }) => length === text.length);
      this.#addFamily(beam, (member) =>
        isLevel ? endsOf(offers[member]) : offers[member].within(text.subarray(strands[member].length)),
      );
      for (const [member, { stalled }] of strands.entries()) if (!stalled) this.#addLeader(beam, member, 0);
    }
  }

  /** The best combination. */
  take(): Combination | undefined {
    for (let leader = this.#leaders.at(-1); leader !== undefined; leader = this.#leaders.at(-1)) {
      if (this.#open.length > 0 && this.#open[this.#open.length - 1].priority >= leader.priority) break;
      this.#leaders.pop();
      this.#follow(leader);
      this.#addLeader(leader.beam, leader.member, leader.rank + 1);
    }
    const best = this.#open.pop();
    if (best === undefined) return undefined;
    for (const member of best.ids.keys()) {
      this.#add(
        best.beam,
        best.family,
        best.ranks.map((rank, other) => (other === member ? rank + 1 : rank)),
      );
    }
    return best;
  }

  /** The combinations with this member's token of this rank in the lead. */
  #follow({ beam, member, rank }: Leader): void {
    const { text, strands, offers } = this.hypotheses[beam];
    const id = offers[member].idAt(rank);
    const said = Buffer.concat([text.subarray(0, strands[member].length), offers[member].bytesOf(id)]);
    this.#addFamily(beam, (other) => {
      if (other === member) return [id];
      const { length } = strands[other];
      const ids = offers[other].within(said.subarray(length));
      // Of several members that say as much, the first one leads.
      return other < member ? ids.filter((own) => length + offers[other].bytesOf(own).length < said.length) : ids;
    });
  }

  #addFamily(beam: number, choicesOf: (member: number) => readonly number[]): void {
    const hypothesis = this.hypotheses[beam];
    const choices: (readonly number[])[] = [];
    for (const [member, { stalled }] of hypothesis.strands.entries()) {
      choices.push(stalled ? [-1] : choicesOf(member));
      if (choices[member].length === 0) return;
    }
    const best = choices.map((ids, member) => bestOf(ids, hypothesis.offers[member]));
    if (this.#isHopeless(combine(beam, best, hypothesis, this.#weights))) return;
    const inOrder = choices.map((ids, member) => bestFirst(ids, hypothesis.offers[member]));
    this.#add(
      beam,
      { choices: inOrder, seen: new Set() },
      choices.map(() => 0),
    );
  }

  /** Whether as many better ones are known as a search can take. */
  #isHopeless({ priority }: Combination): boolean {
    return this.#open.length >= this.#most && priority <= this.#open[0].priority;
  }

  #add(beam: number, family: Family, ranks: readonly number[]): void {
    const key = ranks.join(" ");
    if (family.seen.has(key) || ranks.some((rank, member) => rank >= family.choices[member].length)) return;
    family.seen.add(key);
    const ids = ranks.map((rank, member) => family.choices[member][rank]);
    const combination = combine(beam, ids, this.hypotheses[beam], this.#weights);
    if (this.#isHopeless(combination)) return;
    insertByPriority(this.#open, { ...combination, family, ranks });
    if (this.#open.length > this.#most) this.#open.shift();
  }

  #addLeader(beam: number, member: number, from: number): void {
    const hypothesis = this.hypotheses[beam];
    const { text, strands, offers } = hypothesis;
    const { length } = strands[member];
    for (let rank = from; ; rank++) {
      const id = offers[member].idAt(rank);
      if (id < 0) return;
      if (id === offers[member].end || length + offers[member].bytesOf(id).length <= text.length) continue;
      const ids = strands.map(({ stalled }, other) => (stalled ? -1 : other === member ? id : offers[other].idAt(0)));
      const bound = combine(beam, ids, hypothesis, this.#weights);
      if (!this.#isHopeless(bound)) insertByPriority(this.#leaders, { beam, member, rank, priority: bound.priority });
      return;
    }
  }
}

/** The likeliest of some tokens, the lowest of equals. */
function bestOf(ids: readonly number[], offers: Offers): number {
  return ids.reduce((best, id) => {
    const difference = offers.logProbOf(id) - offers.logProbOf(best);
    return difference > 0 || (difference === 0 && id < best) ? id : best;
  });
}

function bestFirst(ids: readonly number[], offers: Offers): readonly number[] {
  if (ids.length === 1) return ids;
  return [...ids].sort((a, b) => offers.logProbOf(b) - offers.logProbOf(a) || a - b);
}

function endsOf({ end }: Offers): number[] {
  return end < 0 ? [] : [end];
}
