/**
 * The member contract: one model that can continue text, behind one interface.
 *
 * A member holds one text at a time. `begin` sets the prompt and computes its next-token logits; `append` queues what
 * was chosen; `advance` brings the member up to date with everything queued and computes the next logits. Between
 * `advance` and the next `append` the member's `output` is valid. Appending without advancing is how a member lags
 * behind on purpose (gates, routers); the next `advance` decodes everything that it missed at once.
 *
 * A member does one thing at a time: call one of its asynchronous functions when the promise of the last has settled
 * (`dispose` excepted). Different members work side by side.
 *
 * Laws (test/laws/member.ts, run against every implementation):
 * - after any sequence of text feedback, `cachedTokens` equals the member's own tokenisation of prompt + text so far;
 * - `output` depends on the cached tokens alone, not on the steps that led to them;
 * - looking ahead says what stepping would, and leaves the text and the output as they are;
 * - `dispose` may be called at any moment, any number of times.
 */
import type { Vocabulary } from "../vocabulary/vocabulary.js";
import type { EmbeddingLayer, EmbeddingSource } from "./embeddings.js";
import type { MemberIdentity } from "./model-identity.js";
import type { MemberOffers } from "./offers.js";

/** What a member computes from its logits after every decode, while it still holds them. */
export interface Preparation {
  /** How many of the most probable text and end tokens to report; 0 for none. */
  top: number;
  /**
   * Whether `logNormaliser` is computed, which is most of what a top-k costs. Default true. Without it, `logNormaliser` is
   * the largest logit, and log-probabilities are off by one constant for all of a member's tokens: enough for a method
   * that normalises over a subset. A projection always has it.
   */
  normaliser?: boolean;
  /** Probabilities of all tokens summed into a space that several members share. */
  projection?: Projection;
  /**
   * Whether `hidden` is reported. Default false. Feedback of several tokens then takes a second decode, and so does an
   * `advance` with nothing queued right after this was switched on.
   */
  hidden?: boolean;
  /**
   * How many branches of the text there may be (see Feedback). Default 1: none beside the text. Each needs as much memory
   * as the member's context. To be prepared before `begin`; not together with `hidden`.
   */
  branches?: number;
}

export interface Projection {
  /** Token id → entry of the shared space, or -1 where the token has no place in it; length = vocabulary size. */
  map: Int32Array;
  /** Entries in the shared space; entry 0 is the pooled end of generation. */
  size: number;
}

/** What `advance` leaves behind. The arrays are views on memory that the next `advance` overwrites. */
export interface MemberOutput {
  /** ln Σ exp(logit) over the whole vocabulary, so that a token's log-probability is logit − logNormaliser. */
  logNormaliser: number;
  /** ln of the summed probability of all end-of-generation tokens; -Infinity if the vocabulary has none. */
  endLogProb: number;
  /** Number of valid entries in `topIds` and `topLogits`. */
  topCount: number;
  /** The most probable text and end tokens, best first, ties to the lowest id. */
  topIds: Int32Array;
  /** Their raw logits. */
  topLogits: Float32Array;
  /** Every token's raw logit. */
  logits: Float32Array;
  /** Probability of every entry of the shared space (empty unless a projection was prepared). */
  projection: Float64Array;
  /** The last layer's state of the last token, behind the final norm: what the logits are made of. Empty unless prepared. */
  hidden: Float32Array;
  /** What each branch continues with, in their order (empty unless prepared); all else here is the first branch's. */
  branches: readonly BranchOutput[];
  /** Milliseconds spent in llama.cpp for this advance (tokens decoded, logits ready). */
  decodeMs: number;
  /** Milliseconds spent on re-tokenising the feedback and on the preparation. */
  prepareMs: number;
  /** Tokens decoded by this advance: 1 when the feedback was one token and nothing was rolled back. */
  decodedTokens: number;
}

export interface BranchOutput {
  readonly logits: Float32Array;
  /** ln Σ exp(logit) over the whole vocabulary. */
  readonly logNormaliser: number;
}

