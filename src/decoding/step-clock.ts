/** Where a request's time goes: inside llama.cpp, in fusing, in waiting for threads. */
import type { Voice } from "../during/method.js";
import type { Schedule } from "./schedule.js";

export interface StepTimes {
  /** Milliseconds inside llama.cpp: the slowest member in parallel, the sum in turn. */
  decode: number;
  /** Preparing and fusing the distributions, sampling. */
  fuse: number;
  /** Threads waiting for one another, and handing over. */
  sync: number;
}

/** Let timers, signals and streams run at least this often: fast members never leave the microtask queue by themselves. */
const YIELD_MS = 10;

export class StepClock {
  readonly total: StepTimes = { decode: 0, fuse: 0, sync: 0 };
  /** The last step's times. */
  readonly last: StepTimes = { decode: 0, fuse: 0, sync: 0 };
  promptMs = 0;
  /** What thoughts took; 0 where nobody thought. */
  thinkingMs = 0;
  #requested = performance.now();
  #thinkingStarted = 0;
  #stepsStarted = 0;
  #stepsMs = 0;
  #paused = 0;
  #started = 0;
  #advanceMs = 0;
  #decodeMs = 0;
  #prepareMs = 0;
  #yielded = performance.now();

  constructor(private readonly schedule: Schedule) {}

  /** The prompt is in; steps begin. */
  startSteps(): void {
    this.#stepsStarted = performance.now();
    this.promptMs = this.#stepsStarted - this.#requested - this.thinkingMs;
  }

  /** Members think, before the steps. */
  startThinking(): void {
    this.#thinkingStarted = performance.now();
  }

  stopThinking(): void {
    this.thinkingMs = performance.now() - this.#thinkingStarted;
  }

  /** The reader of the stream has the floor; its time is not the members'. */
  pause(): void {
    this.#paused = performance.now();
  }

  resume(): void {
    const away = performance.now() - this.#paused;
    this.#requested += away;
    this.#thinkingStarted += away;
    this.#stepsStarted += away;
  }

  /** Milliseconds of the last step. */
  get lastMs(): number {
    return this.last.decode + this.last.fuse + this.last.sync;
  }

  startStep(): void {
    this.#started = performance.now();
    this.#advanceMs = 0;
    this.#decodeMs = 0;
    this.#prepareMs = 0;
  }

  /** Run one advance of these members and note what it took. */
  async advance(voices: readonly Voice[], work: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await work();
    this.#advanceMs += performance.now() - started;
    let slowestDecode = 0;
    let slowestPrepare = 0;
    let decode = 0;
    let prepare = 0;
    for (const { member } of voices) {
      const { decodeMs, prepareMs } = member.output;
      decode += decodeMs;
      prepare += prepareMs;
      if (decodeMs + prepareMs > slowestDecode + slowestPrepare) {
        slowestDecode = decodeMs;
        slowestPrepare = prepareMs;
      }
    }
    const inTurn = this.schedule === "in-turn";
    this.#decodeMs += inTurn ? decode : slowestDecode;
    this.#prepareMs += inTurn ? prepare : slowestPrepare;
  }

  /** Run work that is all decoding, such as looking ahead. */
  async decode<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    const spent = performance.now() - started;
    this.#advanceMs += spent;
    this.#decodeMs += spent;
    return result;
  }

  endStep(): void {
    const wall = performance.now() - this.#started;
    this.last.decode = this.#decodeMs;
    this.last.fuse = wall - this.#advanceMs + this.#prepareMs;
    this.last.sync = Math.max(0, this.#advanceMs - this.#decodeMs - this.#prepareMs);
    this.total.decode += this.last.decode;
    this.total.fuse += this.last.fuse;
    this.total.sync += this.last.sync;
  }

  /** The last step has been taken. */
  stopSteps(): void {
    this.#stepsMs = this.#stepsStarted === 0 ? 0 : performance.now() - this.#stepsStarted;
  }

  /** Give the event loop a turn if it has had none for a while. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#yielded < YIELD_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#yielded = performance.now();
  }

  timings(steps: number, tokens: number) {
    const seconds = this.#stepsMs / 1000;
    const share = steps === 0 ? 0 : 1 / steps;
    return {
      promptMs: this.promptMs,
      ...(this.thinkingMs > 0 ? { thinkingMs: this.thinkingMs } : {}),
      stepsPerSecond: seconds === 0 ? 0 : steps / seconds,
      tokensPerSecond: seconds === 0 ? 0 : tokens / seconds,
      msPerStep: { decode: this.total.decode * share, fuse: this.total.fuse * share, sync: this.total.sync * share },
    };
  }
}
