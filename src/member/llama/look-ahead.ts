/** What a model would say next, and inside a text that may come: Member.draft and Member.verify on llama.cpp's cache. */
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Draft, Place, Saying, Verification } from "../member.js";
import type { RequiredText } from "../required-text.js";
import type { LogitReader } from "./logit-reader.js";
import type { TokenCache } from "./token-cache.js";
import type { TokenTrail } from "./token-trail.js";

/** A text that goes on: the member's tokens, which go along and are taken back by the caller, and what is to be said next. */
export interface Continued {
  trail: TokenTrail;
  required: RequiredText;
}

/** The likeliest continuation of a text, which the cache holds. See Member.draft. */
export function draftBehind(
  { trail, required }: Continued,
  count: number,
  cache: TokenCache,
  reader: LogitReader,
): Draft {
  let left = required;
  const sayings: Saying[] = [];
  let decodedTokens = 0;
  // The last token is said, and not decoded.
  while (sayings.length < count && trail.length <= cache.context.contextSize) {
    if (sayings.length > 0) decodedTokens += cache.hold(trail.tokens);
    cache.mark();
    cache.keepLogits();
    reader.take(left.masked(cache.logits, trail.atFragmentStart));
    const saying = reader.likeliest(trail.atFragmentStart);
    sayings.push(saying);
    if (saying.id < 0) break;
    left = left.behind(saying.bytes);
    trail.append({ kind: "tokens", ids: [saying.id] });
  }
  return { sayings, decodedTokens };
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
