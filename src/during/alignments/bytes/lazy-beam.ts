/**
 * A beam that asks the model about those token sequences alone that matter. Beside the hypotheses that have been read
 * (byte-beam.ts) it remembers others, each a finished sequence that the model has not been asked about, with a guessed weight:
 *
 *     weight(ids) = P(ids) · Π_j g(b_j)        b: the bytes of the text behind the tokens
 *     g(b) = (1 − κ) · P_read(b) + κ · u(b)    κ = 0.9 for the first of these bytes, 0.05 for others
 *
 * P_read is what the hypotheses that were read say, u a guess by the last byte (byte-guess.ts): behind a finished token a new
 * one begins, of which pending hypotheses know nothing. A sequence is read as soon as its share of all weight reaches
 * `threshold`; its true weight then takes the place of the guess. The next byte is
 *
 *     P(b) = (1 − ω) · P_read(b) + ω · u(b)    ω: κ · share, summed over what waits and what was dropped
 *
 * so P sums to 1 and no byte is impossible that the member can spell. With threshold 0 everything is read and ω is 0: exact
 * as long as nothing is dropped. Dropped is what exceeds the branches, and what weighs almost nothing.
 *
 * Where no hypothesis can say the byte that came, the beam heals: it finishes every token that a pending hypothesis has begun
 * with. The waiting, the guess and the healing are ours; genlm-bytes drops by weight and backs off token by token.
 */
import { ROOT } from "../../../vocabulary/byte-trie.js";
import type { Vocabulary } from "../../../vocabulary/vocabulary.js";
import {
  ByteBeam,
  discardedShare,
  type Hypothesis,
  logSum,
  prune,
  sequenceOf,
  type TokenSequence,
} from "./byte-beam.js";
import { ByteGuess } from "./byte-guess.js";
import { BYTE_ENTRIES, TokenMasses } from "./token-masses.js";

/** κ of a sequence that has just been finished. */
const FRESH_DOUBT = 0.9;
/** κ of all others, and of what was dropped. */
const DOUBT = 0.05;
/** The share of what was dropped behind a healed place: what the other ways to spell it weigh is not known. */
const HEALED_REST = 0.05;
/** What weighs less than this share of `threshold` is dropped. */
const FORGOTTEN = 1e-4;
/** Hypotheses remembered for each branch; only memory. */
const REMEMBERED = 8;
const SPACE = 0x20;

/** A finished sequence that the model has not been asked about. */
export interface Waiting extends Hypothesis {
  /** Where its tokens end, in bytes of the text. */
  at: number;
}

export interface LazyOptions {
  /** Sequences kept: those read, and those that a waiting one continues. */
  beam: number;
  /** The share of all weight from which a sequence is read. */
  threshold: number;
}

/** Which of these could be where they are; the others are dropped. */
export type Filter = (hypotheses: readonly Hypothesis[]) => Promise<readonly Hypothesis[]>;

