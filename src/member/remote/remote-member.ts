/**
 * A model on a server, seen as a member: token ids go out, the likeliest tokens with their log-probabilities come back. The text
 * and its tokens are kept here, so that nothing is ever taken back over there: every step asks about all tokens anew, and the
 * server's own cache finds those that it has read (docs/distributed.md).
 */
import { LlamafuseError } from "../../errors.js";
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import { wrongFeedback } from "../branches.js";
import { checkBegun, checkDraft } from "../check-places.js";
import { checkPreparation, notOffered } from "../check-preparation.js";
import { TokenTrail } from "../llama/token-trail.js";
import type {
  Assessment,
  BeginResult,
  Draft,
  DraftOptions,
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Preparation,
  PromptScore,
  Saying,
  TokenizeOptions,
  Verification,
} from "../member.js";
import { identityOfModel, type MemberIdentity } from "../model-identity.js";
import type { MemberOffers } from "../offers.js";
import { pooledLogit, Readings } from "../readings.js";
import { sharedPrefix } from "../scripted/checks.js";
import { Listed } from "./output.js";
import { RemoteText, type Told } from "./remote-text.js";
import type { Place, Server } from "./server.js";

export class RemoteMember implements Member {
  readonly kind: string;
  readonly offers: MemberOffers;
  readonly facts: MemberFacts;
  readonly vocabulary: Vocabulary;
  readonly contextSize: number;
  atFragmentStart = false;
  readonly #readings: Readings;
  #preparation: Preparation = { top: 0 };
  readonly #text: RemoteText;
  /** The tokens that the server was asked about last, for what it has to read of the next ones. */
  #asked: readonly number[] = [];
  /** What it said of the text that the trail holds; undefined before it was asked. */
  #place: Place | undefined;
  #listed: Listed | undefined;
  #output: MemberOutput | undefined;
  #identity: MemberIdentity | undefined;
  #isDisposed = false;

  private constructor(
    readonly name: string,
    private readonly server: Server,
    trail: TokenTrail,
    readonly templateVariables: Readonly<Record<string, unknown>> | undefined,
  ) {
    this.kind = server.kind;
    this.facts = server.facts;
    this.vocabulary = server.encoder.vocabulary;
    this.contextSize = server.contextSize;
    this.offers = offersOf(server, this.vocabulary.size);
    this.#text = new RemoteText(server, trail);
    this.#readings = new Readings(this.vocabulary, (strings) => this.#text.firstTokens(strings));
  }

