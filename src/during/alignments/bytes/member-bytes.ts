/**
 * One member that says bytes: a beam of tokenisations (lazy-beam.ts), of which each that the model was asked about is a branch
 * of the member's text. Where bytes are drawn at random, what the model said is drawn from alone: a guess spells no characters,
 * and one byte of it is followed by more.
 */
import type { Member } from "../../../member/member.js";
import { TokenClass } from "../../../vocabulary/vocabulary.js";
import type { Voice } from "../../method.js";
import type { Effort } from "../alignment.js";
import { idsOf } from "./byte-beam.js";
import { CanonicalTokens } from "./canonical-tokens.js";
import { LazyBeam, type LazyOptions } from "./lazy-beam.js";
import { beginWith, takeBackEnd } from "./prompt-end.js";
import { type ByteLoss, promptLoss } from "./prompt-loss.js";
import { SequenceBranches } from "./sequence-branches.js";

export interface BeamOptions extends LazyOptions {
  /** Whether only tokens that the tokenizer would write are read. */
  canonical: boolean;
  /** Tokens at the prompt's end that are spelt anew. */
  heal: number;
}

const NO_EFFORT: Readonly<Effort> = { decodedTokens: 0, decodeMs: 0, prepareMs: 0 };

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
  readonly #counts = { bytes: 0, calls: 0, tokens: 0 };
  readonly #beam: LazyBeam;
  readonly #canonical: CanonicalTokens | undefined;
  /** What the member holds before the hypotheses' tokens. */
  #before: readonly number[] = [];
  readonly #branches: SequenceBranches;
  readonly #queue: number[] = [];
  #effort: Effort = { ...NO_EFFORT };
  /** Of the prompt and of what came since; undefined where nobody asks. */
  #loss: ByteLoss | undefined;

  constructor(
    private readonly member: Member,
    private readonly options: BeamOptions,
    /** Whether bytes are drawn from the distribution. */
    private readonly isDrawn = false,
    private readonly thought?: Voice["thought"],
  ) {
    this.#beam = new LazyBeam(member.vocabulary, options);
    this.#branches = new SequenceBranches(member, options.beam);
    if (options.canonical) this.#canonical = CanonicalTokens.of(member);
  }

  get counts(): BeamCounts {
    const { discarded, healed } = this.#beam;
    return { ...this.#counts, discarded, healed };
  }

  prepare(): Promise<void> {
    return this.member.prepare({ top: 0, normaliser: false, branches: this.options.beam });
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
    const { before, bytes } = await takeBackEnd(member, this.options.heal);
    this.#before = before;
    this.#branches.begin(this.#beam.begin(this.#branches.first, member.atFragmentStart));
    this.#canonical?.begin(before);
    this.#queue.push(...bytes);
  }

  /** A byte was chosen. */
  push(byte: number): void {
    this.#queue.push(byte);
  }

  /** The end was chosen: said behind the heaviest hypothesis that has nothing pending. */
  end(): void {
    this.#branches.end(this.#beam.endSequence);
  }

  /** Take what was queued as far as that goes without the model; whether the model is to be asked now (then `read`). */
  async wantsModel(): Promise<boolean> {
    const beam = this.#beam;
    while (!beam.isOut) {
      await beam.settle(this.#canonical && ((hypotheses) => this.#canonical!.keep(hypotheses)));
      if (beam.reading.some(({ sequence }) => this.#before.length + sequence.length > this.member.contextSize)) {
        await this.#forget();
      } else if (beam.reading.length > 0) {
        this.#branches.ask(beam.needed);
        return true;
      } else {
        const byte = this.#queue.shift();
        if (byte === undefined) return false;
        this.#counts.bytes++;
        this.#countLoss(byte);
        beam.take(byte);
      }
    }
    return false;
  }

  /** The member has advanced. */
  read(): void {
    this.#beam.read((sequence) => this.#branches.logitsOf(sequence));
    const { decodedTokens, decodeMs, prepareMs } = this.member.output;
    this.#counts.calls++;
    this.#counts.tokens += decodedTokens;
    this.#effort.decodedTokens += decodedTokens;
    this.#effort.decodeMs += decodeMs;
    this.#effort.prepareMs += prepareMs;
  }

  /** What the member did since the last call. */
  takeEffort(): Effort {
    const effort = this.#effort;
    this.#effort = { ...NO_EFFORT };
    return effort;
  }

  /** The next-byte distribution into float64[257]. False where the member cannot spell the text. */
  next(out: Float64Array): boolean {
    return this.#beam.next(out, !this.isDrawn);
  }

  /** What stands for what it has not been asked about; float64[257]. */
  guess(out: Float64Array): void {
    this.#beam.guess(out);
  }

  #countLoss(byte: number): void {
    if (this.#loss === undefined) return;
    this.#loss.nats -= Math.log(Math.max(this.#beam.probabilityOf(byte), Number.MIN_VALUE));
    this.#loss.bytes++;
  }

  /**
   * The context is full: what leads the text (the beginning-of-text token) and the last half of the heaviest hypothesis
   * stay, and the other hypotheses are dropped.
   */
  async #forget(): Promise<void> {
    const { heaviest } = this.#beam;
    const ids = [...this.#before, ...idsOf(heaviest.sequence)];
    const isText = this.member.vocabulary.classOf(ids[0]) === TokenClass.text;
    const most = Math.max(1, this.member.contextSize >> 1);
    this.#before = [...(isText ? [] : ids.slice(0, 1)), ...ids.slice(-most)];
    await beginWith(this.member, this.#before);
    this.#branches.begin([this.#beam.goOnWith(heaviest, this.#branches.first)]);
    this.#counts.calls++;
    this.#counts.tokens += this.#before.length;
  }
}
