/**
 * When the members' hypotheses agree, in agreement-based ensembling: each member has said some bytes, in tokens of its own,
 * and all of them are beginnings of one text. Released code: mjpost/abe, ensembling/utils.py:compatibility.
 *
 *     agree ⇔ every s_i is a prefix of the longest one; where members have ended, they all said the same, and the others
 *     a prefix of it
 *
 * A member stalls (offers no token at the next step) that has said all of the text while others are behind. So members
 * that are level end together, and nobody ends before the others.
 */

/** A member's part in a hypothesis. */
export interface Strand {
  /** Bytes that it has said: so much of the hypothesis's text. */
  length: number;
  /** Tokens that it has said. */
  generated: number;
  /** Σ ln p of these tokens. */
  logProb: number;
  /** Offers no token, since others are behind it. */
  stalled: boolean;
}

/** What a member adds to its strand: the bytes of a token, its end, or nothing (it is stalled). */
export interface Addition {
  bytes: Uint8Array;
  ends: boolean;
}

export interface Agreement {
  /** Whether all members have ended. */
  complete: boolean;
  /** The text of the member that is furthest. */
  text: Uint8Array;
  /** Bytes of it that each member has said. */
  lengths: number[];
  stalled: boolean[];
}

/** What the members' additions make of a hypothesis; undefined where they contradict each other. */
export function agreementOf(
  text: Uint8Array,
  strands: readonly Strand[],
  additions: readonly Addition[],
): Agreement | undefined {
  const lengths = strands.map(({ length }, member) => length + additions[member].bytes.length);
  const ended = additions.map(({ ends }) => ends);
  const anyEnded = ended.includes(true);
  const leader = anyEnded ? ended.indexOf(true) : lengths.indexOf(Math.max(...lengths));
  const byteAt = (member: number, at: number) =>
    at < strands[member].length ? text[at] : additions[member].bytes[at - strands[member].length];
  for (const [member, length] of lengths.entries()) {
    if (member === leader) continue;
    if (length > lengths[leader] || (ended[member] && length < lengths[leader])) return undefined;
    for (let at = Math.min(strands[member].length, strands[leader].length); at < length; at++) {
      if (byteAt(member, at) !== byteAt(leader, at)) return undefined;
    }
  }
  const complete = ended.every(Boolean);
  const isLevel = lengths.every((length) => length === lengths[leader]);
  return {
    complete,
    text: Buffer.concat([text.subarray(0, strands[leader].length), additions[leader].bytes]),
    lengths,
    stalled: anyEnded ? ended : lengths.map((length) => !isLevel && length === lengths[leader]),
  };
}
