/** One member alone, which may also write the control tokens of its marks: they are never text, and an answer has none. */
import { argmax, textProbability } from "../../during/combine.js";
import type { FusedDistribution, MethodContext, MethodRun } from "../../during/method.js";
import { SingleRun } from "../../during/token/single.js";
import type { Member } from "../../member/member.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Marks } from "./marks.js";

/** A text as its writer gives it to a member: control tokens, and letters. */
type Written = number | Uint8Array;

/** The control and end tokens of a vocabulary that marks are written with. */
export class MarkTokens {
  /** Those that a member may choose: control tokens. */
  readonly ids: readonly number[];
  readonly #byText = new Map<string, number>();
  /** Splits a text at them; where there are none, nowhere. */
  readonly #pattern: RegExp;

  static of(vocabulary: Vocabulary, marks: readonly Marks[]): MarkTokens {
    let byMarks = markTokens.get(vocabulary);
    if (byMarks === undefined) markTokens.set(vocabulary, (byMarks = new WeakMap()));
    let tokens = byMarks.get(marks);
    if (tokens === undefined) byMarks.set(marks, (tokens = new MarkTokens(vocabulary, marks)));
    return tokens;
  }

  private constructor(vocabulary: Vocabulary, marks: readonly Marks[]) {
    const texts = marks.flatMap(({ open, closing, answer = "", turn = "" }) => [open, closing, answer, turn]);
    const ids: number[] = [];
    for (const { id, text } of specialTokens(vocabulary)) {
      if (this.#byText.has(text) || !texts.some((each) => each.includes(text))) continue;
      this.#byText.set(text, id);
      if (vocabulary.classOf(id) === TokenClass.control) ids.push(id);
    }
    this.ids = ids;
    const longestFirst = [...this.#byText.keys()].sort((a, b) => b.length - a.length);
    this.#pattern = longestFirst.length > 0 ? new RegExp(`(${longestFirst.map(escaped).join("|")})`) : /(?!)/;
  }

  /** Have the member hold this text behind what it holds; nothing before it changes. */
  write(member: Member, text: string): void {
    for (const piece of this.#split(text)) {
      if (typeof piece === "number") member.append({ kind: "tokens", ids: [piece] });
      else if (piece.length > 0) member.append({ kind: "piece", bytes: piece });
    }
  }

  #split(text: string): Written[] {
    const parts = text.split(this.#pattern);
    return parts.map((part, index) => (index % 2 === 1 ? this.#byText.get(part)! : Buffer.from(part)));
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const markTokens = new WeakMap<Vocabulary, WeakMap<readonly Marks[], MarkTokens>>();

/** Control and end tokens with their texts. */
function specialTokens(vocabulary: Vocabulary): readonly { id: number; text: string }[] {
  const listed: { id: number; text: string }[] = [];
  for (let id = 0; id < vocabulary.size; id++) {
    const tokenClass = vocabulary.classOf(id);
    if (tokenClass !== TokenClass.control && tokenClass !== TokenClass.end) continue;
    const text = vocabulary.textOf(id);
    if (text !== "") listed.push({ id, text });
  }
  return listed;
}

/**
 * The distribution of `single` with one more entry for each mark token, behind the others. A member that does not tell
 * all its logits writes its marks as text only.
 */
export class MarkedRun implements MethodRun {
  readonly #member: Member;
  readonly #single: SingleRun;
  readonly #isGreedy: boolean;
  readonly #marks: readonly number[];
  #probabilities = new Float64Array(0);
  /** Entries of `single`. */
  #size = 0;

  constructor(context: MethodContext, marks: readonly number[]) {
    this.#member = context.voices[0].member;
    this.#single = new SingleRun(context);
    this.#isGreedy = context.greedy;
    this.#marks = this.#member.offers.logits ? marks : [];
  }

  prepare(): Promise<void> {
    return this.#single.prepare();
  }

  async step(): Promise<FusedDistribution> {
    const alone = await this.#single.step();
    this.#size = alone.size;
    if (this.#marks.length === 0) return alone;
    const size = alone.size + this.#marks.length;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const probabilities = this.#probabilities;
    probabilities.set(alone.probabilities.subarray(0, alone.size));
    const { logits, logNormaliser, projection } = this.#member.output;
    // Those of `single` are given that something is said; a greedy run has them as they are.
    const said = this.#isGreedy ? 1 : textProbability(projection, alone.size);
    let sum = 1;
    for (const [index, id] of this.#marks.entries())
      sum += probabilities[alone.size + index] = Math.exp(logits[id] - logNormaliser) / said;
    if (!this.#isGreedy) for (let entry = 0; entry < size; entry++) probabilities[entry] /= sum;
    const best = argmax(probabilities.subarray(alone.size), this.#marks.length) + alone.size;
    const isMark = probabilities[best] > probabilities[alone.best];
    return {
      size,
      probabilities,
      endEntry: alone.endEntry,
      best: isMark ? best : alone.best,
      bytesOf: (entry) => (entry < alone.size ? alone.bytesOf(entry) : this.#textOf(entry)),
    };
  }

  accept(entry: number): void {
    if (entry < this.#size) this.#single.accept(entry);
    else this.#member.append({ kind: "tokens", ids: [this.#marks[entry - this.#size]] });
  }

  #textOf(entry: number): Uint8Array {
    return Buffer.from(this.#member.vocabulary.textOf(this.#marks[entry - this.#size]));
  }
}

/** What a member would write next, mark tokens included, as text; undefined where it would end or does not tell. */
export function likeliestText(member: Member, marks: readonly number[]): Uint8Array | undefined {
  const { output, vocabulary, offers, atFragmentStart } = member;
  const { logits } = output;
  let best = output.topCount > 0 ? output.topIds[0] : -1;
  if (offers.logits) {
    if (best < 0) best = bestOf(logits, vocabulary);
    for (const id of marks) if (best < 0 || logits[id] > logits[best]) best = id;
  }
  if (best < 0 || vocabulary.classOf(best) === TokenClass.end) return undefined;
  if (vocabulary.classOf(best) !== TokenClass.text) return Buffer.from(vocabulary.textOf(best));
  const bytes = vocabulary.bytesOf(best);
  return atFragmentStart ? textAtFragmentStart(bytes) : bytes;
}

/** The text or end token with the greatest logit, the lowest among equals; -1 where there is none. */
function bestOf(logits: Float32Array, { data: { classes } }: Vocabulary): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    const tokenClass = classes[id];
    if (tokenClass !== TokenClass.text && tokenClass !== TokenClass.end) continue;
    if (best < 0 || logits[id] > logits[best]) best = id;
  }
  return best;
}
