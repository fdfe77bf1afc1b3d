/**
 * Server-sent events. What is made is kept for the reader, so that a slow one holds up nobody else; one that takes nothing
 * for too long, or is too far behind, is dropped and its answer ended.
 */
import { LlamafuseError } from "../../errors.js";
import type { Limits } from "../limits.js";

/** How events are written. */
export interface EventForm {
  write(event: unknown): string;
  /** What follows the last one, unless that is an error. */
  end: string;
}

export const CHAT_EVENTS: EventForm = {
  write: (event) => `data: ${JSON.stringify(event)}\n\n`,
  end: "data: [DONE]\n\n",
};

export interface EventStreamOptions extends EventForm, Pick<Limits, "stallMs" | "unreadBytes"> {
  /** The reader has left, or was dropped. */
  onLost(reason: LlamafuseError): void;
  /** Close the connection of a reader who is dropped. Default: the stream ends with an error. */
  disconnect?(): void;
  /** An error behind the first event, as the event that tells it. */
  failed(error: unknown): unknown;
}

/** The stream as soon as there is something in it, so that a request that fails before still has its status. */
export async function eventStream(
  produce: (send: (event: unknown) => void) => Promise<void>,
  options: EventStreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  const outlet = new Outlet(options);
  await new Promise<void>((begin, fail) => {
    let hasBegun = false;
    const run = async () => {
      try {
        await produce((event) => {
          outlet.push(options.write(event));
          hasBegun = true;
          begin();
        });
        outlet.push(options.end);
      } catch (error) {
        if (!hasBegun) return fail(error);
        outlet.push(options.write(options.failed(error)));
      }
      begin();
      outlet.end();
    };
    void run();
  });
  return outlet.stream;
}

class Outlet {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #ready: Uint8Array[] = [];
  #bytes = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Ends the reader's wait for what comes next. */
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(private readonly options: EventStreamOptions) {
    this.stream = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#lose(new LlamafuseError("aborted", "The client closed the connection.")),
      },
      { highWaterMark: 0 },
    );
  }

  push(text: string): void {
    if (this.#isOver || text === "") return;
    const chunk = this.#encoder.encode(text);
    this.#ready.push(chunk);
    this.#bytes += chunk.length;
    const { stallMs, unreadBytes } = this.options;
    if (this.#wake !== undefined) this.#wake();
    else if (this.#bytes > unreadBytes) this.#drop(`is more than ${unreadBytes} bytes behind`);
    else {
      const drop = () => this.#drop(`has taken nothing for ${stallMs / 1000} seconds`);
      this.#timer ??= setTimeout(drop, stallMs).unref();
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wake?.();
  }

  async #pull(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#ready.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#ready.length > 0) {
      this.#controller!.enqueue(this.#ready.length === 1 ? this.#ready[0] : Buffer.concat(this.#ready));
      this.#ready = [];
      this.#bytes = 0;
    } else if (this.#isOver) this.#controller!.close();
  }

  #drop(what: string): void {
    const reason = new LlamafuseError("timed-out", `The reader ${what}; the answer was ended.`);
    this.#lose(reason);
    if (this.options.disconnect !== undefined) this.options.disconnect();
    else this.#controller!.error(reason);
  }

  #lose(reason: LlamafuseError): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#ready = [];
    this.#wake?.();
    this.options.onLost(reason);
  }
}