/** A continuation of the text that a member keeps beside others (beam search). */
export interface Branch {
  /** The present branch that this one continues; after `begin`, branch 0 exists. */
  from: number;
  /** Token ids appended to it; none leaves it as it is. */
  ids: readonly number[];
}

/** How chosen bytes go back into a member. */
export type Feedback =
  /** The whole text is tokenised canonically; the cache is rolled back to the first token that changes. */
  | { kind: "text"; bytes: Uint8Array }
  /**
   * These bytes are tokenised on their own and their tokens appended; nothing is ever rolled back. The tokenizer's space
   * before a first word is put only where `atFragmentStart`.
   */
  | { kind: "piece"; bytes: Uint8Array }
  /** Token ids of this member's own vocabulary, appended as they are. */
  | { kind: "tokens"; ids: readonly number[] }
  /** These branches take the place of the present ones. Where several are prepared, the only feedback there is. */
  | { kind: "branches"; branches: readonly Branch[] };

export interface MemberPrompt {
  /** The prompt in UTF-8. */
  text: Uint8Array;
  /** Whether special tokens written in the text (`<|im_start|>`) mean the tokens; true for rendered chat templates. */
  parseSpecial: boolean;
  /**
   * Ranges of the text, in bytes: `[start, end, start, end, …]`. Special tokens written there are letters all the same,
   * and none reaches across their borders. What messages say in a rendered chat template.
   */
  letters?: readonly number[];
  /** Whether to put the vocabulary's beginning-of-text token first, if its tokenizer does so. Nothing is put behind. */
  addBos: boolean;
  /**
   * Keep what the cache shares with this prompt instead of decoding it again (the next turn of a chat). Off unless said:
   * a different split into batches changes the last bits of the logits, and a seed is to repeat a run exactly.
   */
  reuse?: boolean;
  /**
   * No other text of the member is in use: what its slots still hold goes, so that the logits are those of a member with one
   * slot, to the last bit. Default false.
   */
  alone?: boolean;
  /** Begin with these tokens of the member's own vocabulary, whatever the text is. */
  tokens?: readonly number[];
  /**
   * What the text to come begins with: until it is said, the logits of all tokens that do not agree with it are −∞ (see
   * required-text.ts). Not for branches. Default: nothing.
   */
  ahead?: Uint8Array;
}

/** How `MemberPrompt` says them; false, none and false unless given. */
export type TokenizeOptions = Partial<Pick<MemberPrompt, "parseSpecial" | "letters" | "addBos">>;

/** How probable a member finds a text, token by token. */
export interface PromptScore {
  ids: Int32Array;
  /** ln p(ids[i] | ids[0 … i − 1]) in nats, the whole vocabulary being possible; NaN for i = 0, which nothing precedes. */
  logProbs: Float64Array;
}

/** What a member would say next. */
export interface Saying {
  /** A text token, or −1 for the end of generation. */
  id: number;
  /** What it adds to the text: nothing for the end, and without a space that is the tokenizer's own. */
  bytes: Uint8Array;
  /** ln of its probability in nats, the whole vocabulary being possible; the end is all end tokens together. */
  logProb: number;
  /** What else it might have said, best first, where that was asked for (DraftOptions.others). */
  others?: Saying[];
}

/** Text that may come behind the one at hand: bytes, read as text feedback, and then tokens of the member's own. */
export interface Onward {
  bytes?: Uint8Array;
  ids?: readonly number[];
}

export interface DraftOptions {
  /** What the draft goes on from. Default: the text at hand. */
  behind?: Onward;
  /** How many of the likeliest other sayings to list with each saying. Default 0. */
  others?: number;
  /** Whether the logits that the last saying was chosen from come along. Default false. */
  logits?: boolean;
}

