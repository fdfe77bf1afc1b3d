/** Ctrl-C and SIGTERM: the first asks the running work to end, a second one ends the process where it stands. */

/** What a shell expects: 128 + the number of the signal. */
export const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Not SIGHUP: who listens to it undoes `nohup`. */
const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;
type Interrupt = (typeof INTERRUPTS)[number];

/** The code of the last signal that came to one of them. */
let received: number | undefined;

/** What a shell expects of a process that a signal stopped; undefined where none came. */
export function interruptCode(): number | undefined {
  return received;
}

export class Interrupts {
  readonly #controller = new AbortController();
  readonly #handlers: [Interrupt, () => void][];
  #exitCode: number | undefined;

  constructor() {
    this.#handlers = INTERRUPTS.map((name) => [name, () => this.#receive(name)]);
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** Fires with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The code that a shell expects after the signal that came (128 + its number); undefined if none came. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Leave signals to Node's default again: to end the process. */
  release(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #receive(name: Interrupt): void {
    this.#exitCode = EXIT_CODES[name];
    received = EXIT_CODES[name];
    this.release();
    this.#controller.abort();
  }
}
