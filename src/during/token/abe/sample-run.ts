/**
 * Agreement-based ensembling by sampling (released code: mjpost/abe, ensembling/search.py:sample_search). Where all members
 * have said the same, the first one draws a token; each of the others, in their order, then draws among its own tokens that
 * agree with what was said and is still missing in it, and may go beyond it. So until all are level again.
 *
 *     p(t) = p_i(t) / Σ_{t' agrees} p_i(t')        t agrees ⇔ t is a prefix of the missing bytes, or they of t
 *
 * Only a draw that adds text is a step; the catching-up happens between steps. To that end a draw of a member that is
 * behind is made in two: first which token within the missing bytes, or that it goes beyond them; then which one beyond.
 * Without cuts and at temperature 1 that is the published draw; the sampler's options apply to each of the two (ours).
 *
 * The first member's end ends the text. So it is the first member that leads, and weights mean nothing here, as published.
 * With three or more members the released code forgets what a member said when the next one stalls, which lets
 * hypotheses contradict each other; here the missing bytes are always those of the present text.
 */
import { pooledLogit } from "../../../member/readings.js";
import { settleAll } from "../../../settle-all.js";
import { ByteOrder } from "../../../vocabulary/byte-order.js";
import { textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import type { FusedDistribution, MethodContext, MethodRun } from "../../method.js";

/** Bytes that all members have said are forgotten when there are so many, so that a step costs the same in a long answer. */
const FORGOTTEN_AT_ONCE = 256;

export class AbeSampleRun implements MethodRun {
  /** From the bytes on that have been forgotten. */
  #text: Uint8Array;
  /** By member: bytes and tokens that it has said, whether it waits in this round, whether it has tokens to decode. */
  #lengths: number[];
  readonly #generated: number[];
  #waits: boolean[];
  readonly #lags: boolean[];
  #starts: readonly boolean[] | undefined;
  /** Whose turn it is; beyond the last, a round begins. */
  #turn: number;
  /** Entry → token of the member whose turn it is (the end's is −1), and its logit, which becomes its probability. */
  readonly #ids: Int32Array;
  readonly #probabilities: Float64Array;
  #size = 0;
  /** The largest logit among those listed. */
  #largest = 0;

  constructor(
    private readonly context: MethodContext,
    /** See MethodContext.draw. */
    private readonly draw: (distribution: FusedDistribution) => number,
  ) {
    const { voices } = context;
    this.#text = context.ahead ?? new Uint8Array();
    this.#lengths = voices.map(() => 0);
    this.#generated = voices.map(() => 0);
    this.#waits = voices.map(() => false);
    this.#lags = voices.map(() => false);
    this.#turn = voices.length;
    const most = Math.max(...voices.map(({ member }) => member.vocabulary.size));
    this.#ids = new Int32Array(most + 1);
    this.#probabilities = new Float64Array(most + 1);
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    await settleAll(voices.map(({ member }) => member.prepare({ top: traceTop })));
  }

  async step(): Promise<FusedDistribution> {
    const { voices } = this.context;
    this.#starts ??= voices.map(({ member }) => member.atFragmentStart);
    while (true) {
      if (this.#turn >= voices.length) await this.#startRound();
      if (this.#waits[this.#turn]) {
        this.#turn++;
        continue;
      }
      const missing = this.#text.subarray(this.#lengths[this.#turn]);
      if (missing.length === 0) return this.#lead();
      const isBehind = this.#catchUp(missing);
      if (!isBehind) return this.#distribution(missing.length);
    }
  }

  accept(entry: number): void {
    const id = this.#ids[entry];
    const { voices } = this.context;
    if (id < 0) {
      for (const { member } of voices) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      return;
    }
    this.#text = Buffer.concat([this.#text.subarray(0, this.#lengths[this.#turn]), this.#bytesOf(id)]);
    this.#say(id);
  }

  /** Members that are furthest wait while others are behind; all that do not wait decode what they said last. */
  async #startRound(): Promise<void> {
    const { voices } = this.context;
    const said = Math.min(...this.#lengths);
    if (said >= FORGOTTEN_AT_ONCE) {
      this.#text = this.#text.slice(said);
      this.#lengths = this.#lengths.map((length) => length - said);
    }
    const isLevel = this.#lengths.every((length) => length === this.#text.length);
    this.#waits = this.#lengths.map((length) => !isLevel && length === this.#text.length);
    const advancing = voices.filter((_, index) => this.#lags[index] && !this.#waits[index]);
    if (advancing.length > 0) await this.context.advance(advancing);
    for (const index of voices.keys()) this.#lags[index] &&= this.#waits[index];
    this.#turn = 0;
  }

  /** The distribution of a member that nobody is ahead of: all its tokens, and the end. */
  #lead(): FusedDistribution {
    const { member } = this.context.voices[this.#turn];
    this.#size = 0;
    this.#list([ByteOrder.of(member.vocabulary).ids]);
    const { endTokens } = member.vocabulary;
    if (endTokens.length > 0) this.#add(-1, pooledLogit(member.output.logits, endTokens));
    this.#exponentiate();
    return this.#distribution(0);
  }

  /** Whether the member drew a token within the missing bytes. If not, what it may say beyond them is listed. */
  #catchUp(missing: Uint8Array): boolean {
    const { member } = this.context.voices[this.#turn];
    const { within, beyond } = ByteOrder.of(member.vocabulary).agreeing(missing, this.#isAtStart());
    this.#size = 0;
    this.#list([within]);
    const caught = this.#size;
    this.#list(beyond);
    this.#exponentiate();
    let sum = 0;
    for (let entry = caught; entry < this.#size; entry++) sum += this.#probabilities[entry];
    if (caught > 0) {
      const choice = this.#drawAmong(caught, sum);
      if (choice < caught) {
        this.#say(this.#ids[choice]);
        return true;
      }
    }
    this.#ids.copyWithin(0, caught, this.#size);
    this.#probabilities.copyWithin(0, caught, this.#size);
    this.#size -= caught;
    // A member that has no token for what is missing ends the text, as published.
    if (this.#size === 0) this.#add(-1, 1);
    return false;
  }

  /** One of the first `count` entries, or `count` for all others, whose probabilities sum to `rest`. */
  #drawAmong(count: number, rest: number): number {
    const probabilities = Float64Array.from([...this.#probabilities.subarray(0, count), rest]);
    const sum = probabilities.reduce((total, probability) => total + probability, 0);
    for (const entry of probabilities.keys()) probabilities[entry] /= sum;
    const best = probabilities.indexOf(Math.max(...probabilities));
    const bytesOf = (entry: number) => (entry < count ? this.#bytesOf(this.#ids[entry]) : new Uint8Array());
    const distribution = { size: count + 1, probabilities, best, endEntry: -1, bytesOf };
    return this.draw(distribution);
  }

  /** What is listed, as it adds to the text. */
  #distribution(missing: number): FusedDistribution {
    const probabilities = this.#probabilities;
    let sum = 0;
    for (let entry = 0; entry < this.#size; entry++) sum += probabilities[entry];
    let best = 0;
    for (let entry = 0; entry < this.#size; entry++) {
      probabilities[entry] /= sum;
      if (probabilities[entry] > probabilities[best]) best = entry;
    }
    return {
      size: this.#size,
      probabilities,
      best,
      endEntry: this.#ids[this.#size - 1] < 0 ? this.#size - 1 : -1,
      logNormaliser: this.#largest + Math.log(sum),
      bytesOf: (entry) => (this.#ids[entry] < 0 ? new Uint8Array() : this.#bytesOf(this.#ids[entry]).subarray(missing)),
    };
  }

  #list(parts: readonly ArrayLike<number>[]): void {
    const { logits } = this.context.voices[this.#turn].member.output;
    for (const ids of parts) for (let at = 0; at < ids.length; at++) this.#add(ids[at], logits[ids[at]]);
  }

  #add(id: number, logit: number): void {
    this.#ids[this.#size] = id;
    this.#probabilities[this.#size++] = logit;
  }

  /** Logits → e^(z − max). */
  #exponentiate(): void {
    const probabilities = this.#probabilities;
    let largest = Number.NEGATIVE_INFINITY;
    for (let entry = 0; entry < this.#size; entry++) largest = Math.max(largest, probabilities[entry]);
    this.#largest = largest;
    for (let entry = 0; entry < this.#size; entry++) probabilities[entry] = Math.exp(probabilities[entry] - largest);
  }

  /** The member has said a token. */
  #say(id: number): void {
    const index = this.#turn++;
    const { member } = this.context.voices[index];
    const isAtStart = this.#generated[index] === 0 && this.#starts![index];
    const bytes = member.vocabulary.bytesOf(id);
    this.#lengths[index] += (isAtStart ? textAtFragmentStart(bytes) : bytes).length;
    this.#generated[index]++;
    this.#lags[index] = true;
    member.append({ kind: "tokens", ids: [id] });
  }

  #isAtStart(): boolean {
    return this.#generated[this.#turn] === 0 && this.#starts![this.#turn];
  }

  #bytesOf(id: number): Uint8Array {
    const bytes = this.context.voices[this.#turn].member.vocabulary.bytesOf(id);
    return this.#isAtStart() ? textAtFragmentStart(bytes) : bytes;
  }
}
