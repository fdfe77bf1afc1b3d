/**
 * Bytes that the text to come must begin with (MemberPrompt.ahead): the end of a prompt that was taken back, so that a token may
 * reach across it. Until they are said, only tokens count that are a beginning of them or begin with them:
 *
 *     z(t) = −∞   unless t is a prefix of the required bytes, or they of t
 */
import { ByteOrder } from "../vocabulary/byte-order.js";
import { textAtFragmentStart, type Vocabulary } from "../vocabulary/vocabulary.js";
import type { Feedback } from "./member.js";

export class RequiredText {
  private constructor(
    private readonly vocabulary: Vocabulary,
    private readonly bytes: Uint8Array,
  ) {}

  static of(vocabulary: Vocabulary, bytes: Uint8Array = new Uint8Array()): RequiredText {
    return new RequiredText(vocabulary, bytes);
  }

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** What is still required behind this text. */
  behind(text: Uint8Array): RequiredText {
    return this.isEmpty ? this : new RequiredText(this.vocabulary, this.bytes.subarray(text.length));
  }

  /** What is still required behind feedback. */
  after(feedback: Exclude<Feedback, { kind: "branches" }>, atFragmentStart: boolean): RequiredText {
    if (this.isEmpty) return this;
    if (feedback.kind !== "tokens") return this.behind(feedback.bytes);
    let left: RequiredText = this;
    for (const [place, id] of feedback.ids.entries()) {
      const bytes = this.vocabulary.bytesOf(id);
      left = left.behind(place === 0 && atFragmentStart ? textAtFragmentStart(bytes) : bytes);
    }
    return left;
  }

  /** The logits with −∞ for all other tokens; as they are where nothing is required, or where no token agrees. */
  masked(logits: Float32Array, atFragmentStart: boolean): Float32Array {
    if (this.isEmpty) return logits;
    const { within, beyond } = ByteOrder.of(this.vocabulary).agreeing(this.bytes, atFragmentStart);
    const agreeing = [within, ...beyond].flatMap((ids) => Array.from(ids));
    if (!agreeing.some((id) => logits[id] > Number.NEGATIVE_INFINITY)) return logits;
    const masked = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
    for (const id of agreeing) masked[id] = logits[id];
    return masked;
  }
}
