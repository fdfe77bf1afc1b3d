/** What a model would say next, and inside a text that may come: Member.draft and Member.verify on llama.cpp's cache. */
import type { LogitReader } from "./logit-reader.js";
import type { Draft, Place, Saying, Verification } from "./member.js";
import type { TokenCache } from "./token-cache.js";
import type { TokenTrail } from "./token-trail.js";

/** The likeliest continuation of these tokens, which the cache holds. See Member.draft. */
export function draftBehind(held: Int32Array, count: number, cache: TokenCache, reader: LogitReader): Draft {
  // The last token is said, and not decoded.
  const most = Math.min(held.length + count, cache.context.contextSize + 1);
  const tokens = new Int32Array(Math.max(most, held.length));
  tokens.set(held);
  const sayings: Saying[] = [];
  let decodedTokens = 0;
  for (let length = held.length; length < most; ) {
    if (length > held.length) decodedTokens += cache.hold(tokens.subarray(0, length));
    reader.take(cache.context.logits());
    const saying = reader.likeliest();
    sayings.push(saying);
    if (saying.id < 0) break;
    tokens[length++] = saying.id;
  }
  return { sayings, decodedTokens };
}

/** Read `length` bytes at the end of a text. See Member.verify. */
export function verifyWithin(
  trail: TokenTrail,
  length: number,
  places: readonly Place[],
  cache: TokenCache,
  reader: LogitReader,
): Verification {
  const verdicts: Verification["verdicts"] = places.map(() => undefined);
  // What is said at a place stands behind the token before it.
  const before = places.map(({ at }) => trail.tokenBefore(length - at) - 1);
  const read = before.filter((index) => index >= 0);
  if (read.length === 0) return { verdicts, decodedTokens: 0 };
  const tokens = trail.tokens.subarray(0, Math.max(...read) + 1);
  const decodedTokens = cache.read(tokens, Math.min(...read), (index, logits) => {
    if (!read.includes(index)) return;
    reader.take(logits);
    const likeliest = reader.likeliest();
    for (const [place, { ids }] of places.entries())
      if (before[place] === index) verdicts[place] = { likeliest, logProb: reader.logProbOf(ids) };
  });
  return { verdicts, decodedTokens };
}