/** Text that a member would go on with. */
export interface Draft {
  /** One after the other; the end, if there is one, is the last. Empty where the context is full. */
  sayings: Saying[];
  /** What the last saying was chosen from: every token's raw logit. Where asked for. */
  logits?: Float32Array;
  /** Whether the tokenizer puts a space before the last saying. */
  startsFragment: boolean;
  decodedTokens: number;
}

/** A text that may come, to be scored. */
export interface Prospect {
  bytes: Uint8Array;
  /** Text before it that may come as well and is not scored. Default: nothing. */
  behind?: Uint8Array;
  /** Whether the generation ends behind it; the end is then scored, too. Default false. */
  ends?: boolean;
}

/** How probable a member finds a text that may come, token by token as it would read the whole text. */
export interface ProspectScore {
  /** Its tokens. One that reaches back into the text before counts as well. */
  ids: Int32Array;
  /**
   * ln p(ids[i] | all before) in nats, the whole vocabulary being possible. They sum to ln p(text, prospect) − ln p(text): where
   * the prospect changes tokens of the text before it, the first of them is less what those had.
   */
  logProbs: Float64Array;
  /** The raw logit of each token. */
  logits: Float32Array;
  /** ln of the summed probability of all end tokens behind it; where asked for. */
  endLogProb?: number;
}

export interface Assessment {
  /** For each prospect in turn; undefined where it does not fit the context. */
  scores: (ProspectScore | undefined)[];
  decodedTokens: number;
}

/** A place inside a text that may come. */
export interface Place {
  /** Where it is, in bytes of that text; 0 is where it begins. */
  at: number;
  /** A string that might be said here; without one, the end of generation. */
  bytes?: Uint8Array;
}

export interface Verdict {
  /** What the member would say here itself. */
  likeliest: Saying;
  /**
   * ln of the probability of what the place asks about, in nats: of all tokens that are the string as a whole, -Infinity
   * for none, or of all end tokens.
   */
  logProb: number;
}

export interface Verification {
  /**
   * For each place in turn; undefined where none of the member's tokens begins, as it would read the whole text. Fewer
   * than there are places where the text before the next one does not fit the context.
   */
  verdicts: (Verdict | undefined)[];
  decodedTokens: number;
}

export interface BeginResult {
  promptTokens: number;
  /** Leading tokens that were still in the cache from the previous text and were not decoded again. */
  reusedTokens: number;
}

/** The logit of a byte string in a vocabulary that may not have it as one token. */
export interface Lookup {
  /** The token whose logit stands for the string: its own, or the first one of its tokenisation; -1 if there is none. */
  id: number;
  /** Whether the string is one token of this vocabulary. */
  own: boolean;
  /**
   * The string's own logit: ln Σ exp(logit) over every text token with exactly these bytes (as a rule there is one; see
   * Vocabulary.idsOf). Else the first sub-token's logit; -Infinity if `id` is -1.
   */
  logit: number;
}

/** What decoding needs to know of the model; which model it is stands in `identity()`. */
export interface MemberFacts {
  trainedContext: number;
  /** Numbers of a hidden state. */
  embeddingLength: number;
  /** The chat template in the model's metadata, if any (Jinja). */
  chatTemplate?: string;
  /** Texts of the beginning- and end-of-text tokens, for templates that write them. */
  bosText: string;
  eosText: string;
}

export interface Member {
  /** What stands behind it: "llama" for a GGUF file, "scripted", or a name of your own. */
  readonly kind: string;
  readonly name: string;
  /** What it can do beside continuing text. */
  readonly offers: MemberOffers;
  readonly facts: MemberFacts;
  readonly vocabulary: Vocabulary;
  /** Tokens that fit its context. */
  readonly contextSize: number;
  /**
   * Members that are this model with a text of their own each, this one first; they work side by side, and share decodes
   * where they can. The same list in each of them. Absent: it holds one text. Disposing of one disposes of all.
   */
  readonly slots?: readonly Member[];
  /** Variables for its chat template that hold for every request; a request's own go before them. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
  /** Valid after `begin` or `advance` until the next `append`, `begin` or `dispose`. */
  readonly output: MemberOutput;
  /** Whether there is a valid output. */
  readonly hasOutput: boolean;
  /**
   * Whether the text to come starts right after a special token in a vocabulary that puts a space before the first
   * word. There, the leading space of the next token's bytes is the tokenizer's, not the text's.
   */
  readonly atFragmentStart: boolean;

