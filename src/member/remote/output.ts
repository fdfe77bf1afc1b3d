/** What a remote member reports of a place: the tokens that the server listed, and nothing of the others. */
import { logSumExp } from "../../statistics.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { MemberOutput, Preparation, Saying } from "../member.js";
import type { RequiredText } from "../required-text.js";
import type { Place } from "./server.js";

const NONE = Number.NEGATIVE_INFINITY;

/** What a server said of a place, by token. */
export class Listed {
  /** Token id → ln p; −∞ for what was not listed. */
  readonly logProbs: Float32Array;
  /** Listed text and end tokens, best first, ties to the lowest id. */
  readonly ranked: readonly number[];

  constructor(
    private readonly vocabulary: Vocabulary,
    { ids, logProbs }: Pick<Place, "ids" | "logProbs">,
    required: RequiredText,
    readonly atFragmentStart: boolean,
  ) {
    const all = new Float32Array(vocabulary.size).fill(NONE);
    for (const [place, id] of ids.entries()) if (id < all.length) all[id] = logProbs[place];
    const kept = required.masked(all, atFragmentStart);
    if (kept !== all) {
      const sum = logSumExp(ids.map((id) => kept[id] ?? NONE));
      for (const id of ids) if (id < kept.length) kept[id] -= sum;
    }
    this.logProbs = kept;
    this.ranked = ids
      .filter((id) => kept[id] > NONE && isSayable(vocabulary, id))
      .sort((a, b) => kept[b] - kept[a] || a - b);
  }

  /** ln of the summed probability of the end tokens among those listed. */
  get endLogProb(): number {
    return logSumExp(this.vocabulary.endTokens.map((id) => this.logProbs[id]));
  }

  /** So many of the likeliest sayings, best first; the end goes before its equals. */
  likeliest(count: number): Saying[] {
    const { vocabulary, atFragmentStart } = this;
    const texts = this.ranked.filter((id) => vocabulary.bytesOf(id).length > 0).slice(0, count);
    const sayings = texts.map((id): Saying => {
      const bytes = vocabulary.bytesOf(id);
      return { id, bytes: atFragmentStart ? textAtFragmentStart(bytes) : bytes, logProb: this.logProbs[id] };
    });
    const end = this.endLogProb;
    if (end === NONE) return sayings;
    const place = sayings.findIndex(({ logProb }) => end >= logProb);
    sayings.splice(place < 0 ? sayings.length : place, 0, { id: -1, bytes: new Uint8Array(), logProb: end });
    return sayings.slice(0, count);
  }

  /** Everything of MemberOutput but what was decoded. `isWhole`: whether the server lists every token. */
  output({ top, projection }: Preparation, isWhole: boolean): MemberOutput {
    const topIds = Int32Array.from(this.ranked.slice(0, top));
    return {
      // The list of all tokens sums to 1 within the server's rounding, which a normaliser of our own takes out.
      logNormaliser: isWhole ? logSumExp(this.logProbs) : 0,
      endLogProb: this.endLogProb,
      topCount: topIds.length,
      topIds,
      topLogits: Float32Array.from(topIds, (id) => this.logProbs[id]),
      logits: isWhole ? this.logProbs : new Float32Array(),
      projection: projection === undefined ? new Float64Array() : project(this.logProbs, projection),
      hidden: new Float32Array(),
      branches: [],
      decodeMs: 0,
      prepareMs: 0,
      decodedTokens: 0,
    };
  }
}

function isSayable(vocabulary: Vocabulary, id: number): boolean {
  const tokenClass = vocabulary.classOf(id);
  return tokenClass === TokenClass.text || tokenClass === TokenClass.end;
}

function project(logProbs: Float32Array, { map, size }: NonNullable<Preparation["projection"]>): Float64Array {
  const entries = new Float64Array(size);
  for (let id = 0; id < map.length; id++) if (map[id] >= 0) entries[map[id]] += Math.exp(logProbs[id]);
  return entries;
}
