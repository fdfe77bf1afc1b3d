/**
 * One request's run of a switch between two members: the leader is read at every step, and where the score of the
 * switching model says so, the other member speaks in its place.
 *
 *     p = p_leader    or    p_other,     each over its own member's tokens, given that it says something
 *
 * The other member follows lazily: it decodes what it missed when it is next asked. Members with one vocabulary hand each
 * other token ids; others hand each other text, which each tokenises anew.
 *
 * Shapes: entry 0 is the speaker's pooled end, entry t + 1 its token t. Where only the likeliest entry is wanted, entry 0
 * is the end and entry 1 that token.
 */
import type { Member, Preparation } from "../../../member/member.js";
import { settleAll } from "../../../settle-all.js";
import { firstDifference, neverTextOf, oneVocabularyMaps } from "../../../vocabulary/same-tokens.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import { remainderOf } from "../../alignments/union/greedy-sum.js";
import { UpToDate } from "../../alignments/up-to-date.js";
import { Combiner, textProbability } from "../../combine.js";
import type { FusedDistribution, MethodContext, MethodRun } from "../../method.js";
import type { SwitchingModel } from "./switching-model.js";

export interface SwitchParts {
  /** Index of the voice that is read at every step. */
  leader: number;
  other: number;
  /** The switching model, or how to load it. */
  model: SwitchingModel | (() => Promise<SwitchingModel>);
  /** Whether a score leaves the step to the other member. */
  yields(score: number): boolean;
  /** Whether the other member says its likeliest token, whatever the sampler would draw. Default false. */
  otherIsGreedy?: boolean;
}

const END = 0;
const NO_BYTES = new Uint8Array();

export class SwitchRun implements MethodRun {
  readonly #upToDate: UpToDate;
  readonly #combiner: Combiner;
  readonly #sharesVocabulary: boolean;
  /** Where only the likeliest entry of a distribution is wanted. */
  readonly #two = new Float64Array(2);
  #model: SwitchingModel | undefined;
  #speaker: Member;
  /** The speaker's token that entry 1 stands for, or -1 where entry t + 1 is token t. */
  #likeliest = -1;
  #atFragmentStart = false;

  constructor(
    private readonly context: MethodContext,
    private readonly parts: SwitchParts,
  ) {
    this.#upToDate = new UpToDate(context);
    this.#combiner = context.combiner ?? new Combiner();
    this.#speaker = this.#member(parts.leader);
    this.#sharesVocabulary =
      firstDifference(this.#member(parts.leader).vocabulary, this.#member(parts.other).vocabulary) < 0;
  }

  async prepare(): Promise<void> {
    const { leader, other, model: given } = this.parts;
    const model = (this.#model = typeof given === "function" ? await given() : given);
    model.begin?.(this.#member(leader), this.#member(other));
    await settleAll([
      this.#member(leader).prepare(this.#preparation(leader, model.needs)),
      this.#member(other).prepare(this.#preparation(other, {})),
    ]);
  }

  async step(): Promise<FusedDistribution> {
    const { leader, other } = this.parts;
    await this.#upToDate.bring([leader]);
    const yields = this.parts.yields(this.#model!.score(this.#member(leader)));
    if (yields) await this.#upToDate.bring([other]);
    return this.#distributionOf(yields ? other : leader);
  }

  accept(entry: number): void {
    const bytes = this.#bytesOf(entry);
    for (const { member } of this.context.voices) {
      if (entry === END) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else if (member === this.#speaker || this.#sharesVocabulary)
        member.append({ kind: "tokens", ids: [this.#idOf(entry)] });
      else member.append({ kind: "text", bytes });
    }
    this.#model!.heard?.(bytes);
  }

  #member(index: number): Member {
    return this.context.voices[index].member;
  }

  /** Whether all that is wanted of a voice is its likeliest token. A trace lists candidates, for which that is too little. */
  #saysLikeliest(index: number): boolean {
    const { greedy, traceTop } = this.context;
    return (greedy && traceTop === 0) || (index === this.parts.other && this.parts.otherIsGreedy === true);
  }

  #preparation(index: number, { top = 0, hidden }: SwitchingModel["needs"]): Preparation {
    const saysLikeliest = this.#saysLikeliest(index);
    const { maps, size } = oneVocabularyMaps([this.#member(index).vocabulary]);
    return {
      top: Math.max(top, this.context.traceTop, saysLikeliest ? 1 : 0),
      projection: saysLikeliest ? undefined : { map: maps[0], size: size + 1 },
      hidden,
    };
  }

  #distributionOf(index: number): FusedDistribution {
    const { output, atFragmentStart } = (this.#speaker = this.#member(index));
    this.#atFragmentStart = atFragmentStart;
    const bytesOf = (entry: number) => this.#bytesOf(entry);
    if (this.#saysLikeliest(index)) {
      const best = this.#takeLikeliest();
      if (index === this.parts.other && this.parts.otherIsGreedy) {
        this.#two.fill(0);
        this.#two[best] = 1;
      }
      return { size: 2, probabilities: this.#two, endEntry: END, best, bytesOf };
    }
    this.#likeliest = -1;
    const { size } = oneVocabularyMaps([this.#speaker.vocabulary]);
    const weight = 1 / textProbability(output.projection, size);
    const best = this.#combiner.combine([output.projection], [weight], size, true);
    return { size, probabilities: this.#combiner.probabilities, endEntry: END, best, bytesOf };
  }

  /** The end where it is at least as probable as the best other token. */
  #takeLikeliest(): number {
    const { output, vocabulary } = this.#speaker;
    const id = output.topCount > 0 ? output.topIds[0] : -1;
    const isText = id >= 0 && vocabulary.classOf(id) === TokenClass.text;
    const end = Math.exp(output.endLogProb);
    const text = isText ? Math.exp(output.topLogits[0] - output.logNormaliser) : 0;
    const mass = 1 - remainderOf(output.logits, output.logNormaliser, neverTextOf(vocabulary));
    this.#likeliest = id;
    // Rounding must not make more than all of them.
    this.#two[END] = end / Math.max(mass, end + text);
    this.#two[1] = text / Math.max(mass, end + text);
    return this.#two[1] > this.#two[END] ? 1 : END;
  }

  #idOf(entry: number): number {
    return this.#likeliest < 0 ? entry - 1 : this.#likeliest;
  }

  #bytesOf(entry: number): Uint8Array {
    if (entry === END) return NO_BYTES;
    const bytes = this.#speaker.vocabulary.bytesOf(this.#idOf(entry));
    return this.#atFragmentStart ? textAtFragmentStart(bytes) : bytes;
  }
}
