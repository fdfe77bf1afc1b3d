/** What a model says of texts that may come: Member.draft, Member.verify and Member.assess on llama.cpp's cache. */
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Draft, DraftOptions, Place, ProspectScore, Saying, Verification } from "../member.js";
import type { RequiredText } from "../required-text.js";
import type { LogitReader } from "./logit-reader.js";
import type { TokenCache } from "./token-cache.js";
import type { TokenTrail } from "./token-trail.js";

/** A text that goes on: the member's tokens, which go along and are taken back by the caller, and what is to be said next. */
export interface Continued {
  trail: TokenTrail;
  required: RequiredText;
}

/** The likeliest continuation of a text. See Member.draft. */
export function draftBehind(
  { trail, required }: Continued,
  count: number,
  { others = 0, logits: wantsLogits = false }: DraftOptions,
  cache: TokenCache,
  reader: LogitReader,
): Draft {
  let left = required;
  const sayings: Saying[] = [];
  let decodedTokens = 0;
  let startsFragment = trail.atFragmentStart;
  // The last token is said, and not decoded.
  while (sayings.length < count && trail.length <= cache.context.contextSize) {
    decodedTokens += cache.hold(trail.tokens);
    cache.mark();
    cache.keepLogits();
    startsFragment = trail.atFragmentStart;
    reader.take(left.masked(cache.logits, startsFragment));
    const [saying, ...more] = reader.likeliestOf(1 + others, startsFragment);
    sayings.push(others > 0 ? { ...saying, others: more } : saying);
    if (saying.id < 0) break;
    left = left.behind(saying.bytes);
    trail.append({ kind: "tokens", ids: [saying.id] });
  }
  const logits = wantsLogits && sayings.length > 0 ? reader.copy() : undefined;
  return { sayings, logits, startsFragment, decodedTokens };
}

/** How probable the tokens of a text are from the index `first` on, given those before. */
export function scoreFrom(
  tokens: Int32Array,
  first: number,
  ends: boolean,
  cache: TokenCache,
  reader: LogitReader,
): { score: ProspectScore; decodedTokens: number } {
  const ids = tokens.slice(first);
  const score: ProspectScore = { ids, logProbs: new Float64Array(ids.length), logits: new Float32Array(ids.length) };
  const read = tokens.subarray(0, ends ? tokens.length : tokens.length - 1);
  const decodedTokens = cache.read(read, first - 1, (index, logits) => {
    reader.take(logits);
    const place = index + 1 - first;
    if (place === ids.length) {
      score.endLogProb = reader.logProbOf(reader.endTokens);
      return;
    }
    score.logProbs[place] = reader.logProbOf([ids[place]]);
    score.logits[place] = reader.logitOf(ids[place]);
  });
  return { score, decodedTokens };
}

/** A text that may come. */
export interface TextAhead extends Continued {
  bytes: Uint8Array;
  places: readonly Place[];
  /** Whether the tokenizer puts a space before it. */
  startsFragment: boolean;
}

/** See Member.verify. */
export function verifyWithin(
  { bytes, places, trail, required, startsFragment }: TextAhead,
  vocabulary: Vocabulary,
  cache: TokenCache,
  reader: LogitReader,
): Verification {
  // What is said at a place stands behind the token before it.
  const before = places.map(({ at }) => trail.tokenBefore(bytes.length - at) - 1);
  const full = before.findIndex((index) => index >= cache.context.contextSize);
  const fitting = full < 0 ? before : before.slice(0, full);
  const verdicts: Verification["verdicts"] = fitting.map(() => undefined);
  const read = fitting.filter((index) => index >= 0);
  if (read.length === 0) return { verdicts, decodedTokens: 0 };
  const tokens = trail.tokens.subarray(0, Math.max(...read) + 1);
  cache.mark();
  const decodedTokens = cache.read(tokens, Math.min(...read), (index, logits) => {
    if (!read.includes(index)) return;
    const [first] = fitting.flatMap((own, place) => (own === index ? [places[place].at] : []));
    const left = required.behind(bytes.subarray(0, first));
    reader.take(left.masked(logits, startsFragment && first === 0));
    for (const [place, own] of fitting.entries()) {
      if (own !== index) continue;
      const { at, bytes: asked } = places[place];
      const starts = startsFragment && at === 0;
      const ids = asked === undefined ? vocabulary.endTokens : vocabulary.idsOf(byteKey(asked), starts);
      verdicts[place] = { likeliest: reader.likeliest(starts), logProb: reader.logProbOf(ids) };
    }
  });
  return { verdicts, decodedTokens };
}
