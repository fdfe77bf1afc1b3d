/**
 * How a member writes candidates: a generator that asks for what the member would say behind what it has written so far. All
 * members' writers are led step by step together (see SpanTeam), so that members work as they are scheduled and draws come in
 * one order.
 */
import type { Saying } from "../../member/member.js";
import type { Candidate } from "./candidate.js";
import type { SpanEnd, Written } from "./ends.js";

/** Ask for what comes behind these tokens of its own. */
export interface Ask {
  ids: readonly number[];
  /** Tokens wanted; a sampled request gives one at a time. */
  count: number;
  /** See DraftOptions.others. */
  others?: number;
}

/** Answered with sayings: fewer than asked for where the answer ends behind them or the member's context is full. */
export type Writer = AsyncGenerator<Ask, Written[], Saying[]>;

export const NOTHING: Written = { bytes: new Uint8Array(), sayings: [], ended: false };

/** More of what was written; the end is no saying of the text. */
export function extended({ bytes, sayings }: Written, more: readonly Saying[]): Written {
  const text = more.filter(({ id }) => id >= 0);
  return {
    bytes: Buffer.concat([bytes, ...text.map((saying) => saying.bytes)]),
    sayings: [...sayings, ...text],
    ended: text.length < more.length,
  };
}

/** The first bytes of what was written. */
export function cutAt(written: Written, offset: number): Written {
  if (offset >= written.bytes.length) return written;
  let left = offset;
  const count = written.sayings.findIndex(({ bytes }) => (left -= bytes.length) <= 0) + 1;
  return { bytes: written.bytes.slice(0, offset), sayings: written.sayings.slice(0, count), ended: false };
}

export function candidateOf({ bytes, sayings, ended }: Written, writer: number): Candidate {
  return { bytes, ends: ended, tokens: sayings.length + (ended ? 1 : 0), writers: [writer] };
}

export const idsOf = ({ sayings }: Written): number[] => sayings.map(({ id }) => id);

/** Write up to the first end, the answer's end, or so many tokens. */
export async function* writeUntil(end: SpanEnd, most: number): Writer {
  let written = NOTHING;
  for (let count = end.least; ; count = 2) {
    const wanted = Math.min(count, most - written.sayings.length);
    if (wanted <= 0) return [written];
    const said = yield { ids: idsOf(written), count: wanted };
    written = extended(written, said);
    const offset = await end.at(written);
    if (offset !== undefined) return [cutAt(written, offset)];
    // A sampled request is answered token by token.
    if (written.ended || said.length === 0) return [written];
  }
}