export class LazyBeam {
  /** Σ over the bytes of the share of weight that was dropped. */
  discarded = 0;
  healed = 0;
  /** What is read next, once `settle` has been called. */
  reading: readonly Waiting[] = [];
  readonly #beam: ByteBeam;
  #guess: ByteGuess;
  /** The text, and ln of the guesses of its first n bytes. */
  #text: number[] = [];
  #logGuess: number[] = [0];
  #waiting: Waiting[] = [];
  #isSettled = false;
  /** The share of what was dropped. */
  #rest = 0;
  readonly #next = new Float64Array(BYTE_ENTRIES);
  #hasNext = false;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly options: LazyOptions,
  ) {
    this.#beam = new ByteBeam(vocabulary);
    this.#guess = new ByteGuess(this.#beam.trie);
  }

  /** Another beam with the same text, which goes on by itself. */
  copy(): LazyBeam {
    const copy = new LazyBeam(this.vocabulary, this.options);
    copy.#beam.keep(this.#beam.hypotheses);
    copy.#guess = this.#guess.copy();
    copy.#text = [...this.#text];
    copy.#logGuess = [...this.#logGuess];
    copy.#waiting = [...this.#waiting];
    copy.reading = this.reading;
    copy.#isSettled = this.#isSettled;
    copy.#rest = this.#rest;
    return copy;
  }

  /** Nothing is needed of it any more. */
  drop(): void {
    this.#beam.keep([]);
    this.#waiting = [];
    this.reading = [];
  }

  /**
   * The text begins behind what the model has read; these are its logits. At a fragment's start the first space is the
   * tokenizer's own, no text: tokens that begin with one and go on are behind it, a token that is nothing else has said it,
   * and all others begin without one. Returns the sequences that stand for the beginning.
   */
  begin(logits: ArrayLike<number>, atFragmentStart: boolean): TokenSequence[] {
    const { trie } = this.#beam;
    const sequence = sequenceOf(undefined, -1, 0);
    const space = atFragmentStart ? trie.child(ROOT, SPACE) : -1;
    this.#beam.read(sequence, logits);
    this.#text = space < 0 ? [] : [SPACE];
    this.#logGuess = space < 0 ? [0] : [0, 0];
    const active: Hypothesis[] = [];
    this.#spell(sequence, 0, active);
    if (space < 0) {
      this.#keep(active);
      return [sequence];
    }
    const masses = new TokenMasses(trie);
    let share = 0;
    masses.take(logits, ({ probabilities }) => {
      probabilities.fill(0, trie.low[space], trie.high[space]);
      share = masses.normalise();
    });
    const unspaced = sequenceOf(undefined, -1, Math.log(share));
    if (share > 0) {
      this.#beam.adopt(unspaced, masses);
      active.push({ sequence: unspaced, node: ROOT, logWeight: unspaced.logProb });
    }
    this.#keep(active);
    return [sequence, unspaced];
  }

  /** Whether the text cannot be spelt. */
  get isOut(): boolean {
    return this.#beam.hypotheses.length === 0 && this.#waiting.length === 0;
  }

  /** ln W(text so far): read, waiting and dropped, as far as that is known. */
  get logWeight(): number {
    return logSum(this.#all) - Math.log1p(-this.#rest);
  }

  /** The heaviest hypothesis, and where its tokens end in the text; the beam is not out. */
  get heaviest(): Waiting {
    const best = heaviestOf(this.#all);
    return isWaiting(best) ? best : { ...best, at: this.#text.length - this.#beam.trie.stringOf(best.node).length };
  }

  /** The sequence behind which an end would be said. */
  get endSequence(): TokenSequence | undefined {
    const { hypotheses } = this.#beam;
    return (hypotheses.find(({ node }) => node === ROOT) ?? hypotheses.at(0))?.sequence;
  }

  get #all(): Hypothesis[] {
    return [...this.#beam.hypotheses, ...this.#waiting];
  }

  get #last(): number {
    return this.#text.at(-1) ?? -1;
  }

  /**
   * The sequences that have to be branches: those read and those to be read, the one that spells most of the text first, then
   * those that waiting ones continue.
   */
  get needed(): TokenSequence[] {
    const ends = new Map<TokenSequence, number>();
    for (const { sequence, node } of this.#beam.hypotheses)
      ends.set(sequence, this.#text.length - this.#beam.trie.stringOf(node).length);
    for (const { sequence, at } of this.reading) ends.set(sequence, at);
    const ordered = [...ends].sort(([, a], [, b]) => b - a).map(([sequence]) => sequence);
    const reading = new Set(this.reading);
    const continued = this.#waiting.filter((each) => !reading.has(each)).map(({ sequence }) => sequence.parent!);
    return [...new Set([...ordered, ...continued])];
  }

  /** The model has said what comes behind each of `reading`. */
  read(logitsOf: (sequence: TokenSequence) => ArrayLike<number>): void {
    const reading = new Set(this.reading);
    this.reading = [];
    this.#waiting = this.#waiting.filter((each) => !reading.has(each));
    const active = [...this.#beam.hypotheses];
    for (const { sequence, at } of reading) {
      // A copy may have read it.
      if (sequence.masses === undefined) this.#beam.read(sequence, logitsOf(sequence));
      else this.#beam.adopt(sequence, sequence.masses);
      this.#guess.learn(sequence.masses!, this.#text[at - 1] ?? -1);
      this.#spell(sequence, at, active);
    }
    this.#keep(active);
  }

  /** The text goes on behind this sequence alone, whose tokens end at byte `at`: all else is dropped. Returns it anew. */
  goOnWith({ sequence, at, ...rest }: Waiting, logits: ArrayLike<number>): TokenSequence {
    this.#drop([{ sequence, ...rest }], this.#all);
    const kept = sequenceOf(undefined, -1, sequence.logProb);
    this.#waiting = [];
    this.reading = [];
    this.#beam.read(kept, logits);
    const active: Hypothesis[] = [];
    this.#spell(kept, at, active);
    this.#keep(active);
    return kept;
  }

  /** The next-byte distribution; float64[257]. `guesses`: with ω. False where it is none. All of `reading` has been read. */
  next(out: Float64Array, guesses = true): boolean {
    if (!this.#updateNext()) return false;
    out.set(this.#next);
    if (guesses) this.#guess.mixInto(out, this.#doubt(), this.#last);
    return true;
  }

  /** u alone, for bytes that no sequence is known to say; float64[257]. */
  guess(out: Float64Array): void {
    this.#guess.mixInto(out.fill(0), 1, this.#last);
  }

  /** P of one byte. */
  probabilityOf(byte: number): number {
    const share = this.#doubt();
    const known = this.#updateNext() ? this.#next[byte] : 0;
    return (1 - share) * known + share * this.#guess.of(byte, this.#last);
  }

  take(byte: number): void {
    const known = this.#updateNext() ? this.#next[byte] : 0;
    const usual = this.#guess.of(byte, this.#last);
    const guessed = (share: number) => (1 - share) * known + share * usual;
    const said = guessed(this.#doubt());
    if (said > 0) this.#rest = Math.min(1, (this.#rest * guessed(DOUBT)) / said);
    this.#guess.count(byte, this.#last);
    const { length } = this.#text;
    const old = Math.log(guessed(DOUBT));
    const fresh = Math.log(guessed(FRESH_DOUBT));
    this.#text.push(byte);
    this.#logGuess.push(this.#logGuess[length] + old);
    const before = this.#beam.hypotheses;
    const found = this.#beam.continuations(byte);
    this.#waiting = this.#waiting
      .map((each) => ({ ...each, logWeight: each.logWeight + (each.at === length ? fresh : old) }))
      .filter(({ logWeight }) => logWeight > Number.NEGATIVE_INFINITY);
    for (const each of found) if (each.node === ROOT) this.#waiting.push({ ...each, at: length + 1 });
    const active = found.filter(({ node }) => node !== ROOT);
    if (active.length === 0 && this.#waiting.length === 0) this.#heal(before);
    this.#keep(active);
  }

  /** Choose what is read now, and drop what is too light, or one too many, to be remembered. */
  async settle(filter?: Filter): Promise<void> {
    while (!this.#isSettled) {
      const all = this.#all;
      const total = logSum(all);
      const best = heaviestOf(all);
      const isHeavy = (each: Waiting) => each === best || each.logWeight - total >= Math.log(this.options.threshold);
      const heavy = this.#waiting.filter(isHeavy);
      const left = filter === undefined ? all : await without(all, heavy, filter);
      if (left.length === all.length) this.#choose(heavy);
      else this.#reduceTo(left);
    }
  }

  /** Read of these what the branches suffice for; the others wait. */
  #choose(heavy: readonly Waiting[]): void {
    const { beam, threshold } = this.options;
    const reading = new Set<Hypothesis>(heavy);
    const needed = new Set<TokenSequence>();
    const fits = (sequence: TokenSequence) => {
      if (!needed.has(sequence) && needed.size === beam) return false;
      needed.add(sequence);
      return true;
    };
    const kept = prune(this.#all, threshold * FORGOTTEN, REMEMBERED * beam).hypotheses.filter((each) => {
      if (!isWaiting(each)) return fits(each.sequence);
      if (reading.has(each) && fits(each.sequence)) return true;
      reading.delete(each);
      return fits(each.sequence.parent!);
    });
    this.#reduceTo(kept);
    this.reading = this.#waiting.filter((each) => reading.has(each));
    this.#isSettled = true;
  }

  #reduceTo(kept: readonly Hypothesis[]): void {
    this.#drop(kept, this.#all);
    const stays = new Set(kept);
    const { hypotheses } = this.#beam;
    this.#waiting = this.#waiting.filter((each) => stays.has(each));
    const active = hypotheses.filter((each) => stays.has(each));
    if (active.length < hypotheses.length) this.#keep(active);
  }

  #drop(kept: readonly Hypothesis[], all: readonly Hypothesis[]): void {
    const share = discardedShare(kept, all);
    this.discarded += share;
    this.#rest += (1 - this.#rest) * share;
  }

  #keep(active: readonly Hypothesis[]): void {
    this.#beam.keep([...active].sort((a, b) => b.logWeight - a.logWeight));
    this.#isSettled = false;
    this.#hasNext = false;
  }

  #updateNext(): boolean {
    if (!this.#hasNext) this.#hasNext = this.#beam.next(this.#next);
    return this.#hasNext;
  }

  /** ω. */
  #doubt(): number {
    if (this.#waiting.length === 0) return DOUBT * this.#rest;
    const { length } = this.#text;
    const total = logSum(this.#all);
    const waiting = this.#waiting.reduce(
      (sum, { at, logWeight }) => sum + (at === length ? FRESH_DOUBT : DOUBT) * Math.exp(logWeight - total),
      0,
    );
    return DOUBT * this.#rest + (1 - this.#rest) * waiting;
  }

  /**
   * Every way on from a sequence that has been read and ends at byte `at`: pending, where a token can begin with all that is
   * left of the text, and waiting behind each token that begins it.
   */
  #spell(sequence: TokenSequence, at: number, active: Hypothesis[]): void {
    const { trie } = this.#beam;
    const text = this.#text;
    let node = ROOT;
    for (let end = at; end < text.length; end++) {
      node = trie.child(node, text[end]);
      if (node < 0) return;
      for (let place = trie.low[node]; place < trie.ownEnd[node]; place++) {
        const finished = this.#beam.finish(sequence, place);
        if (finished === undefined) continue;
        const since = this.#logGuess[text.length] - this.#logGuess[end + 1];
        this.#waiting.push({ ...finished, at: end + 1, logWeight: finished.logWeight + since });
      }
    }
    const beyond = node === ROOT ? 1 : sequence.masses!.beyond(node);
    if (beyond > 0) active.push({ sequence, node, logWeight: sequence.logProb + Math.log(beyond) });
  }

  /** None of these says the last byte. */
  #heal(before: readonly Hypothesis[]): void {
    this.healed++;
    for (const { sequence, node } of before) {
      const pending = this.#beam.trie.stringOf(node).length;
      this.#spell(sequence, this.#text.length - 1 - pending, []);
    }
    this.#rest = HEALED_REST;
  }
}

/** All but those of `heavy` that cannot be; all where nothing else is left. */
async function without(all: readonly Hypothesis[], heavy: readonly Hypothesis[], filter: Filter) {
  if (heavy.length === 0) return all;
  const possible = new Set(await filter(heavy));
  const refused = new Set(heavy.filter((each) => !possible.has(each)));
  const left = all.filter((each) => !refused.has(each));
  return left.length > 0 ? left : all;
}

function heaviestOf(hypotheses: readonly Hypothesis[]): Hypothesis {
  return hypotheses.reduce((best, each) => (each.logWeight > best.logWeight ? each : best));
}

function isWaiting(hypothesis: Hypothesis): hypothesis is Waiting {
  return "at" in hypothesis;
}
