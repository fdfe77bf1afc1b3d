/**
 * Who may be at work on one model, and who waits: a bounded queue in the order of arrival. A model answers as many requests at
 * a time as it has slots.
 */
import { LlamafuseError } from "../../errors.js";
import { onAbort } from "../../on-abort.js";

export interface LineOptions {
  /** Requests at work at a time. */
  slots: number;
  /** Requests that may wait. */
  waiting: number;
}

interface Waiter {
  begin(): void;
}

export class Line {
  readonly #waiters = new Set<Waiter>();
  #running = 0;

  constructor(private readonly options: LineOptions) {}

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Wait for a slot; the result gives it back, any number of times. Errors: overloaded where the queue is full, at once; the
   * signal's reason.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { slots, waiting } = this.options;
    if (this.#running < slots) {
      this.#running++;
      return this.#leaver();
    }
    if (this.#waiters.size >= waiting) {
      const message = `${this.#running} requests run and ${this.#waiters.size} wait, which is the limit. Try again later.`;
      throw new LlamafuseError("overloaded", message, { found: this.#waiters.size, allowed: waiting });
    }
    return await new Promise((resolve, reject) => {
      let forget = () => {};
      const waiter: Waiter = {
        begin: () => {
          forget();
          resolve(this.#leaver());
        },
      };
      this.#waiters.add(waiter);
      forget = onAbort(signal, () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      });
    });
  }

  /** Hands the slot to the first who waits. */
  #leaver(): () => void {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const [next] = this.#waiters;
      if (next === undefined) {
        this.#running--;
        return;
      }
      this.#waiters.delete(next);
      next.begin();
    };
  }
}
