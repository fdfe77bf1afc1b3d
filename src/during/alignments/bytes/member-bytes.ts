/**
 * One member that says bytes: a beam of hypotheses (byte-beam.ts), each finished sequence a branch of the member's text.
 *
 * Pruned, the beam is a share 1 − δ of the distribution, and the dropped hypotheses are the rest δ, which says bytes by their
 * frequency u (byte-frequencies.ts):
 *
 *     P(b) = (1 − δ) · P_kept(b) + δ · u(b)        δ ← δ u(b) / P(b) as b comes, and what is dropped then is added
 *
 * So P sums to 1 and no byte that the member can spell is impossible. Where bytes are drawn at random, P_kept alone is drawn from:
 * u spells no characters, and one byte of it is followed by more. δ is 0 while nothing has been dropped. Where no kept
 * hypothesis can say the byte that came, the beam heals: each pending hypothesis finishes the longest token that it can, and
 * spells what is left anew. The rest, the mixture and the healing are ours; genlm-bytes heals by backing off token by token.
 */
import type { Member } from "../../../member/member.js";
import { ROOT } from "../../../vocabulary/byte-trie.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import type { Voice } from "../../method.js";
import {
  ByteBeam,
  discardedShare,
  type Hypothesis,
  idsOf,
  prune,
  sequenceOf,
  type TokenSequence,
} from "./byte-beam.js";
import { ByteFrequencies } from "./byte-frequencies.js";
import { CanonicalTokens } from "./canonical-tokens.js";
import { type ByteLoss, promptLoss } from "./prompt-loss.js";
import { SequenceBranches } from "./sequence-branches.js";
import { BYTE_ENTRIES, TokenMasses } from "./token-masses.js";

export interface BeamOptions {
  /** Hypotheses kept. */
  beam: number;
  /** Hypotheses below this share of the heaviest one's weight are dropped. */
  threshold: number;
  /** Whether only tokens that the tokenizer would write are taken. */
  canonical: boolean;
  /** Tokens at the prompt's end that are spelt anew. */
  heal: number;
}

/** δ behind a healed place: what the other ways to spell it weigh is not known. */
const HEALED_REST = 0.05;
const SPACE = 0x20;
const NO_BYTES = new Uint8Array();

/** A hypothesis on the way back: what its sequence has yet to spell, and the hypotheses that spell it. */
interface Recovery {
  sequence: TokenSequence;
  rest: Uint8Array;
  found: Hypothesis[];
}

/** What a beam has done. */
export interface BeamCounts {
  bytes: number;
  /** Times the model was asked. */
  calls: number;
  /** Tokens that were decoded, in all branches. */
  tokens: number;
  /** Σ over the bytes of the share of weight that was dropped. */
  discarded: number;
  healed: number;
}

export class MemberBytes {
  readonly counts: BeamCounts = { bytes: 0, calls: 0, tokens: 0, discarded: 0, healed: 0 };
  readonly #beam: ByteBeam;
  readonly #frequencies: ByteFrequencies;
  readonly #canonical: CanonicalTokens | undefined;
  /** What the member holds before the hypotheses' tokens. */
  #before: readonly number[] = [];
  readonly #branches: SequenceBranches;
  readonly #queue: number[] = [];
  #recoveries: Recovery[] = [];
  /** δ. */
  #rest = 0;
  readonly #next = new Float64Array(BYTE_ENTRIES);
  #hasNext = false;
  /** Of the prompt and of what came since; undefined where nobody asks. */
  #loss: ByteLoss | undefined;

  constructor(
    private readonly member: Member,
    private readonly options: BeamOptions,
    private readonly traceTop = 0,
    /** Whether bytes are drawn from the distribution. */
    private readonly isDrawn = false,
    private readonly thought?: Voice["thought"],
  ) {
    this.#beam = new ByteBeam(member.vocabulary);
    this.#frequencies = new ByteFrequencies(this.#beam.trie);
    this.#branches = new SequenceBranches(member, options.beam);
    if (options.canonical) this.#canonical = CanonicalTokens.of(member);
  }

  prepare(): Promise<void> {
    const { traceTop } = this;
    return this.member.prepare({ top: traceTop, normaliser: traceTop > 0, branches: this.options.beam });
  }

  /**
   * Nats a byte of the prompt, in the member's own tokens, and of the answer so far. Asked for the first time when the member
   * has begun its prompt and nothing else.
   */
  async loss(): Promise<number> {
    this.#loss ??= await promptLoss(this.member, this.thought, () => this.prepare());
    return this.#loss.bytes === 0 ? 0 : this.#loss.nats / this.#loss.bytes;
  }

