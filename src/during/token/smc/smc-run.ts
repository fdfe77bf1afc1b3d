/**
 * One request: particles grow until all of them agree on the next byte, or have ended, when one is drawn by its weight. What
 * is said is decided then; the members are ahead of it.
 */
import { LlamafuseError } from "../../../errors.js";
import { RandomGenerator } from "../../../random.js";
import { settleAll } from "../../../settle-all.js";
import type { FusedDistribution, MethodContext, MethodReport, MethodRun } from "../../method.js";
import { MemberTexts, type TextsOptions } from "./member-texts.js";
import { END, entriesOf, Population, type Proposal, proposalBehind, rootText, type TextNode } from "./population.js";
import type { StringFunction } from "./string-function.js";

/** Where nothing says how long the answer may be; a request always does. */
const MOST_BYTES = 32;
const ENTRIES = END + 1;
const NO_BYTES = new Uint8Array();
const BYTES = Array.from({ length: END }, (_, byte) => Uint8Array.of(byte));

export class SmcRun implements MethodRun {
  readonly #members: readonly MemberTexts[];
  readonly #population: Population;
  readonly #root: TextNode;
  readonly #random: () => number;
  readonly #probabilities = new Float64Array(ENTRIES);
  #hasBegun = false;
  #said = 0;
  /** What is decided, from the beginning on. */
  #decided: number[] = [];
  /** A context is full: no text can grow any more. */
  #full: LlamafuseError | undefined;

  constructor(
    private readonly context: MethodContext,
    private readonly f: StringFunction,
    particles: number,
    options: TextsOptions,
  ) {
    const { voices, maxSteps = MOST_BYTES } = context;
    const fallback = new RandomGenerator(0);
    this.#random = () => context.random?.() ?? fallback.next();
    this.#members = voices.map(({ member }) => new MemberTexts(member, options, particles));
    this.#root = rootText(voices.length);
    this.#population = new Population(particles, this.#root, this.#random, maxSteps);
  }

  async prepare(): Promise<void> {
    await settleAll(this.#members.map((member) => member.prepare()));
  }

  report(): MethodReport {
    const { logEvidence, resamplings } = this.#population;
    const counts = this.#members.map(({ calls, tokens, discarded }, index) => [
      this.context.voices[index].member.name,
      { calls, tokens, discarded },
    ]);
    return { ...Object.fromEntries(counts), ensemble: { logEvidence, resamplings } };
  }

  async step(): Promise<FusedDistribution> {
    if (!this.#hasBegun) {
      const ahead = this.context.ahead ?? NO_BYTES;
      await settleAll(this.#members.map((member) => member.begin(this.#root, ahead)));
      this.#hasBegun = true;
    }
    while (this.#decided.length <= this.#said) await this.#grow();
    const entry = this.#decided[this.#said];
    this.#probabilities.fill(0)[entry] = 1;
    return {
      size: ENTRIES,
      probabilities: this.#probabilities,
      endEntry: END,
      bytesOf: (each) => (each === END ? NO_BYTES : BYTES[each]),
      best: entry,
      isSettled: true,
    };
  }

  accept(entry: number): void {
    this.#said++;
    if (entry === END) for (const member of this.#members) member.end();
  }

  /** All texts that grow take a byte; what is decided then. Errors: aborted; incompatible-members where no text is left. */
  async #grow(): Promise<void> {
    const population = this.#population;
    const { growing } = population;
    if (growing.length > 0) {
      this.context.signal?.throwIfAborted();
      if (this.#full !== undefined) throw this.#full;
      try {
        await this.#bring();
      } catch (error) {
        if (!(error instanceof LlamafuseError) || error.code !== "context-overflow") throw error;
        // One of the texts is said as far as it goes, and then the answer ends.
        this.#full = error;
        this.#decided = this.#choose(population.sample);
        return;
      }
      population.step(this.#proposals(growing));
      const longer = population.growing;
      for (const member of this.#members) member.follow(longer);
    }
    const { sample } = population;
    if (sample.length === 0) throw this.#noText();
    this.#decided = population.growing.length > 0 ? commonStart(sample.map(({ text }) => text)) : this.#choose(sample);
  }

  /**
   * Of what the members have read; where that leaves no text at all, because each keeps too few tokenisations to say what
   * another says, with guesses of what they have not read.
   */
  #proposals(growing: readonly TextNode[]): Map<TextNode, Proposal> {
    const behind = (guesses: boolean) => new Map(growing.map((text) => [text, this.#proposalBehind(text, guesses)]));
    const read = behind(false);
    const goesOn = [...read.values()].some(({ entries }) => entries.length > 0);
    return goesOn || this.#population.sample.some(({ text }) => !read.has(text)) ? read : behind(true);
  }

  #proposalBehind(text: TextNode, guesses: boolean): Proposal {
    const logProbs = new Map<number, number[]>();
    for (const [index, member] of this.#members.entries()) {
      const next = member.next(text, guesses);
      for (let entry = 0; entry < ENTRIES; entry++) {
        const value = next === undefined ? Number.NEGATIVE_INFINITY : Math.log(next[entry]);
        if (index === 0) logProbs.set(entry, [value]);
        else logProbs.get(entry)!.push(value);
      }
    }
    return proposalBehind(this.f, text, logProbs);
  }

  /** Have all members read what their texts need, those that need it at the same time together. */
  async #bring(): Promise<void> {
    const { voices } = this.context;
    for (let left = voices.map((_, index) => index); left.length > 0; ) {
      const wants = await settleAll(left.map((index) => this.#members[index].wantsModel()));
      left = left.filter((_, place) => wants[place]);
      if (left.length === 0) return;
      await this.context.advance(left.map((index) => voices[index]));
      for (const index of left) this.#members[index].read();
    }
  }

  #choose(sample: readonly { text: TextNode; logShare: number }[]): number[] {
    let left = this.#random();
    const drawn = sample.find(({ logShare }) => (left -= Math.exp(logShare)) < 0) ?? sample[sample.length - 1];
    return entriesOf(drawn.text);
  }

  #noText(): LlamafuseError {
    const members = this.context.voices.map(({ member }) => member.name);
    return new LlamafuseError(
      "incompatible-members",
      `No text is left that all members find possible (${members.join(", ")}). Use the rule "mean", more particles, or other members.`,
      { members, option: "rule" },
    );
  }
}

/** The bytes that all texts begin with. */
function commonStart(texts: readonly TextNode[]): number[] {
  const [first, ...others] = texts.map(entriesOf);
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && other[same] === first[same]) same++;
    length = same;
  }
  // The end is decided when all texts have ended.
  return first.slice(0, length).filter((entry) => entry !== END);
}
