/**
 * A member whose distributions are written by hand: for tests of methods, of decoding loops and of one's own code,
 * without a model, a thread or a file. It keeps the whole member contract, and keeps it the obvious way (all of the text
 * is tokenised again for every feedback), so that it can serve as the measure of cleverer members.
 *
 * ```ts
 * const member = new ScriptedMember({
 *   name: "parrot",
 *   vocabulary: makeVocabulary([{ bytes: Buffer.from("a") }, { bytes: Buffer.from("b") }, { bytes: new Uint8Array(), class: TokenClass.end }]),
 *   script: ({ tokens }) => (tokens.length < 5 ? [2, 1, 0] : [0, 0, 9]),
 * });
 * ```
 */
import { LlamafuseError } from "../../errors.js";
import { logSumExp } from "../../statistics.js";
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import { checkBranches, readsNoBranches, wrongFeedback } from "../branches.js";
import { checkBegun, checkDraft, checkPlaces } from "../check-places.js";
import { checkPreparation, notOffered } from "../check-preparation.js";
import type { EmbeddingLayer, EmbeddingSource } from "../embeddings.js";
import type {
  Assessment,
  BeginResult,
  Branch,
  BranchOutput,
  Draft,
  DraftOptions,
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  Prospect,
  TokenizeOptions,
  Verification,
} from "../member.js";
import { identityOfModel, type MemberIdentity } from "../model-identity.js";
import type { MemberOffers } from "../offers.js";
import { promptOfTokens } from "../prompt-of-tokens.js";
import { RequiredText } from "../required-text.js";
import { assessBehind, draftBehind, type Looking, verifyWithin } from "./ahead.js";
import { checkRoom, noTokens, notAdvanced, sharedPrefix } from "./checks.js";
import { descriptionOf, factsOf, offersOf, type ScriptedMemberOptions } from "./options.js";
import { checkedLogits, prepareOutput } from "./output.js";
import { lookUpBytes, lookUpId, seenLogits, withoutLogits } from "./seen.js";
import { ScriptedText } from "./text.js";
import { ScriptedTokenizer } from "./tokenizer.js";

export class ScriptedMember implements Member {
  readonly kind = "scripted";
  readonly name: string;
  readonly offers: MemberOffers;
  readonly facts: MemberFacts;
  readonly vocabulary: Vocabulary;
  readonly contextSize: number;
  readonly #tokenizer: ScriptedTokenizer;
  #preparation: Preparation = { top: 0 };
  /** What the cache is to hold, of which the first `#decoded` tokens are in it. */
  #text: ScriptedText;
  #decoded = 0;
  #branches: ScriptedText[] = [];
  #required: RequiredText;
  /** Tokens that branches got since the last advance, or those of the prompt. */
  #undecoded = 0;
  /** Logits behind the last decoded token. */
  #logits: Float32Array | undefined;
  /** Of the present text; undefined as soon as something is appended. */
  #output: MemberOutput | undefined;
  #disposed = false;

  readonly #options: ScriptedMemberOptions;

  constructor(options: ScriptedMemberOptions) {
    this.#options = options;
    this.name = options.name ?? "scripted";
    this.vocabulary = options.vocabulary;
    this.contextSize = options.contextSize ?? 4096;
    this.#tokenizer = new ScriptedTokenizer(options.vocabulary, options.tokenizer);
    this.#text = ScriptedText.empty(this.#tokenizer);
    this.#required = RequiredText.of(options.vocabulary);
    this.facts = factsOf(options, this.contextSize);
    this.offers = offersOf(options);
  }

  get hasOutput(): boolean {
    return this.#output !== undefined && !this.#disposed;
  }

