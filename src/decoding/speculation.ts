/**
 * Speculation: text that is likely to come is read by all members in one decode, instead of one decode a step.
 *
 * Before a step, bytes are guessed: what followed the last time that prompt and answer ended as they end now, or what one
 * member would say by itself. Every member is told to expect them (Member.expect), so that its next decode reads the text at
 * hand and the guess in one batch. The method then takes its steps as ever: each member's output at each place is what
 * stepping gives, but for the rounding of llama.cpp's batches, and where the text goes on as guessed nothing is decoded. At
 * the first difference the guess is dropped. So every method is served, greedy or drawn, and a guess decides how much is
 * decoded, never what is said.
 *
 * Whether a guess pays is measured while it runs. Of a guess that took T ms over n steps,
 *
 *     saved = n · t − T,   t = a step without guesses (running mean)
 *
 * A kind of guess is made again while it saves; one that does not is tried again ever more rarely; and none is tried once
 * the sum of all losses would come to 2 % of the time that all answers took. What was measured is kept from one answer of
 * an ensemble to the next. The scheme and its constants are ours.
 */
import type { MethodContext, Voice } from "../during/method.js";
import type { Member } from "../member/member.js";
import { TextLookup } from "./text-lookup.js";

/** `auto`: guess from the text so far and by the cheapest member, where it pays; false: never. */
export type Speculation = "auto" | false;

/** What guessing came to; counts of a whole answer. */
export interface SpeculationReport {
  guesses: number;
  guessedBytes: number;
  /** Of these, said. */
  saidBytes: number;
  /** Steps that began within a guess, so that members that had read it decoded nothing. */
  steps: number;
}

/** Bytes of a guess. */
const SHORTEST = 8;
const LONGEST = 64;
/** Tokens that a member guesses. */
const FEWEST_TOKENS = 2;
const MOST_TOKENS = 12;
/** The share of the time of all answers that guesses may cost in vain. */
const MOST_LOST = 0.02;
/** Steps between two tries of a kind that does not pay: at first, doubled each time. */
const FIRST_PAUSE = 32;
/** Weight of the newest value in running means. */
const NEWEST = 0.25;

/** What one kind of guess has come to. */
class Kind {
  tries = 0;
  /** Running means: ms saved, and bytes (or tokens) said of a guess. */
  saved = 0;
  said: number;
  #pause = FIRST_PAUSE;
  #next = 0;

  constructor(said: number) {
    this.said = said;
  }

  mayTry(step: number): boolean {
    return this.tries < 2 || this.saved > 0 || step >= this.#next;
  }

  note(saved: number, said: number, step: number): void {
    this.tries++;
    this.saved = this.tries === 1 ? saved : mix(this.saved, saved);
    this.said = mix(this.said, said);
    if (this.saved > 0) this.#pause = FIRST_PAUSE;
    else {
      this.#next = step + this.#pause;
      this.#pause *= 2;
    }
  }
}

/** What an ensemble's guesses came to, over all its answers. */
export class SpeculationRecord {
  /** By agreeing bytes: the longer, the surer. */
  readonly found = [new Kind(12), new Kind(24), new Kind(48)];
  readonly drafted = new Kind(4);
  steps = 0;
  /** A step without guesses: a running mean, in ms. */
  stepMs = 0;
  elapsedMs = 0;
  /** Saved by all guesses together, in ms; negative: lost. */
  balance = 0;

  mayTry(kind: Kind): boolean {
    if (this.stepMs === 0 || !kind.mayTry(this.steps)) return false;
    const atRisk = kind.tries === 0 ? this.stepMs : Math.max(0, -kind.saved);
    return this.balance - atRisk > -MOST_LOST * this.elapsedMs;
  }
}

interface Guess {
  kind: Kind;
  bytes: Uint8Array;
  /** How many of them were said. */
  said: number;
  ms: number;
  steps: number;
}

export interface SpeculatorOptions {
  voices: readonly Voice[];
  /** What stands before the answer. */
  text: Uint8Array;
  lookAhead: NonNullable<MethodContext["lookAhead"]>;
  /** Default: a new one. */
  record?: SpeculationRecord;
}

