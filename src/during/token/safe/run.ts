/**
 * One request's run of SAFE: the drafter writes ahead, the verifiers read what it wrote, and only where they are needed is
 * anything fused (see safe.ts).
 */
import type { Saying, Verdict, Verification } from "../../../member/member.js";
import type { FusionRun } from "../../fusion-run.js";
import type { AllowedTokens, FusedDistribution, MethodContext, MethodRun, Voice } from "../../method.js";
import { SURE } from "../../rules/sharpened.js";

export interface SafeParts {
  /** Index of the voice that drafts. */
  drafter: number;
  /** Tokens of a draft. */
  draft: number;
  /** What is fused where it has to be. */
  fusion: FusionRun;
}

/** Entries of a decided step; where the end is decided, it is the only one. */
const END = 0;
const TOKEN = 1;
const NO_BYTES = new Uint8Array();

export class SafeRun implements MethodRun {
  /** Accepted draft tokens, and whether the next token needs fusing. */
  #standing: Saying[] = [];
  #fusesNext = false;
  /** What the last step decided; undefined where it fused. */
  #decided: Saying | undefined;
  readonly #two = new Float64Array(2);
  #steps = 0;
  #pending: void | Promise<void> = undefined;

  constructor(
    private readonly context: MethodContext,
    private readonly parts: SafeParts,
  ) {}

  prepare(): Promise<void> {
    return this.parts.fusion.prepare();
  }

  async step(): Promise<FusedDistribution> {
    await this.#pending;
    const { lookAhead } = this.context;
    if (lookAhead !== undefined && this.#standing.length === 0 && !this.#fusesNext) await this.#writeAhead(lookAhead);
    this.#steps++;
    this.#decided = this.#standing.shift();
    if (this.#decided !== undefined) return this.#decision(this.#decided);
    this.#fusesNext = false;
    return this.parts.fusion.step();
  }

  /** What was drafted cannot be said: the members decide here, and draft anew behind it. */
  async among(allowed: (voice: number) => AllowedTokens): Promise<FusedDistribution | undefined> {
    const { fusion } = this.parts;
    if (this.#decided !== undefined) {
      this.#decided = undefined;
      this.#standing = [];
      await fusion.step();
    }
    return await fusion.among(allowed);
  }

  accept(entry: number): void | Promise<void> {
    const decided = this.#decided;
    if (decided === undefined) {
      this.#pending = this.parts.fusion.accept(entry);
      return this.#pending;
    }
    if (entry === END) this.#standing = [];
    for (const [index, { member }] of this.context.voices.entries()) {
      if (entry === END) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else if (index === this.parts.drafter) member.append({ kind: "tokens", ids: [decided.id] });
      else member.append({ kind: "text", bytes: decided.bytes });
    }
  }

  #decision({ id, bytes }: Saying): FusedDistribution {
    const best = id < 0 ? END : TOKEN;
    this.#two.fill(0);
    this.#two[best] = 1;
    const bytesOf = (entry: number) => (entry === END ? NO_BYTES : bytes);
    return { size: best + 1, probabilities: this.#two, endEntry: END, best, bytesOf };
  }

  /** Draft, and find out how much of it stands. */
  async #writeAhead(lookAhead: NonNullable<MethodContext["lookAhead"]>): Promise<void> {
    const { voices, maxSteps = Number.POSITIVE_INFINITY } = this.context;
    const drafter = voices[this.parts.drafter];
    const count = Math.max(1, Math.min(this.parts.draft, maxSteps - this.#steps));
    const [{ sayings }] = await lookAhead([drafter], (member, signal) => member.draft(count, signal));
    const verifiers = voices.filter((voice) => voice !== drafter && voice.weight > 0);
    const ahead = Buffer.concat(sayings.map(({ bytes }) => bytes));
    let at = 0;
    const places = sayings.map(({ id, bytes }) => {
      const place = { at, bytes: id < 0 ? undefined : bytes };
      at += bytes.length;
      return place;
    });
    const read = await lookAhead(verifiers, (member, signal) => member.verify(ahead, places, signal));
    this.#standing = sayings.slice(0, countOfStanding(sayings, drafter.weight, verifiers, read));
    this.#fusesNext = this.#standing.length < sayings.length;
  }
}

/** How many drafted tokens stand before the first that is fused, or that a verifier has no room to read. */
function countOfStanding(
  sayings: readonly Saying[],
  drafterWeight: number,
  verifiers: readonly Voice[],
  read: readonly Verification[],
): number {
  const room = Math.min(sayings.length, ...read.map(({ verdicts }) => verdicts.length));
  for (let place = 0; place < room; place++) {
    const saying = sayings[place];
    const verdicts = read.map((verification) => verification.verdicts[place]);
    // Nothing is fused inside of a verifier's token, or of a character.
    if (verdicts.includes(undefined) || (saying.bytes[0] & 0xc0) === 0x80) continue;
    if (!isCommon(saying, drafterWeight, verifiers, verdicts as Verdict[])) return place;
  }
  return room;
}

/** Whether it is what the members would choose together. */
function isCommon(
  saying: Saying,
  drafterWeight: number,
  verifiers: readonly Voice[],
  verdicts: readonly Verdict[],
): boolean {
  if (verdicts.every(({ likeliest }) => saysSame(likeliest, saying))) return true;
  const mean = verifiers.reduce(
    (sum, { weight }, index) => sum + weight * Math.exp(verdicts[index].logProb),
    drafterWeight * Math.exp(saying.logProb),
  );
  return mean > SURE;
}

function saysSame(a: Saying, b: Saying): boolean {
  return a.id < 0 === b.id < 0 && Buffer.compare(a.bytes, b.bytes) === 0;
}