  /** Choose what `begin` and `advance` compute. Takes effect with the next of them. */
  prepare(preparation: Preparation): Promise<void>;
  /** Forget the text, tokenise and decode this prompt. Errors: context-overflow, invalid-text, aborted. */
  begin(prompt: MemberPrompt, signal?: AbortSignal): Promise<BeginResult>;
  /**
   * How probable the member finds each token of a prompt or, without one, of the text that it holds, queued feedback
   * included. Everything is decoded (again), a few tokens at a time, so that memory does not grow with the text; then the
   * member stands as after `begin` or `advance`. Not while branches are prepared. Errors: as these.
   */
  scorePrompt(prompt?: MemberPrompt, signal?: AbortSignal): Promise<PromptScore>;
  /** Queue chosen text. */
  append(feedback: Feedback): void;
  /**
   * The text may go on with these bytes behind what was queued: the next `advance` may read them in the same decode, and
   * those after it then decode nothing, as far as the text does go on so. Outputs are the same but for the rounding of
   * llama.cpp's batches. Does nothing where going back is costly, where hidden states are prepared, and with branches.
   * Absent: it takes no such hints.
   */
  expect?(bytes: Uint8Array): void;
  /**
   * Decode what was queued and prepare the output. With nothing queued, nothing is decoded (one token, after `draft` or
   * `verify`) and the output is prepared again from the logits at hand: how a method changes its preparation once it has seen `atFragmentStart`.
   * Errors: context-overflow, invalid-logits, member-failed, -hung.
   */
  advance(): Promise<void>;
  /**
   * What the member would say next, and next: its likeliest text token or, where it is at least as probable, the end. At
   * most `count`, fewer at the end or where the context is full. The text stays as it is, and so does the output; feedback
   * that says the same is then not decoded again. Not while branches are prepared. Errors: as advance, aborted, invalid-option.
   */
  draft(count: number, signal?: AbortSignal, options?: DraftOptions): Promise<Draft>;
  /**
   * What the member would say inside a text that may come, which is read as text feedback: several places in one decode.
   * The text and the output stay as they are, as for `draft`. Errors: as for `draft`.
   */
  verify(bytes: Uint8Array, places: readonly Place[], signal?: AbortSignal): Promise<Verification>;
  /**
   * How probable the member finds texts that may come, each read as text feedback. The text and the output stay as they are,
   * as for `draft`; what was drafted or assessed and is then said is not decoded again. Errors: as for `draft`.
   */
  assess(prospects: readonly Prospect[], signal?: AbortSignal): Promise<Assessment>;
  /**
   * Logits at the current position. A byte string: the tokens with these bytes, else the first token of its tokenisation
   * as the text to come. Where `atFragmentStart`, a string's own tokens are those whose bytes, less one leading space
   * where more follows, are the string. A number: this token's logit and nothing else, whatever its class.
   */
  lookup(keys: readonly (Uint8Array | number)[]): Promise<Lookup[]>;
  /** The token ids in the cache, plus those queued but not decoded. */
  cachedTokens(): Promise<Int32Array>;
  /** Tokenise text with this member's tokenizer. */
  tokenize(text: Uint8Array, options?: TokenizeOptions): Promise<Int32Array>;
  /** Threads to decode with from now on. */
  setThreads(threads: number): Promise<void>;
  /** Which model it is and what it costs. */
  identity(): MemberIdentity;
  /** Where its token embeddings are, for methods that compare tokens by them. Absent or undefined: it has none. */
  embeddings?(layer: EmbeddingLayer): EmbeddingSource | undefined;
  dispose(): Promise<void>;
}
