/** What lies in the payload of a channel: feedback, byte strings, token ids. */
import { FEEDBACK_KINDS, type FeedbackKind } from "../feedback-bytes.js";

/** Bytes for feedback, strings and error messages. Longer feedback goes in several commands. */
export const PAYLOAD_BYTES = 65536;

/** Byte strings in the payload, each behind its length. Returns the bytes used, or -1 where they do not fit. */
export function writeStrings(view: DataView, bytes: Uint8Array, strings: readonly Uint8Array[]): number {
  let at = 4;
  view.setUint32(0, strings.length, true);
  for (const string of strings) {
    if (at + 4 + string.length > PAYLOAD_BYTES) return -1;
    view.setUint32(at, string.length, true);
    bytes.set(string, at + 4);
    at += 4 + string.length;
  }
  return at;
}

export function readStrings(view: DataView, bytes: Uint8Array): Uint8Array[] {
  const count = view.getUint32(0, true);
  const strings: Uint8Array[] = [];
  for (let at = 4; strings.length < count; ) {
    const length = view.getUint32(at, true);
    strings.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return strings;
}

export function writeIds(view: DataView, ids: readonly number[]): number {
  ids.forEach((id, index) => {
    view.setInt32(4 * index, id, true);
  });
  return 4 * ids.length;
}

export function readIds(view: DataView, count: number): number[] {
  return Array.from({ length: count }, (_, index) => view.getInt32(4 * index, true));
}

/** Feedback in the payload: a kind word, a length word, the bytes (token ids as 32-bit words). */
export function writeFeedback(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  kind: FeedbackKind,
  data: Uint8Array,
): number {
  view.setUint32(at, FEEDBACK_KINDS.indexOf(kind), true);
  view.setUint32(at + 4, data.length, true);
  bytes.set(data, at + 8);
  return at + 8 + data.length;
}

export function readFeedback(
  view: DataView,
  bytes: Uint8Array,
  at: number,
): { kind: FeedbackKind; data: Uint8Array; next: number } {
  const length = view.getUint32(at + 4, true);
  return {
    kind: FEEDBACK_KINDS[view.getUint32(at, true)],
    data: bytes.slice(at + 8, at + 8 + length),
    next: at + 8 + length,
  };
}
