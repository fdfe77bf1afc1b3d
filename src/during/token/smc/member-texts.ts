/** The texts of all particles in one member: a beam of tokenisations for each, all of them branches of one cache. */
import { LlamafuseError } from "../../../errors.js";
import type { Member } from "../../../member/member.js";
import { LazyBeam, type LazyOptions } from "../../alignments/bytes/lazy-beam.js";
import { takeBackEnd } from "../../alignments/bytes/prompt-end.js";
import { SequenceBranches } from "../../alignments/bytes/sequence-branches.js";
import { BYTE_ENTRIES } from "../../alignments/bytes/token-masses.js";
import type { TextNode } from "./population.js";

export interface TextsOptions extends LazyOptions {
  /** Tokens at the prompt's end that are spelt anew. */
  heal: number;
}

export class MemberTexts {
  #beams = new Map<TextNode, LazyBeam>();
  readonly #branches: SequenceBranches;
  /** What all texts begin with, as far as it has not been taken. */
  #queue: number[] = [];
  #before = 0;
  calls = 0;
  tokens = 0;
  discarded = 0;
  readonly #next = new Float64Array(BYTE_ENTRIES);

  constructor(
    private readonly member: Member,
    private readonly options: TextsOptions,
    private readonly texts: number,
  ) {
    this.#branches = new SequenceBranches(member, options.beam * texts);
  }

  prepare(): Promise<void> {
    return this.member.prepare({ top: 0, normaliser: false, branches: this.options.beam * this.texts });
  }

  /** The member has begun its prompt; all texts go on from this one, behind `ahead`. */
  async begin(root: TextNode, ahead: Uint8Array): Promise<void> {
    const { before, bytes } = await takeBackEnd(this.member, this.options.heal);
    this.#before = before.length;
    const beam = new LazyBeam(this.member.vocabulary, this.options);
    this.#branches.begin(beam.begin(this.#branches.first, this.member.atFragmentStart));
    this.#queue.push(...bytes, ...ahead);
    this.#beams.set(root, beam);
  }

  /** These texts, each a byte longer than one that is there, take the place of all. */
  follow(texts: readonly TextNode[]): void {
    const left = new Map<TextNode, number>();
    for (const { parent } of texts) left.set(parent!, (left.get(parent!) ?? 0) + 1);
    const next = new Map<TextNode, LazyBeam>();
    for (const text of texts) {
      const parent = this.#beams.get(text.parent!)!;
      const count = left.get(text.parent!)! - 1;
      left.set(text.parent!, count);
      const beam = count > 0 ? parent.copy() : parent;
      next.set(text, beam);
    }
    for (const [text, beam] of this.#beams) {
      if (left.has(text)) continue;
      this.discarded += beam.discarded;
      beam.drop();
    }
    for (const [text, beam] of next) beam.take(text.entry);
    this.#beams = next;
  }

  /** Whether the model is to be asked now (then `read`). Error: context-overflow. */
  async wantsModel(): Promise<boolean> {
    for (;;) {
      for (const beam of this.#beams.values()) if (!beam.isOut) await beam.settle();
      const beams = [...this.#beams.values()].filter((beam) => !beam.isOut);
      if (beams.some((beam) => beam.reading.length > 0)) {
        const { contextSize, name } = this.member;
        if (beams.some(({ reading }) => reading.some(({ sequence }) => this.#before + sequence.length > contextSize)))
          throw fullContext(name, contextSize);
        this.#branches.ask([...new Set(beams.flatMap(({ needed }) => needed))]);
        return true;
      }
      const byte = this.#queue.shift();
      if (byte === undefined) return false;
      for (const beam of beams) beam.take(byte);
    }
  }

  /** The member has advanced. */
  read(): void {
    for (const beam of this.#beams.values()) beam.read((sequence) => this.#branches.logitsOf(sequence));
    this.calls++;
    this.tokens += this.member.output.decodedTokens;
  }

  /**
   * The next-byte distribution behind a text, float64[257], valid until the next call; undefined where it cannot be spelt.
   * `guesses`: with what tokenisations that were not read may say.
   */
  next(text: TextNode, guesses: boolean): Float64Array | undefined {
    return this.#beams.get(text)!.next(this.#next, guesses) ? this.#next : undefined;
  }

  /** An end was chosen. */
  end(): void {
    this.#branches.end(this.#beams.values().next().value?.endSequence);
  }
}

function fullContext(member: string, size: number): LlamafuseError {
  return new LlamafuseError(
    "context-overflow",
    `The texts of member "${member}" have reached the end of its context of ${size} tokens. Raise contextSize or ask for fewer bytes.`,
    { member, allowed: size, option: "contextSize" },
  );
}