  get output(): MemberOutput {
    this.#checkUsable();
    if (this.#output === undefined) throw notAdvanced(this.name, "output");
    return this.#output;
  }

  get atFragmentStart(): boolean {
    return this.#text.atFragmentStart;
  }

  async prepare(preparation: Preparation): Promise<void> {
    this.#checkUsable();
    checkPreparation(this.name, preparation, this.offers, this.vocabulary);
    this.#preparation = { ...preparation, top: Math.min(preparation.top, this.offers.topDepth) };
  }

  async begin(prompt: MemberPrompt, signal?: AbortSignal): Promise<BeginResult> {
    this.#checkUsable();
    this.#checkNotAborted(signal);
    for (const id of prompt.tokens ?? []) this.vocabulary.checkId(id);
    const text = ScriptedText.of(this.#tokenizer, prompt);
    const { tokens } = text;
    if (tokens.length === 0) throw noTokens(this.name);
    this.#checkFits(tokens.length);
    this.#logits = undefined;
    this.#output = undefined;
    // The last token is always decoded again: its logits are wanted.
    const shared = Math.min(sharedPrefix(this.#text.tokens.slice(0, this.#decoded), tokens), tokens.length - 1);
    const reusedTokens = prompt.reuse ? shared : 0;
    this.#text = text;
    this.#required = RequiredText.of(this.vocabulary, prompt.ahead);
    this.#decoded = reusedTokens;
    this.#branches = [text];
    this.#undecoded = tokens.length - reusedTokens;
    await this.advance();
    return { promptTokens: tokens.length, reusedTokens };
  }

  async scorePrompt(prompt?: MemberPrompt, signal?: AbortSignal): Promise<PromptScore> {
    this.#checkUsable();
    this.#checkOneText();
    if (!this.offers.promptScores) throw notOffered(this.name, "the probability of a given text", "promptScores");
    if (prompt !== undefined) await this.begin(prompt, signal);
    else await this.advance();
    const ids = Int32Array.from(this.#text.tokens);
    const logProbs = new Float64Array(ids.length).fill(Number.NaN);
    const reader = new ScriptedMember({ ...this.#options, offers: undefined });
    const [first, ...others] = this.#text.tokens;
    await reader.begin(promptOfTokens([first]));
    for (const [place, id] of others.entries()) {
      logProbs[place + 1] = reader.output.logits[id] - reader.output.logNormaliser;
      reader.append({ kind: "tokens", ids: [id] });
      await reader.advance();
    }
    this.#output!.decodedTokens = ids.length;
    return { ids, logProbs };
  }

  append(feedback: Feedback): void {
    this.#checkUsable();
    const { branches = 1 } = this.#preparation;
    if ((feedback.kind === "branches") !== branches > 1) throw wrongFeedback(this.name, feedback.kind, branches > 1);
    if (feedback.kind !== "branches") this.#required = this.#required.after(feedback, this.atFragmentStart);
    if (feedback.kind === "branches") {
      this.#replaceBranches(feedback.branches, branches);
    } else if (feedback.kind === "tokens") {
      this.#text = this.#withTokens(this.#text, feedback.ids);
    } else if (feedback.kind === "piece") {
      this.#text = this.#text.withPiece(feedback.bytes);
    } else {
      const text = this.#text.withText(feedback.bytes);
      this.#decoded = Math.min(this.#decoded, sharedPrefix(this.#text.tokens, text.tokens));
      this.#text = text;
    }
    this.#output = undefined;
  }

  async advance(): Promise<void> {
    this.#checkUsable();
    const started = performance.now();
    const { tokens } = this.#text;
    this.#checkFits(tokens.length);
    const isBranching = (this.#preparation.branches ?? 1) > 1 && this.#logits === undefined;
    const decodedTokens = isBranching ? this.#undecoded : tokens.length - this.#decoded;
    this.#undecoded = 0;
    if (decodedTokens > 0 || this.#logits === undefined) {
      this.#output = undefined;
      this.#logits = this.#required.masked(this.#logitsOf(this.#text), this.atFragmentStart);
      this.#decoded = tokens.length;
    }
    const decoded = performance.now();
    const hidden = this.#preparation.hidden ? this.#hiddenOf(this.#text) : new Float32Array();
    this.#output = prepareOutput(this.#logits, this.vocabulary, this.#preparation, hidden);
    if (!this.offers.logits) this.#output = withoutLogits(this.#output, this.#logits, this.vocabulary, this.offers);
    if ((this.#preparation.branches ?? 1) > 1)
      this.#output.branches = this.#branches.map((text) => this.#outputOf(text));
    this.#output.decodeMs = decoded - started;
    this.#output.prepareMs = performance.now() - decoded;
    this.#output.decodedTokens = decodedTokens;
  }

  async draft(count: number, signal?: AbortSignal, options: DraftOptions = {}): Promise<Draft> {
    this.#checkCanLookAhead(signal);
    checkDraft(this.name, count, options, this.vocabulary.size);
    return draftBehind(this.#text, count, options, this.#looking);
  }

  async assess(prospects: readonly Prospect[], signal?: AbortSignal): Promise<Assessment> {
    this.#checkCanLookAhead(signal);
    if (!this.offers.verify) throw notOffered(this.name, "the probability of texts that may come", "verify");
    return assessBehind(this.#text, prospects, this.#looking);
  }

  async verify(bytes: Uint8Array, places: readonly Place[], signal?: AbortSignal): Promise<Verification> {
    this.#checkCanLookAhead(signal);
    if (!this.offers.verify) throw notOffered(this.name, "to verify places inside a text", "verify");
    checkPlaces(this.name, bytes, places);
    return verifyWithin(this.#text, bytes, places, this.#looking);
  }

  get #looking(): Looking {
    const { vocabulary, contextSize } = this;
    const said = this.#text.bytes.length;
    const script = (text: ScriptedText) =>
      this.#required.behind(text.bytes.subarray(said)).masked(this.#logitsOf(text), text.atFragmentStart);
    return { vocabulary, contextSize, script, plain: (text) => this.#logitsOf(text) };
  }

  async lookup(keys: readonly (Uint8Array | number)[]): Promise<Lookup[]> {
    this.#checkUsable();
    const logits = this.#logits;
    if (this.#output === undefined || logits === undefined) throw notAdvanced(this.name, "lookup()");
    const { vocabulary, atFragmentStart } = this;
    const seen = seenLogits(logits, vocabulary, this.offers);
    const at = { tokenizer: this.#tokenizer, atFragmentStart };
    return keys.map((key) =>
      typeof key === "number" ? lookUpId(key, vocabulary, seen) : lookUpBytes(key, vocabulary, seen, at),
    );
  }

  async cachedTokens(): Promise<Int32Array> {
    this.#checkUsable();
    return Int32Array.from(this.#text.tokens);
  }

  async tokenize(text: Uint8Array, options: TokenizeOptions = {}): Promise<Int32Array> {
    this.#checkUsable();
    const { parseSpecial = false, addBos = false, letters } = options;
    return Int32Array.from(
      this.#tokenizer.encodeSegments(this.#tokenizer.split(text, { parseSpecial, addBos, letters })),
    );
  }

  async setThreads(_threads: number): Promise<void> {
    this.#checkUsable();
  }

  identity(): MemberIdentity {
    return identityOfModel(this.name, descriptionOf(this.#options, this.facts), this);
  }

  embeddings(layer: EmbeddingLayer): EmbeddingSource | undefined {
    return this.offers.embeddings.includes(layer) ? this.#options.embeddings?.[layer] : undefined;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
  }

  /** The first branch stands for the member in all that knows of no others. */
  #replaceBranches(next: readonly Branch[], allowed: number): void {
    const present = this.#branches;
    checkBranches(this.name, next, present.length, { sequences: allowed, vocabularySize: this.vocabulary.size });
    this.#branches = next.map(({ from, ids }) => this.#withTokens(present[from], ids));
    this.#text = this.#branches[0];
    this.#logits = undefined;
    this.#undecoded += next.reduce((sum, { ids }) => sum + ids.length, 0);
  }

  #outputOf(text: ScriptedText): BranchOutput {
    this.#checkFits(text.tokens.length);
    const logits = this.#logitsOf(text);
    return { logits, logNormaliser: logSumExp(logits) };
  }

  #logitsOf({ tokens, bytes }: ScriptedText): Float32Array {
    return checkedLogits(this.name, this.vocabulary, this.#options.script({ tokens: [...tokens], text: bytes }));
  }

  #hiddenOf({ tokens, bytes }: ScriptedText): Float32Array {
    return Float32Array.from(this.#options.hidden?.({ tokens: [...tokens], text: bytes }) ?? []);
  }

  #withTokens(text: ScriptedText, ids: readonly number[]): ScriptedText {
    for (const id of ids) this.vocabulary.checkId(id);
    return text.withTokens(ids);
  }

  #checkFits(tokens: number): void {
    checkRoom(this.name, tokens, this.contextSize);
  }

  #checkCanLookAhead(signal: AbortSignal | undefined): void {
    this.#checkUsable();
    this.#checkNotAborted(signal);
    this.#checkOneText();
    checkBegun(this.name, this.#text.tokens.length);
    this.#checkFits(this.#text.tokens.length);
  }

  #checkOneText(): void {
    if ((this.#preparation.branches ?? 1) > 1) throw readsNoBranches(this.name);
  }

  #checkNotAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new LlamafuseError("aborted", "The request was aborted before it was begun.");
  }

  #checkUsable(): void {
    if (this.#disposed)
      throw new LlamafuseError("disposed", `Member "${this.name}" was disposed.`, { member: this.name });
  }
}
