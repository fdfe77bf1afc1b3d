/** The text that a member holds: its tokens, what has to come next and what may come, and its way into a cache. */
import type { LlamaTokenizer } from "../../llama/tokenizer.js";
import type {
  Assessment,
  Draft,
  DraftOptions,
  Feedback,
  MemberPrompt,
  Place,
  PromptScore,
  Prospect,
  Verification,
} from "../member.js";
import { RequiredText } from "../required-text.js";
import type { LogitReader } from "./logit-reader.js";
import { draftBehind, scoreFrom, verifyWithin } from "./look-ahead.js";
import { READ_AT_ONCE, type TokenCache } from "./token-cache.js";
import { TokenTrail } from "./token-trail.js";

const NO_BYTES = new Uint8Array();

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

  /** Whether more than the text itself is to be read with it. */
  get isExpecting(): boolean {
    return this.#expected !== undefined;
  }

  /** As `decode` where others read, without hidden states: from which token on; undefined where nothing has to be. */
  missing(cache: TokenCache): number | undefined {
    const { tokens } = this.trail;
    this.#hasHidden = false;
    return cache.holds(tokens) ? undefined : cache.missing(tokens);
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

  draft(count: number, options: DraftOptions, cache: TokenCache): Draft {
    this.#mayGoBack = true;
    const missed = this.decode(cache, false);
    this.#hasHidden = false;
    const { trail } = this;
    const { bytes, ids } = options.behind ?? {};
    const draft = trail.aside(() => {
      let required = this.#required;
      const say = (feedback: Exclude<Feedback, { kind: "branches" }>) => {
        required = required.after(feedback, trail.atFragmentStart);
        trail.append(feedback);
      };
      if (bytes !== undefined && bytes.length > 0) say({ kind: "text", bytes });
      if (ids !== undefined && ids.length > 0) say({ kind: "tokens", ids });
      return draftBehind({ trail, required }, count, options, cache, this.reader);
    });
    return { ...draft, decodedTokens: missed + draft.decodedTokens };
  }

  assess(prospects: readonly Prospect[], cache: TokenCache): Assessment {
    this.#mayGoBack = true;
    this.#hasHidden = false;
    const { trail } = this;
    let decodedTokens = 0;
    /** With more text behind this one. A cache compares lists of the trail: it is given none but the one that stands. */
    const behind = <T>(texts: readonly Uint8Array[], work: (tokens: Int32Array) => T): T =>
      trail.aside(() => {
        for (const bytes of texts) if (bytes.length > 0) trail.append({ kind: "text", bytes });
        return work(trail.tokens);
      });
    const read = (tokens: Int32Array, first: number, ends: boolean) => {
      const { score, decodedTokens: decoded } = scoreFrom(tokens, first, ends, cache, this.reader);
      decodedTokens += decoded;
      return score;
    };
    const scores = prospects.map(({ bytes, behind: before = NO_BYTES, ends = false }) => {
      const held = behind([before], (tokens) => tokens.slice());
      const whole = behind([before, bytes], (tokens) => tokens.slice());
      if (Math.max(held.length, whole.length) > cache.context.contextSize) return undefined;
      const same = held.findIndex((token, index) => token !== whole[index]);
      // Nothing predicts a text's first token.
      const first = Math.max(1, same < 0 ? held.length : same);
      const replaced = behind([before], (tokens) => {
        decodedTokens += cache.markAt(tokens);
        return first < tokens.length ? read(tokens, first, false).logProbs : [];
      });
      const score = behind([before, bytes], (tokens) => read(tokens, first, ends));
      if (score.ids.length > 0) for (const logProb of replaced) score.logProbs[0] -= logProb;
      return score;
    });
    return { scores, decodedTokens };
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
