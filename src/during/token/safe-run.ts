/**
 * One request's run of SAFE: the drafter writes ahead, the verifiers read what it wrote, and only where they are needed is
 * anything fused (see safe.ts).
 */
import type { Draft, Member, Place, Verdict } from "../../member/member.js";
import { byteKey, textAtFragmentStart } from "../../vocabulary/vocabulary.js";
import type { FusionRun } from "../fusion-run.js";
import type { FusedDistribution, MethodContext, MethodRun, Voice } from "../method.js";

export interface SafeParts {
  /** Index of the voice that drafts. */
  drafter: number;
  /** Tokens of a draft. */
  draft: number;
  /** What is fused where it has to be. */
  fusion: FusionRun;
}

/** A drafted token, or the end (−1), which has no bytes. */
interface Drafted {
  id: number;
  bytes: Uint8Array;
  /** The drafter's own probability of it. */
  probability: number;
}

/** A token that the members find more probable than this on the mean is what they would choose together. */
const SURE = 0.5;
/** Entries of a decided step; where the end is decided, it is the only one. */
const END = 0;
const TOKEN = 1;
const NO_BYTES = new Uint8Array();

export class SafeRun implements MethodRun {
  /** Drafted tokens that stand, and whether what follows them is to be fused. */
  #standing: Drafted[] = [];
  #fusesNext = false;
  /** What the last step decided; undefined where it fused. */
  #decided: Drafted | undefined;
  readonly #two = new Float64Array(2);

  constructor(
    private readonly context: MethodContext,
    private readonly parts: SafeParts,
  ) {}

  prepare(): Promise<void> {
    return this.parts.fusion.prepare();
  }

  async step(): Promise<FusedDistribution> {
    const { lookAhead } = this.context;
    if (lookAhead !== undefined && this.#standing.length === 0 && !this.#fusesNext) await this.#writeAhead(lookAhead);
    this.#decided = this.#standing.shift();
    if (this.#decided !== undefined) return this.#decision(this.#decided);
    this.#fusesNext = false;
    return this.parts.fusion.step();
  }

  accept(entry: number): void | Promise<void> {
    const decided = this.#decided;
    if (decided === undefined) return this.parts.fusion.accept(entry);
    if (entry === END) this.#standing = [];
    for (const [index, { member }] of this.context.voices.entries()) {
      if (entry === END) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else if (index === this.parts.drafter) member.append({ kind: "tokens", ids: [decided.id] });
      else member.append({ kind: "text", bytes: decided.bytes });
    }
  }

  #decision({ id, bytes }: Drafted): FusedDistribution {
    const best = id < 0 ? END : TOKEN;
    this.#two.fill(0);
    this.#two[best] = 1;
    const bytesOf = (entry: number) => (entry === END ? NO_BYTES : bytes);
    return { size: best + 1, probabilities: this.#two, endEntry: END, best, bytesOf };
  }

  /** Draft, and find out how much of it stands. */
  async #writeAhead(lookAhead: NonNullable<MethodContext["lookAhead"]>): Promise<void> {
    const { voices } = this.context;
    const { drafter, draft } = this.parts;
    const [{ sayings }] = await lookAhead([voices[drafter]], (member) => member.draft(draft));
    const drafted = draftedBy(voices[drafter].member, sayings);
    const verifiers = voices.filter(({ weight }, index) => index !== drafter && weight > 0);
    const ahead = Buffer.concat(drafted.map(({ bytes }) => bytes));
    const verified = await lookAhead(verifiers, (member) => member.verify(ahead, placesFor(member, drafted)));
    for (const [place, token] of drafted.entries()) {
      const verdicts = verified.map((verification) => verification.verdicts[place]);
      if (needsFusion(token, place, { voices, drafter, verifiers, verdicts })) break;
      this.#standing.push(token);
    }
    this.#fusesNext = this.#standing.length < Math.max(1, drafted.length);
  }
}

/** A token without bytes, such as a space that is the tokenizer's own, says nothing: the draft ends before it. */
function draftedBy(member: Member, sayings: Draft["sayings"]): Drafted[] {
  const drafted = sayings.map(({ id, logProb }, place): Drafted => {
    const bytes = id < 0 ? NO_BYTES : member.vocabulary.bytesOf(id);
    const text = place === 0 && member.atFragmentStart ? textAtFragmentStart(bytes) : bytes;
    return { id, bytes: text, probability: Math.exp(logProb) };
  });
  const silent = drafted.findIndex(({ id, bytes }) => id >= 0 && bytes.length === 0);
  return silent < 0 ? drafted : drafted.slice(0, silent);
}

/** Where the drafted tokens begin, and which of a verifier's tokens they are. */
function placesFor({ vocabulary, atFragmentStart }: Member, drafted: readonly Drafted[]): Place[] {
  let at = 0;
  return drafted.map(({ id, bytes }) => {
    const ids = id < 0 ? vocabulary.endTokens : vocabulary.idsOf(byteKey(bytes), at === 0 && atFragmentStart);
    const place = { at, ids };
    at += bytes.length;
    return place;
  });
}

interface Reading {
  voices: readonly Voice[];
  drafter: number;
  verifiers: readonly Voice[];
  /** What each verifier finds at the token's place. */
  verdicts: readonly (Verdict | undefined)[];
}

function needsFusion(token: Drafted, place: number, { voices, drafter, verifiers, verdicts }: Reading): boolean {
  // Nothing is fused inside of a verifier's token, or of a character.
  if ((token.bytes[0] & 0xc0) === 0x80 || verdicts.includes(undefined)) return false;
  let mean = voices[drafter].weight * token.probability;
  let agree = true;
  for (const [index, { member, weight }] of verifiers.entries()) {
    const { likeliest, logProb } = verdicts[index]!;
    mean += weight * Math.exp(logProb);
    agree &&= saysSame(member, likeliest.id, token, place === 0);
  }
  return !agree && !(mean > SURE);
}

function saysSame({ vocabulary, atFragmentStart }: Member, id: number, token: Drafted, isFirst: boolean): boolean {
  if (id < 0 || token.id < 0) return id < 0 && token.id < 0;
  const bytes = vocabulary.bytesOf(id);
  return Buffer.compare(isFirst && atFragmentStart ? textAtFragmentStart(bytes) : bytes, token.bytes) === 0;
}
