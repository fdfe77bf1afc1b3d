/**
 * One member, unchanged: what fusion of one is.
 *
 *     p(u) = p₁(t) for the token t that u is;   p(end) = Σ_{t ends} p₁(t);   feedback: the token itself
 *
 * Every other method run with one member is replaced by this one (see methods.ts). The control tokens that a model
 * could name, which are never text, are conditioned away, as in the other methods.
 *
 * - sampled: entry 0 is the end, entry t + 1 is token t, and the entries of tokens that are not text have probability 0;
 * - greedy: only the most probable token is asked for: entry 0 is the end, entry 1 that token;
 * - sampled, of a member that offers its likeliest tokens only: entry 0 is the end, entry r + 1 the token of rank r, given that
 *   it is one of these.
 *
 * A greedy choice prefers the end where all end tokens together are at least as probable as the best other token.
 */
import type { Projection } from "../../member/member.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import { combine, textProbability } from "../combine.js";
import { defineMethod } from "../define-method.js";
import type { FusedDistribution, MethodContext, MethodRun, Voice } from "../method.js";

const END = 0;

export class SingleRun implements MethodRun {
  readonly #voice: Voice;
  readonly #isGreedy: boolean;
  /** Whether the likeliest tokens are all that the member tells. */
  readonly #isListed: boolean;
  readonly #projection: Projection | undefined;
  readonly #fused: FusedDistribution;
  #begun = false;
  #atFragmentStart = false;
  #best = -1;

  constructor(private readonly context: MethodContext) {
    this.#voice = context.voices[0];
    // A trace lists the fused candidates, for which the most probable one is not enough.
    this.#isGreedy = context.greedy && context.traceTop === 0;
    const { vocabulary, offers } = this.#voice.member;
    this.#isListed = !this.#isGreedy && !offers.logits;
    this.#projection = this.#isGreedy || this.#isListed ? undefined : identityProjection(vocabulary);
    const size = this.#isGreedy ? 2 : (this.#isListed ? offers.topDepth : vocabulary.size) + 1;
    this.#fused = {
      size,
      probabilities: new Float64Array(size),
      endEntry: END,
      bytesOf: (entry) => this.#bytesOf(entry),
      best: -1,
    };
  }

  prepare(): Promise<void> {
    const { topDepth } = this.#voice.member.offers;
    const top = Math.max(this.#isListed ? topDepth : this.#isGreedy ? 1 : 0, this.context.traceTop);
    return this.#voice.member.prepare({ top, projection: this.#projection });
  }

  async step(): Promise<FusedDistribution> {
    const { member } = this.#voice;
    if (this.#begun) await this.context.advance([this.#voice]);
    this.#begun = true;
    this.#atFragmentStart = member.atFragmentStart;
    if (this.#isListed) this.#takeListed();
    else if (this.#projection === undefined) this.#takeMostProbable();
    else this.#takeAll(this.#projection);
    return this.#fused;
  }

  accept(entry: number): void {
    const { member } = this.#voice;
    const ids = entry === END ? member.vocabulary.endTokens.slice(0, 1) : [this.#idOf(entry)];
    member.append({ kind: "tokens", ids });
  }

  #takeMostProbable(): void {
    const { output, vocabulary } = this.#voice.member;
    const { probabilities } = this.#fused;
    this.#best = output.topCount > 0 ? output.topIds[0] : -1;
    const isText = this.#best >= 0 && vocabulary.classOf(this.#best) === TokenClass.text;
    probabilities[END] = Math.exp(output.endLogProb);
    probabilities[1] = isText ? Math.exp(output.topLogits[0] - output.logNormaliser) : 0;
    this.#fused.best = probabilities[1] > probabilities[END] ? 1 : END;
  }

  #takeListed(): void {
    const { output, vocabulary } = this.#voice.member;
    const { probabilities } = this.#fused;
    this.#fused.size = output.topCount + 1;
    probabilities[END] = Math.exp(output.endLogProb);
    let sum = probabilities[END];
    let best = END;
    for (let rank = 0; rank < output.topCount; rank++) {
      const isText = vocabulary.classOf(output.topIds[rank]) === TokenClass.text;
      const probability = isText ? Math.exp(output.topLogits[rank] - output.logNormaliser) : 0;
      probabilities[rank + 1] = probability;
      sum += probability;
      if (probability > probabilities[best]) best = rank + 1;
    }
    for (let entry = 0; entry <= output.topCount; entry++) probabilities[entry] /= sum;
    this.#fused.best = best;
  }

  #takeAll({ size }: Projection): void {
    const { projection } = this.#voice.member.output;
    const entries = size - 1;
    const said = textProbability(projection, entries);
    this.#fused.logNormaliser = this.#voice.member.output.logNormaliser + Math.log(said);
    this.#fused.best = combine([projection], [1 / said], this.#fused.probabilities, entries);
  }

  #idOf(entry: number): number {
    if (this.#isListed) return this.#voice.member.output.topIds[entry - 1];
    return this.#projection === undefined ? this.#best : entry - 1;
  }

  #bytesOf(entry: number): Uint8Array {
    if (entry === END) return new Uint8Array();
    const bytes = this.#voice.member.vocabulary.bytesOf(this.#idOf(entry));
    return this.#atFragmentStart ? textAtFragmentStart(bytes) : bytes;
  }
}

const identities = new WeakMap<Vocabulary, Projection>();

/** Token t → entry t + 1, end tokens → 0, tokens that are never text → one entry behind all others. */
function identityProjection(vocabulary: Vocabulary): Projection {
  const known = identities.get(vocabulary);
  if (known !== undefined) return known;
  const remainder = vocabulary.size + 1;
  const map = new Int32Array(new SharedArrayBuffer(4 * vocabulary.size));
  for (let id = 0; id < vocabulary.size; id++) {
    const tokenClass = vocabulary.classOf(id);
    const isText = tokenClass === TokenClass.text && vocabulary.bytesOf(id).length > 0;
    map[id] = tokenClass === TokenClass.end ? END : isText ? id + 1 : remainder;
  }
  const projection = { map, size: remainder + 1 };
  identities.set(vocabulary, projection);
  return projection;
}

export const single = defineMethod({
  name: "single",
  summary: "One member alone, without fusion.",
  source: "-",
  requires: "Exactly one member.",
  members: 1,
  needs: () => ({ topDepth: 1 }),
  create: (context) => new SingleRun(context),
  laws: [{ covers: "all", exempt: { "greedy-sums": "a greedy step asks for the likeliest token alone" } }],
});
