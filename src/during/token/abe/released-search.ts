/**
 * The search of mjpost/abe as released (ensembling/search.py:beam_search): through all combinations of one token from each
 * member, best first, whether they agree or not. From (first, …, first) of every hypothesis, a combination's neighbours
 * have one member's next token. What it finds, and what it counts as complete: see abe-search.ts.
 *
 * It ends where a combination, agreed upon or not, is worse than a complete answer, and, with more than one continuation
 * found, after 10,000 combinations. With one beam nothing bounds it in the released code; here a limit does.
 */
import { LlamafuseError } from "../../../errors.js";
import { agreementOf } from "./agreement.js";
import { insertByPriority } from "./priority.js";
import {
  additionsOf,
  Collected,
  type Combination,
  combine,
  type Hypothesis,
  type SearchOptions,
  type SearchResult,
} from "./search.js";

const MAX_DEPTH = 10_000;
/** Some hundred megabytes, and seconds. */
const MAX_COMBINATIONS = 500_000;

export function searchAsReleased(hypotheses: readonly Hypothesis[], options: SearchOptions): SearchResult {
  const combinations = new Combinations(hypotheses, options.weights);
  const result = new Collected(hypotheses, options);
  while (!result.isFull) {
    if (combinations.seen > MAX_DEPTH && result.next.length > 1) break;
    if (combinations.seen > MAX_COMBINATIONS) throw tooMany();
    const best = combinations.take();
    if (best === undefined || result.endsAt(best)) break;
    const { text, strands, offers } = hypotheses[best.beam];
    const agreement = agreementOf(text, strands, additionsOf(offers, best.ids));
    if (agreement !== undefined) result.add(best, agreement);
  }
  return result;
}

interface Ranked extends Combination {
  ranks: readonly number[];
}

/** Combinations still to be looked at. */
class Combinations {
  readonly #open: Ranked[] = [];
  readonly #seen = new Set<string>();

  constructor(
    private readonly hypotheses: readonly Hypothesis[],
    private readonly weights: readonly number[],
  ) {
    for (const [beam, { strands }] of hypotheses.entries()) {
      if (strands.every(({ stalled }) => stalled)) continue;
      this.#add(
        beam,
        strands.map(() => 0),
      );
    }
  }

  /** How many were found so far. */
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

  #add(beam: number, ranks: readonly number[]): void {
    const key = `${beam} ${ranks.join(" ")}`;
    if (this.#seen.has(key)) return;
    const hypothesis = this.hypotheses[beam];
    const { strands, offers } = hypothesis;
    const ids = ranks.map((rank, member) => (strands[member].stalled ? -1 : offers[member].idAt(rank)));
    if (ids.some((id, member) => id < 0 && !strands[member].stalled)) return;
    this.#seen.add(key);
    insertByPriority(this.#open, { ...combine(beam, ids, hypothesis, this.weights), ranks });
  }
}

function tooMany(): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The members agree on none of their ${MAX_COMBINATIONS} likeliest combinations of tokens. Leave out compat: the search then skips combinations that disagree.`,
    { found: MAX_COMBINATIONS, option: "compat" },
  );
}