  /** The member has begun its prompt: take back the tokens at its end that are to be spelt anew, and queue their bytes. */
  async begin(): Promise<void> {
    const { member } = this;
    const { vocabulary } = member;
    const ids = Array.from(await member.cachedTokens());
    const firstText = ids.findLastIndex((id) => vocabulary.classOf(id) !== TokenClass.text) + 1;
    // Something has to stay that the model can be asked behind.
    const kept = Math.max(firstText, ids.length - this.options.heal, 1);
    this.#before = ids.slice(0, kept);
    if (kept < ids.length) await this.#beginWith(this.#before);
    const { atFragmentStart } = member;
    this.#beam.begin();
    const [{ sequence }] = this.#beam.hypotheses;
    this.#branches.begin([sequence]);
    this.#beam.read(sequence, this.#branches.logitsOf(sequence));
    if (atFragmentStart) this.#beginFragment(sequence);
    this.#canonical?.begin(this.#before);
    for (const [index, id] of ids.slice(kept).entries()) {
      const bytes = vocabulary.bytesOf(id);
      this.#queue.push(...(index === 0 && atFragmentStart ? textAtFragmentStart(bytes) : bytes));
    }
  }

  /** A byte was chosen. */
  push(byte: number): void {
    this.#queue.push(byte);
  }

  /** The end was chosen: said behind the heaviest hypothesis that has nothing pending. */
  end(): void {
    const { hypotheses } = this.#beam;
    this.#branches.end((hypotheses.find(({ node }) => node === ROOT) ?? hypotheses.at(0))?.sequence);
  }

  /** Whether the member cannot spell the text. */
  get isOut(): boolean {
    return this.#beam.hypotheses.length === 0;
  }