export class Speculator {
  readonly report: SpeculationReport = { guesses: 0, guessedBytes: 0, saidBytes: 0, steps: 0 };
  readonly #lookup = new TextLookup();
  readonly #record: SpeculationRecord;
  readonly #listening: readonly Member[];
  readonly #drafter: Voice | undefined;
  #guess: Guess | undefined;

  constructor(private readonly options: SpeculatorOptions) {
    const { voices, text, record = new SpeculationRecord() } = options;
    this.#record = record;
    this.#listening = voices.map(({ member }) => member).filter((member) => member.expect !== undefined);
    this.#drafter = drafterOf(voices);
    this.#lookup.push(text);
  }

  /**
   * Tell the members what to expect, where a guess is worth it: within a step, before the members advance. What looking
   * ahead takes is part of that step's time.
   */
  async guess(): Promise<void> {
    if (this.#guess !== undefined || this.#listening.length === 0) return;
    const record = this.#record;
    const found = this.#lookup.find(LONGEST);
    if (found !== undefined) {
      const kind = record.found[found.agreeing < 10 ? 0 : found.agreeing < 20 ? 1 : 2];
      const length = Math.max(SHORTEST, Math.min(LONGEST, Math.round(2 * kind.said)));
      if (record.mayTry(kind)) return this.#tell(kind, found.bytes.subarray(0, length));
    }
    if (this.#drafter === undefined || !record.mayTry(record.drafted)) return;
    const count = Math.max(FEWEST_TOKENS, Math.min(MOST_TOKENS, Math.round(1.5 * record.drafted.said)));
    const [{ sayings }] = await this.options.lookAhead([this.#drafter], (member, signal) =>
      member.draft(count, signal),
    );
    this.#tell(record.drafted, Buffer.concat(sayings.map((saying) => saying.bytes)));
  }

  /** A step is taken: what it said, and what it took. */
  took(bytes: Uint8Array, ms: number): void {
    const record = this.#record;
    record.steps++;
    record.elapsedMs += ms;
    this.#lookup.push(bytes);
    const guess = this.#guess;
    if (guess === undefined) {
      record.stepMs = record.stepMs === 0 ? ms : mix(record.stepMs, ms);
      return;
    }
    guess.ms += ms;
    guess.steps++;
    if (guess.steps > 1) this.report.steps++;
    const rest = guess.bytes.subarray(guess.said);
    const agrees = bytes.length <= rest.length && bytes.every((byte, index) => byte === rest[index]);
    if (agrees) {
      guess.said += bytes.length;
      this.report.saidBytes += bytes.length;
    }
    if (!agrees || guess.said === guess.bytes.length) this.#close(guess);
  }

  #tell(kind: Kind, bytes: Uint8Array): void {
    this.#guess = { kind, bytes, said: 0, ms: 0, steps: 0 };
    if (bytes.length === 0) return;
    this.report.guesses++;
    this.report.guessedBytes += bytes.length;
    for (const member of this.#listening) {
      // The one that guessed has read it.
      if (kind !== this.#record.drafted || member !== this.#drafter?.member) member.expect!(bytes);
    }
  }

  #close(guess: Guess): void {
    this.#guess = undefined;
    const { kind, ms, steps, said } = guess;
    const record = this.#record;
    const saved = steps * record.stepMs - ms;
    record.balance += saved;
    kind.note(saved, kind === record.drafted ? steps : said, record.steps);
  }
}

/** Who guesses: the cheapest of several members; undefined where nobody can. */
function drafterOf(voices: readonly Voice[]): Voice | undefined {
  if (voices.length < 2) return undefined;
  const able = voices.filter(({ member }) => member.offers.verify && member.expect !== undefined);
  const bytesOf = ({ member }: Voice) => member.identity().costs.weightBytes;
  return able.reduce<Voice | undefined>(
    (best, voice) => (best === undefined || bytesOf(voice) < bytesOf(best) ? voice : best),
    undefined,
  );
}

const mix = (mean: number, value: number) => mean + NEWEST * (value - mean);
