/** Feedback as bytes for the channel's payload, and back. Numbers are 32-bit words in the machine's order. */
import type { Branch, Feedback } from "./member.js";

/** What a member is told between two advances: feedback, and what it may expect next (Member.expect). */
export type Told = Feedback | { kind: "expected"; bytes: Uint8Array };

export const FEEDBACK_KINDS = ["text", "piece", "tokens", "branches", "expected"] as const satisfies Told["kind"][];
export type FeedbackKind = (typeof FEEDBACK_KINDS)[number];

export function bytesOfFeedback(feedback: Told): Uint8Array {
  switch (feedback.kind) {
    case "tokens":
      return bytesOf(feedback.ids);
    case "branches":
      return bytesOf(feedback.branches.flatMap(({ from, ids }) => [from, ids.length, ...ids]));
    default:
      return feedback.bytes;
  }
}

export function feedbackOfBytes(kind: FeedbackKind, bytes: Uint8Array): Told {
  if (kind === "text" || kind === "piece" || kind === "expected") return { kind, bytes };
  const words = Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
  if (kind === "tokens") return { kind, ids: words };
  const branches: Branch[] = [];
  for (let at = 0; at < words.length; at += 2 + words[at + 1]) {
    branches.push({ from: words[at], ids: words.slice(at + 2, at + 2 + words[at + 1]) });
  }
  return { kind, branches };
}

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(words).buffer);
}