  /** Errors: those of the server. It is closed then. */
  static async over(
    server: Server,
    name: string,
    options: { templateVariables?: Readonly<Record<string, unknown>>; signal?: AbortSignal } = {},
  ): Promise<RemoteMember> {
    const { templateVariables, signal } = options;
    try {
      const [trail] = await server.encoding([() => new TokenTrail(server.encoder)], { signal, guessing: true });
      return new RemoteMember(name, server, trail, templateVariables);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  get hasOutput(): boolean {
    return this.#output !== undefined && !this.#isDisposed;
  }

  get output(): MemberOutput {
    this.#check();
    if (this.#output === undefined) throw this.#notAdvanced("output");
    return this.#output;
  }

  async prepare(preparation: Preparation): Promise<void> {
    this.#check();
    checkPreparation(this.name, preparation, this.offers, this.vocabulary);
    this.#preparation = { ...preparation, top: Math.min(preparation.top, this.offers.topDepth) };
  }

  async begin(prompt: MemberPrompt, signal?: AbortSignal): Promise<BeginResult> {
    this.#check();
    this.#checkNotAborted(signal);
    const shared = await this.#take(prompt, signal);
    const { length } = this.#text;
    // The last token is always read again: what comes behind it is wanted.
    const reusedTokens = prompt.reuse ? Math.min(shared, length - 1) : 0;
    await this.#bringUpToDate(length - reusedTokens, { cache: prompt.reuse === true, signal });
    return { promptTokens: length, reusedTokens };
  }

  async scorePrompt(prompt?: MemberPrompt, signal?: AbortSignal): Promise<PromptScore> {
    this.#check();
    this.#checkNotAborted(signal);
    const { score } = this.server;
    if (score === undefined) throw notOffered(this.name, "the probability of a given text", "promptScores");
    if (prompt === undefined) await this.#hand(signal);
    else await this.#take(prompt, signal);
    checkBegun(this.name, this.#text.length);
    this.#checkFits(this.#text.length);
    const ids = this.#text.tokens.slice();
    const logProbs = await score(Array.from(ids), signal);
    await this.#bringUpToDate(ids.length, { cache: true, signal });
    return { ids, logProbs };
  }

  append(feedback: Feedback): void {
    this.#check();
    if (feedback.kind === "branches") throw wrongFeedback(this.name, feedback.kind, false);
    if (feedback.kind === "tokens") for (const id of feedback.ids) this.vocabulary.checkId(id);
    this.#text.push(feedback);
    this.atFragmentStart = false;
    this.#output = undefined;
  }

  async advance(): Promise<void> {
    this.#check();
    const guess = this.#text.guess();
    const before = this.#asked;
    // The tokenizer may be over there too: asked side by side with what a likely reading of the feedback is followed by.
    const stop = new AbortController();
    const guessed = guess && this.#say(guess, { count: 1, cache: true, signal: stop.signal });
    guessed?.catch(() => {});
    try {
      await this.#hand();
      const tokens = Array.from(this.#text.tokens);
      if (guess !== undefined && isSame(guess, tokens)) {
        this.#place = firstOf(this.name, await guessed!);
        this.#asked = tokens;
      }
      await this.#bringUpToDate(tokens.length - sharedPrefix(before, tokens), { cache: true });
    } finally {
      stop.abort();
    }
  }

  async draft(count: number, signal?: AbortSignal, options: DraftOptions = {}): Promise<Draft> {
    this.#check();
    this.#checkNotAborted(signal);
    checkDraft(this.name, count, options, this.vocabulary.size);
    await this.#hand(signal);
    checkBegun(this.name, this.#text.length);
    const { behind: { bytes, ids } = {}, others = 0, logits = false } = options;
    if (logits && !this.offers.logits) throw notOffered(this.name, "all logits", "logits");
    const told: Told[] = [];
    if (bytes !== undefined && bytes.length > 0) told.push({ kind: "text", bytes });
    if (ids !== undefined && ids.length > 0) told.push({ kind: "tokens", ids });
    const sayings: Saying[] = [];
    let at = await this.#text.behind(told, signal);
    this.#checkFits(this.#text.length);
    let decodedTokens = 0;
    let last: Listed | undefined;
    while (sayings.length < count && at.tokens.length <= this.contextSize) {
      const most = Math.min(count - sayings.length, this.contextSize - at.tokens.length + 1);
      const places = await this.#say(at.tokens, { count: most, cache: true, signal });
      firstOf(this.name, places);
      decodedTokens += places.length;
      for (const place of places) {
        last = new Listed(this.vocabulary, place, at.required, at.atFragmentStart);
        const [saying, ...more] = last.likeliest(1 + others);
        if (saying === undefined) throw nothingListed(this.name);
        sayings.push(others > 0 ? { ...saying, others: more } : saying);
        const isOver = saying.id < 0;
        if (!isOver) {
          told.push({ kind: "tokens", ids: [saying.id] });
          at = await this.#text.behind(told, signal);
        }
        if (isOver || sayings.length === count)
          return {
            sayings,
            logits: logits ? last.logProbs : undefined,
            startsFragment: last.atFragmentStart,
            decodedTokens,
          };
        // It went on with a token that we would not say, such as one that steers the model.
        if (place.chosen !== saying.id) break;
      }
    }
    const startsFragment = last?.atFragmentStart ?? at.atFragmentStart;
    return { sayings, logits: logits ? last?.logProbs : undefined, startsFragment, decodedTokens };
  }

  async verify(): Promise<Verification> {
    throw notOffered(this.name, "to verify places inside a text", "verify");
  }

  async assess(): Promise<Assessment> {
    throw notOffered(this.name, "the probability of texts that may come", "verify");
  }

  async lookup(keys: readonly (Uint8Array | number)[]): Promise<Lookup[]> {
    this.#check();
    if (this.#output === undefined || this.#listed === undefined) throw this.#notAdvanced("lookup()");
    const { logProbs } = this.#listed;
    const known = await this.#readings.of(keys, this.atFragmentStart);
    return known.map(({ ids, own }) => ({ id: ids[0] ?? -1, own, logit: pooledLogit(logProbs, ids) }));
  }

  async cachedTokens(): Promise<Int32Array> {
    this.#check();
    await this.#hand();
    return this.#text.tokens.slice();
  }

  async tokenize(text: Uint8Array, options: TokenizeOptions = {}): Promise<Int32Array> {
    this.#check();
    const { parseSpecial = false, addBos = false, letters } = options;
    const [ids] = await this.server.encoding([
      () => this.server.encoder.encode(text, { parseSpecial, addBos, letters }),
    ]);
    return ids;
  }

  /** The server's own affair. */
  async setThreads(_threads: number): Promise<void> {
    this.#check();
  }

  identity(): MemberIdentity {
    return (this.#identity ??= identityOfModel(this.name, this.server.description, { vocabulary: this.vocabulary }));
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.server.close();
  }

  /** Take a prompt for the text. Returns how many tokens it shares with what the server was asked about last. */
  async #take(prompt: MemberPrompt, signal: AbortSignal | undefined): Promise<number> {
    for (const id of prompt.tokens ?? []) this.vocabulary.checkId(id);
    this.#forget();
    await this.#text.begin(prompt, signal);
    this.#checkFits(this.#text.length);
    return sharedPrefix(this.#asked, this.#text.tokens);
  }

  #forget(): void {
    this.#place = undefined;
    this.#listed = undefined;
    this.#output = undefined;
  }

  /** Have the text take what was told. */
  async #hand(signal?: AbortSignal): Promise<void> {
    if (await this.#text.hand(signal)) this.#place = undefined;
  }

  /** Ask about the text where that was not done, and prepare the output. */
  async #bringUpToDate(decodedTokens: number, ask: { cache: boolean; signal?: AbortSignal }): Promise<void> {
    const started = performance.now();
    const tokens = Array.from(this.#text.tokens);
    checkBegun(this.name, tokens.length);
    this.#checkFits(tokens.length);
    if (this.#place === undefined) {
      this.#output = undefined;
      this.#place = firstOf(this.name, await this.#say(tokens, { count: 1, ...ask }));
      this.#asked = tokens;
    }
    const said = performance.now();
    this.atFragmentStart = this.#text.atFragmentStart;
    this.#listed = new Listed(this.vocabulary, this.#place, this.#text.required, this.atFragmentStart);
    if (this.#listed.ranked.length === 0) throw nothingListed(this.name);
    this.#output = {
      ...this.#listed.output(this.#preparation, this.offers.logits),
      decodeMs: said - started,
      prepareMs: performance.now() - said,
      decodedTokens,
    };
  }

  #say(tokens: readonly number[], ask: Parameters<Server["say"]>[1]): Promise<Place[]> {
    return this.server.say(tokens, ask);
  }

  #checkFits(tokens: number): void {
    if (tokens <= this.contextSize) return;
    const words = `${tokens} tokens do not fit the context of member "${this.name}", which holds ${this.contextSize}. Give its server a larger one, or ask for fewer tokens.`;
    throw new LlamafuseError("context-overflow", words, {
      member: this.name,
      found: tokens,
      allowed: this.contextSize,
    });
  }

  #checkNotAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted)
      throw new LlamafuseError("aborted", "The request was aborted before it was begun.", {}, signal.reason);
  }

  #check(): void {
    if (this.#isDisposed)
      throw new LlamafuseError("disposed", `Member "${this.name}" was disposed.`, { member: this.name });
  }

  #notAdvanced(what: string): LlamafuseError {
    const words = `Member "${this.name}" was asked for ${what} before begin(), or after append() before advance().`;
    return new LlamafuseError("member-failed", words, { member: this.name });
  }
}

/** Top-k blocks; everything where the server lists every token. */
function offersOf({ topDepth, score }: Server, size: number): MemberOffers {
  const isWhole = topDepth >= size;
  return {
    logits: isWhole,
    topDepth,
    lookup: isWhole ? "all" : "top",
    promptScores: score !== undefined,
    hiddenStates: false,
    embeddings: [],
    branches: 1,
    verify: false,
    elsewhere: true,
    goingBack: { tokens: Number.POSITIVE_INFINITY, decodes: "changed" },
  };
}

function firstOf(member: string, [place]: readonly Place[]): Place {
  if (place !== undefined) return place;
  throw nothingListed(member);
}

function nothingListed(member: string): LlamafuseError {
  const words = `Member "${member}": its server lists no token that could be said. Raise topDepth.`;
  return new LlamafuseError("member-failed", words, { member, option: "topDepth" });
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
