/**
 * One queue of turns for all that stands over the same members: a member holds one text at a time, so requests that need
 * the same one are served in the order in which they came. Requests over different members run side by side.
 *
 * - A request whose signal fires while it waits gets its turn at once, as a turn that is cancelled already.
 * - A request that another one waits for is told (`whenWanted`), so that a reader who pauses does not stop everybody.
 * - `stop` cancels what runs and refuses what waits.
 */
import type { LlamafuseError } from "../errors.js";
import { onAbort } from "../on-abort.js";

export class Turn {
  readonly #stop = new AbortController();
  #isWanted = false;
  #whenWanted: (() => void) | undefined;

  constructor(private readonly leave: () => void) {}

  /** Fires when the request is cancelled, by its caller or by `stop`. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  cancel(reason?: unknown): void {
    this.#stop.abort(reason);
  }

  /** The members are the next one's. May be called any number of times. */
  end(): void {
    this.leave();
  }

  /** Call back once, as soon as another request waits for this one. */
  whenWanted(callback: () => void): void {
    if (this.#isWanted) callback();
    else this.#whenWanted = callback;
  }

  /** Another request waits. */
  want(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#whenWanted?.();
  }
}

/** Whose request it is, and what nobody else may use meanwhile. */
export interface Claim {
  owner: object;
  members: readonly object[];
  signal?: AbortSignal;
}

interface Place extends Claim {
  turn: Turn;
  isRunning: boolean;
  begin(): void;
  refuse(error: LlamafuseError): void;
}

export class Turns {
  /** Who runs and who waits, in the order in which they came. */
  readonly #line = new Set<Place>();
  /** Member → how many in the line need it. */
  readonly #needed = new Map<object, number>();
  /** Member → who has it. */
  readonly #holders = new Map<object, Place>();
  #closed: LlamafuseError | undefined;

  /** Why nobody is served any more; undefined while requests are. */
  get closed(): LlamafuseError | undefined {
    return this.#closed;
  }

  /** Wait for the members. End the turn in any case. Errors: disposed. */
  take(claim: Claim): Promise<Turn> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const turn = new Turn(() => {
        forget();
        this.#leave(place);
      });
      const place: Place = {
        ...claim,
        turn,
        isRunning: false,
        begin: () => resolve(turn),
        refuse: (error) => {
          forget();
          reject(error);
        },
      };
      this.#join(place);
      forget =
        claim.signal === undefined
          ? forget
          : onAbort(claim.signal, () => {
              turn.cancel(claim.signal!.reason);
              if (place.isRunning) return;
              // Who is cancelled while waiting need not wait.
              this.#leave(place);
              resolve(turn);
            });
    });
  }

  /** Cancel what runs and refuse what waits: of one owner, or of all and for ever. */
  stop(error: LlamafuseError, owner?: object): void {
    if (owner === undefined) this.#closed ??= error;
    for (const place of Array.from(this.#line)) {
      if (owner !== undefined && place.owner !== owner) continue;
      place.turn.cancel(error);
      if (place.isRunning) continue;
      this.#leave(place);
      place.refuse(error);
    }
  }

  #join(place: Place): void {
    const isFree = place.members.every((member) => !this.#needed.has(member));
    this.#line.add(place);
    for (const member of place.members) this.#needed.set(member, (this.#needed.get(member) ?? 0) + 1);
    if (isFree) this.#start(place);
    else for (const member of place.members) this.#holders.get(member)?.turn.want();
  }

  #start(place: Place): void {
    place.isRunning = true;
    for (const member of place.members) this.#holders.set(member, place);
    if (place.members.some((member) => this.#needed.get(member)! > 1)) place.turn.want();
    place.begin();
  }

  #leave(place: Place): void {
    if (!this.#line.delete(place)) return;
    for (const member of place.members) {
      const rest = this.#needed.get(member)! - 1;
      if (rest === 0) this.#needed.delete(member);
      else this.#needed.set(member, rest);
      if (this.#holders.get(member) === place) this.#holders.delete(member);
    }
    this.#startNext();
  }

  /** Start everyone for whom nobody before them waits for, or has, the same members. */
  #startNext(): void {
    const taken = new Set<object>();
    for (const place of this.#line) {
      if (taken.size === this.#needed.size) return;
      if (!place.isRunning && place.members.every((member) => !taken.has(member))) this.#start(place);
      for (const member of place.members) taken.add(member);
    }
  }
}
