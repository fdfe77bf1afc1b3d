/**
 * One step of agreement-based ensembling's search: the best combinations of one token from each member on which they
 * agree (see abe-agreement.ts). Released code: mjpost/abe, ensembling/search.py:beam_search.
 *
 *     score(h, t_1 … t_N) = Σ_i w_i · c_i / n_i        c_i = Σ ln p_i of all its tokens, t_i included; n_i: how many, plus 1
 *
 * Best first over the members' ranked tokens: from (first, …, first) of every hypothesis, a combination's neighbours have
 * one member's next token. A stalled member offers nothing, at its present c_i. A combination in which all have ended
 * completes its hypothesis; it counts by Σ w_i · c_i, not divided by lengths, as released.
 */
import { type Addition, type Agreement, agreementOf, type Strand } from "./abe-agreement.js";

/** What several members have said alike so far. */
export interface Hypothesis {
  /** The text of the member that is furthest. */
  text: Uint8Array;
  strands: readonly Strand[];
  /** For each member its next tokens; nothing is asked of those that stall. */
  offers: readonly Offers[];
}

/** A member's next tokens for a hypothesis, best first. */
export interface Offers {
  /** The token of this rank, or -1 where there are not so many. */
  idAt(rank: number): number;
  /** ln p of a token. */
  logProbOf(id: number): number;
  bytesOf(id: number): Uint8Array;
  isEnd(id: number): boolean;
}

/** A combination that agrees. */
export class Continuation {
  constructor(
    /** The hypothesis that it goes on from. */
    readonly beam: number,
    /** Each member's token; -1 for the stalled. */
    readonly ids: readonly number[],
    /** Each member's Σ ln p. */
    readonly scores: readonly number[],
    /** Σ w_i · score_i / n_i */
    readonly priority: number,
    /** Σ w_i · score_i */
    readonly score: number,
    readonly agreement: Agreement,
  ) {}
}

export interface SearchOptions {
  /** One for each member, summing to 1. */
  weights: readonly number[];
  /** How many continuations, or complete hypotheses in all, are enough. */
  beams: number;
  /** Hypotheses that earlier steps completed, and the best score among them. */
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

/** Combinations looked at, after which a search that has found more than one continuation stops; as released. */
const MAX_DEPTH = 10_000;

export function searchAgreements(hypotheses: readonly Hypothesis[], options: SearchOptions): SearchResult {
  const { beams, completed: known = 0, bestCompleted = Number.NEGATIVE_INFINITY } = options;
  const { maxLength = Number.POSITIVE_INFINITY } = options;
  const frontier = new Frontier(hypotheses, options.weights);
  const next: Continuation[] = [];
  const completed: Continuation[] = [];
  while (next.length < beams && completed.length + known < beams) {
    if (frontier.seen > MAX_DEPTH && next.length > 1) break;
    const best = frontier.take();
    if (best === undefined || best.score < bestCompleted) break;
    if (completed.length > 0 && best.score < completed[0].score) break;
    const { text, strands } = hypotheses[best.beam];
    const agreement = agreementOf(text, strands, best.additions);
    if (agreement === undefined) continue;
    const { beam, ids, scores, priority, score } = best;
    const continuation = new Continuation(beam, ids, scores, priority, score, agreement);
    const isLong = strands.some(({ generated }) => generated + 1 >= maxLength);
    if (agreement.complete || isLong) completed.push(continuation);
    else next.push(continuation);
  }
  return { next, completed };
}

/** A combination of one token from each member, agreed upon or not. */
interface Combination {
  beam: number;
  ranks: number[];
  ids: number[];
  additions: Addition[];
  scores: number[];
  priority: number;
  score: number;
}

const NOTHING: Addition = { bytes: new Uint8Array(), ends: false };

/** Combinations still to be looked at, best first; of equals the one that was found first. */
class Frontier {
  /** Ascending by priority. */
  readonly #open: Combination[] = [];
  readonly #seen = new Set<string>();

  constructor(
    private readonly hypotheses: readonly Hypothesis[],
    private readonly weights: readonly number[],
  ) {
    for (const [beam, { strands }] of hypotheses.entries()) {
      if (strands.some(({ stalled }) => !stalled)) {
        this.#add(
          beam,
          strands.map(() => 0),
        );
      }
    }
  }

  /** How many combinations were found so far. */
  get seen(): number {
    return this.#seen.size;
  }

  /** The best one; its neighbours take its place. */
  take(): Combination | undefined {
    const best = this.#open.pop();
    if (best === undefined) return undefined;
    for (const [member, { stalled }] of this.hypotheses[best.beam].strands.entries()) {
      if (stalled) continue;
      this.#add(
        best.beam,
        best.ranks.map((rank, other) => (other === member ? rank + 1 : rank)),
      );
    }
    return best;
  }

  #add(beam: number, ranks: number[]): void {
    const key = `${beam} ${ranks.join(" ")}`;
    if (this.#seen.has(key)) return;
    const { strands, offers } = this.hypotheses[beam];
    const ids = strands.map(({ stalled }, member) => (stalled ? -1 : offers[member].idAt(ranks[member])));
    if (ids.some((id, member) => id < 0 && !strands[member].stalled)) return;
    this.#seen.add(key);
    const additions = ids.map((id, member) => (id < 0 ? NOTHING : additionOf(offers[member], id)));
    const scores = ids.map((id, member) => strands[member].logProb + (id < 0 ? 0 : offers[member].logProbOf(id)));
    let priority = 0;
    let score = 0;
    for (const [member, { generated }] of strands.entries()) {
      priority += this.weights[member] * (scores[member] / (generated + 1));
      score += this.weights[member] * scores[member];
    }
    const combination = { beam, ranks, ids, additions, scores, priority, score };
    let low = 0;
    let high = this.#open.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#open[middle].priority < priority) low = middle + 1;
      else high = middle;
    }
    this.#open.splice(low, 0, combination);
  }
}

function additionOf(offers: Offers, id: number): Addition {
  return offers.isEnd(id) ? { bytes: NOTHING.bytes, ends: true } : { bytes: offers.bytesOf(id), ends: false };
}
