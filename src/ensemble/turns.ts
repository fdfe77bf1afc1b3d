/**
 * One queue of turns for all that stands over the same members: a member holds a text in each of its slots (one as a rule), so
 * requests that need the same one are served in the order in which they came, as many at a time as it has slots. Requests
 * over different members run side by side.
 *
 * - A request that asks to be alone with its members waits until nobody else has any of their slots, and gets the first ones.
 * - A request whose signal fires while it waits gets its turn at once, as a turn that is cancelled already.
 * - A request that another one waits for is told (`whenWanted`), so that a reader who pauses does not stop everybody.
 * - `stop` cancels what runs and refuses what waits.
 */
import type { LlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";
import { onAbort } from "../on-abort.js";

/** What can be claimed: a member, with its slots. */
export type Claimed = object & Pick<Partial<Member>, "slots">;

export class Turn {
  /** Member → which of its slots this turn has. */
  readonly slots = new Map<object, number>();
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
  members: readonly Claimed[];
  /** Nobody else may use any slot of them meanwhile. Default false. */
  alone?: boolean;
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
  /** Member → who has each of its slots; none where it is free. */
  readonly #held = new Map<object, (Place | undefined)[]>();
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
    this.#line.add(place);
    this.#startNext();
  }

  /** Whether the slots that a request needs are free. */
  #isFree({ members, alone }: Place): boolean {
    return members.every((member) => {
      const slots = this.#slotsOf(member);
      return alone === true ? slots.every((holder) => holder === undefined) : slots.includes(undefined);
    });
  }

  #slotsOf(member: Claimed): (Place | undefined)[] {
    let slots = this.#held.get(member);
    if (slots === undefined) {
      slots = Array.from({ length: member.slots?.length ?? 1 }, () => undefined);
      this.#held.set(member, slots);
    }
    return slots;
  }

  #start(place: Place): void {
    place.isRunning = true;
    for (const member of place.members) {
      const slots = this.#slotsOf(member);
      const slot = slots.indexOf(undefined);
      slots[slot] = place;
      place.turn.slots.set(member, slot);
      if (place.alone === true) slots.fill(place);
    }
    place.begin();
  }

  #leave(place: Place): void {
    if (!this.#line.delete(place)) return;
    for (const member of place.members) {
      const slots = this.#slotsOf(member);
      for (const [slot, holder] of slots.entries()) if (holder === place) slots[slot] = undefined;
      if (slots.every((holder) => holder === undefined)) this.#held.delete(member);
    }
    this.#startNext();
  }

  /** Start everyone whose slots are free and for whose members nobody before them waits; tell whoever is in the way. */
  #startNext(): void {
    const waitedFor = new Set<object>();
    for (const place of this.#line) {
      if (place.isRunning) continue;
      if (!place.members.some((member) => waitedFor.has(member)) && this.#isFree(place)) {
        this.#start(place);
        continue;
      }
      for (const member of place.members) {
        waitedFor.add(member);
        for (const holder of this.#held.get(member) ?? []) holder?.turn.want();
      }
    }
  }
}