  /** Take what was queued as far as that goes without the model; whether the model is to be asked now (then `read`). */
  async wantsModel(): Promise<boolean> {
    while (!this.isOut) {
      const { unread } = this.#beam;
      if (unread.some(({ length }) => this.#before.length + length > this.member.contextSize)) await this.#forget();
      else if (unread.length > 0) {
        this.#branches.ask(this.#beam.hypotheses.map(({ sequence }) => sequence));
        return true;
      }
      if (this.#recoveries.length > 0) {
        this.#recover();
        continue;
      }
      const byte = this.#queue.shift();
      if (byte === undefined) return false;
      await this.#take(byte);
    }
    return false;
  }

  /** The member has advanced. */
  read(): void {
    for (const sequence of this.#beam.unread) this.#beam.read(sequence, this.#branches.logitsOf(sequence));
    this.counts.calls++;
    this.counts.tokens += this.member.output.decodedTokens;
  }

  /** The next-byte distribution; float64[257], valid until a byte is taken. False where the member is out. */
  next(out: Float64Array): boolean {
    if (!this.#updateNext()) return false;
    out.set(this.#next);
    if (!this.isDrawn) this.#frequencies.mixInto(out, this.#rest);
    return true;
  }

  #updateNext(): boolean {
    if (!this.#hasNext) this.#hasNext = this.#beam.next(this.#next);
    return this.#hasNext;
  }

  async #take(byte: number): Promise<void> {
    const { beam, threshold } = this.options;
    this.counts.bytes++;
    this.#countLoss(byte);
    if (this.#rest > 0) {
      this.#updateNext();
      const rest = this.#rest * this.#frequencies.of(byte);
      const kept = (1 - this.#rest) * this.#next[byte];
      this.#rest = rest + kept > 0 ? rest / (rest + kept) : 0;
    }
    this.#hasNext = false;
    this.#frequencies.count(byte);
    const { hypotheses, discarded } = await this.#pruned(this.#beam.continuations(byte), threshold, beam);
    this.counts.discarded += discarded;
    if (hypotheses.length > 0) {
      this.#rest += (1 - this.#rest) * discarded;
      this.#beam.keep(hypotheses);
    } else this.#beginRecovery(byte);
  }

  #countLoss(byte: number): void {
    if (this.#loss === undefined || !this.#updateNext()) return;
    const probability = (1 - this.#rest) * this.#next[byte] + this.#rest * this.#frequencies.of(byte);
    this.#loss.nats -= Math.log(Math.max(probability, Number.MIN_VALUE));
    this.#loss.bytes++;
  }

  /** Those that stay; with canonical tokens, what the tokenizer would not write is dropped first. */
  async #pruned(found: readonly Hypothesis[], threshold: number, most: number) {
    if (this.#canonical === undefined) return prune(found, threshold, most);
    // The tokenizer is asked about those alone that weight would keep.
    const heavy = prune(found, threshold, 2 * most).hypotheses;
    const { hypotheses } = prune(await this.#canonical.keep(heavy), threshold, most);
    return { hypotheses, discarded: discardedShare(hypotheses, found) };
  }

  #beginRecovery(byte: number): void {
    this.counts.healed++;
    const { hypotheses, trie } = this.#beam;
    this.#recoveries = hypotheses
      .flatMap(({ sequence, node }) =>
        node === ROOT ? [] : this.#finish(sequence, Uint8Array.of(...trie.stringOf(node), byte)),
      )
      // A hypothesis with these tokens is on the way back itself.
      .filter(({ sequence: { parent, token } }) =>
        hypotheses.every(({ sequence }) => sequence.parent !== parent || sequence.token !== token),
      );
    this.#keepRecoveries();
  }

  /** Every recovery has been read: those that can spell what is left have arrived, the others finish one token more. */
  #recover(): void {
    const { trie } = this.#beam;
    this.#recoveries = this.#recoveries.flatMap((recovery) => {
      if (recovery.found.length > 0) return [recovery];
      const node = trie.find(recovery.rest);
      if (node >= 0) this.#beam.reach(recovery.sequence, node, recovery.found);
      return recovery.found.length > 0 ? [recovery] : this.#finish(recovery.sequence, recovery.rest);
    });
    const isDone = this.#recoveries.every(({ found }) => found.length > 0);
    if (!isDone) {
      this.#keepRecoveries();
      return;
    }
    const found = this.#recoveries.flatMap((recovery) => recovery.found);
    this.#recoveries = [];
    this.#beam.keep(prune(found, 0, this.options.beam).hypotheses);
    this.#rest = HEALED_REST;
  }

  #finish(sequence: TokenSequence, bytes: Uint8Array): Recovery[] {
    const finished = this.#beam.finishLongest(sequence, bytes);
    if (finished === undefined) return [];
    return [{ sequence: finished.hypothesis.sequence, rest: bytes.subarray(finished.length), found: [] }];
  }

  #keepRecoveries(): void {
    this.#beam.keep(this.#recoveries.map(({ sequence }) => ({ sequence, node: ROOT, logWeight: sequence.logProb })));
  }

  /**
   * The context is full: what leads the text (the beginning-of-text token) and the last half of the heaviest hypothesis
   * stay, and the other hypotheses are dropped.
   */
  async #forget(): Promise<void> {
    const [{ sequence, node, logWeight }, ...others] = this.#beam.hypotheses;
    const ids = [...this.#before, ...idsOf(sequence)];
    const isText = this.member.vocabulary.classOf(ids[0]) === TokenClass.text;
    const most = Math.max(1, this.member.contextSize >> 1);
    this.#before = [...(isText ? [] : ids.slice(0, 1)), ...ids.slice(-most)];
    await this.#beginWith(this.#before);
    const kept = sequenceOf(undefined, -1, sequence.logProb);
    const total = others.reduce((sum, other) => sum + Math.exp(other.logWeight - logWeight), 1);
    this.#rest += (1 - this.#rest) * (1 - 1 / total);
    this.#recoveries = this.#recoveries.slice(0, 1).map((recovery) => ({ ...recovery, sequence: kept }));
    this.#branches.begin([kept]);
    this.#beam.read(kept, this.#branches.logitsOf(kept));
    this.#beam.keep([{ sequence: kept, node, logWeight }]);
    this.counts.calls++;
    this.counts.tokens += this.#before.length;
  }

  async #beginWith(ids: readonly number[]): Promise<void> {
    await this.member.begin({ text: NO_BYTES, parseSpecial: false, addBos: false, tokens: ids, reuse: true });
  }

  /**
   * At a fragment's start the first space is the tokenizer's own, no text: tokens that begin with one and go on are behind it,
   * a token that is nothing else has said it, and all others begin without one.
   */
  #beginFragment(sequence: TokenSequence): void {
    const { trie } = this.#beam;
    const space = trie.child(ROOT, SPACE);
    if (space < 0) return;
    const spaced: Hypothesis[] = [];
    this.#beam.reach(sequence, space, spaced);
    const masses = new TokenMasses(trie);
    let share = 0;
    masses.take(this.#branches.logitsOf(sequence), ({ probabilities }) => {
      probabilities.fill(0, trie.low[space], trie.high[space]);
      share = masses.normalise();
    });
    const logProb = Math.log(share);
    const unspaced = { ...sequenceOf(undefined, -1, logProb), masses };
    this.#branches.begin([sequence, unspaced]);
    const readings = share > 0 ? [...spaced, { sequence: unspaced, node: ROOT, logWeight: logProb }] : spaced;
    this.#beam.keep(prune(readings, 0, this.options.beam).hypotheses);
  }
}
