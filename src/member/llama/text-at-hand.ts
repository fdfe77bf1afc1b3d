/** The text that a member holds: its tokens, what has to come next and what may come, and its way into a cache. */
import type { LlamaTokenizer } from "../../llama/tokenizer.js";
import type { Draft, Feedback, MemberPrompt, Place, PromptScore, Verification } from "../member.js";
import { RequiredText } from "../required-text.js";
import type { LogitReader } from "./logit-reader.js";
import { draftBehind, verifyWithin } from "./look-ahead.js";
import { READ_AT_ONCE, type TokenCache } from "./token-cache.js";
import { TokenTrail } from "./token-trail.js";

export class TextAtHand {
  readonly trail: TokenTrail;
  #required: RequiredText;
  /** What may come behind it, to be read with the next decode. */
  #expected: Uint8Array | undefined;
  /** Whether the last decode kept the hidden state. */
  #hasHidden = false;
  /** Whether something of it may be taken back step by step: it was fed back as text, or looked ahead in. */
  #mayGoBack = false;

  constructor(
    private readonly tokenizer: LlamaTokenizer,
    private readonly reader: LogitReader,
  ) {
    this.trail = new TokenTrail(tokenizer);
    this.#required = RequiredText.of(tokenizer.vocabulary);
  }

  /** Errors: invalid-text. */
  begin(prompt: MemberPrompt): void {
    this.#expected = undefined;
    this.#mayGoBack = false;
    this.#required = RequiredText.of(this.tokenizer.vocabulary, prompt.ahead);
    this.trail.begin(prompt);
  }

  append(feedback: Exclude<Feedback, { kind: "branches" }>): void {
    this.#expected = undefined;
    this.#required = this.#required.after(feedback, this.trail.atFragmentStart);
    this.trail.append(feedback);
    this.#mayGoBack ||= feedback.kind === "text";
  }

  /** See Member.expect. */
  expect(bytes: Uint8Array): void {
    if (this.#required.isEmpty) this.#expected = bytes;
  }

  /** Bring the cache up to it; returns the tokens decoded. */
  decode(cache: TokenCache, hiddenState: boolean): number {
    const { tokens } = this.trail;
    const lacksHidden = hiddenState && !this.#hasHidden;
    if (!lacksHidden && cache.holds(tokens)) return 0;
    const ahead = hiddenState ? undefined : this.#expected;
    const decoded = (ahead && this.#decodeWith(ahead, cache)) ?? cache.hold(tokens, { hiddenState });
    this.#expected = undefined;
    this.#hasHidden = hiddenState;
    return decoded;
  }

  /** Read these bytes behind it in the same decode; undefined where they change its own tokens. */
  #decodeWith(ahead: Uint8Array, cache: TokenCache): number | undefined {
    const { trail } = this;
    const { length } = trail;
    const { batchSize, contextSize } = cache.context;
    return trail.aside(() => {
      trail.append({ kind: "text", bytes: ahead });
      if (trail.untried < length) return undefined;
      const most = Math.min(length + Math.min(READ_AT_ONCE, batchSize) - 1, contextSize);
      const tokens = trail.tokens.subarray(0, most);
      return cache.hold(tokens.subarray(0, length), { ahead: tokens });
    });
  }

  /** Where the cache goes back by checkpoints: keep one here, if something may be taken back to it. */
  mark(cache: TokenCache, isPrompt: boolean): void {
    if (isPrompt) cache.mark({ stays: true });
    else if (this.#mayGoBack) cache.mark();
  }

  /** What comes behind it, once it is decoded; a view, valid until the next decode. */
  logits(cache: TokenCache): Float32Array {
    return this.#required.masked(cache.logits, this.trail.atFragmentStart);
  }

  /** See Member.scorePrompt. The cache then holds it without hidden states. */
  score(cache: TokenCache): PromptScore {
    cache.clear();
    const ids = this.trail.tokens.slice();
    const logProbs = new Float64Array(ids.length).fill(Number.NaN);
    try {
      cache.read(ids, 0, (index, logits) => {
        this.reader.take(logits);
        if (index + 1 < ids.length) logProbs[index + 1] = this.reader.logProbOf([ids[index + 1]]);
      });
    } catch (error) {
      cache.clear();
      throw error;
    }
    this.#hasHidden = false;
    this.#mayGoBack = false;
    return { ids, logProbs };
  }

  draft(count: number, cache: TokenCache): Draft {
    this.#mayGoBack = true;
    const missed = this.decode(cache, false);
    this.#hasHidden = false;
    const { trail } = this;
    const { sayings, decodedTokens } = trail.aside(() =>
      draftBehind({ trail, required: this.#required }, count, cache, this.reader),
    );
    return { sayings, decodedTokens: missed + decodedTokens };
  }

  verify(bytes: Uint8Array, places: readonly Place[], cache: TokenCache): Verification {
    this.#mayGoBack = true;
    this.#hasHidden = false;
    const { trail } = this;
    const startsFragment = trail.atFragmentStart;
    return trail.aside(() => {
      trail.append({ kind: "text", bytes });
      const ahead = { bytes, places, trail, startsFragment, required: this.#required };
      return verifyWithin(ahead, this.tokenizer.vocabulary, cache, this.reader);
    });
  }
}
