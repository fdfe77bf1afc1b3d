/**
 * How the coordinator and a member's worker thread talk on the hot path: one block of shared memory, a command word out,
 * a result block back, Atomics to wait. Set-up goes through messages, announced by a command, because a worker that
 * waits in Atomics does not run its event loop.
 */
import { AwakeWait } from "./awake-wait.js";
import { PAYLOAD_BYTES } from "./payload.js";
import type { ErrorData } from "./protocol.js";

export const Command = {
  none: 0,
  advance: 1,
  firstTokens: 2,
  message: 3,
  close: 4,
  append: 5,
  round: 6,
  read: 7,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

/** What a command ended in. Errors carry their message in the payload; what is unfinished goes on in the next round. */
export const Status = { ok: 0, error: 1, unfinished: 2 } as const;

const CONTROL_WORDS = 16;
const NUMBERS = 8;
/** Indices of the control words. */
const Word = {
  request: 0,
  response: 1,
  command: 2,
  length: 3,
  status: 4,
  heartbeat: 5,
  ended: 6,
  topCount: 7,
  decodedTokens: 8,
  stop: 9,
  atFragmentStart: 10,
} as const;
/** Indices of the numbers. */
const Num = { logNormaliser: 0, endLogProb: 1, decodeMs: 2, prepareMs: 3, progress: 4 } as const;

const CONTROL_BYTES = 4 * CONTROL_WORDS;
const NUMBER_BYTES = 8 * NUMBERS;

/** What the last output says beside its arrays. */
export interface OutputNumbers {
  topCount: number;
  logNormaliser: number;
  endLogProb: number;
  decodeMs: number;
  prepareMs: number;
  decodedTokens: number;
  atFragmentStart: boolean;
}

export class Channel implements OutputNumbers {
  readonly control: Int32Array;
  readonly numbers: Float64Array;
  readonly payload: Uint8Array;
  readonly payloadView: DataView;
  readonly #wait = new AwakeWait();

  constructor(
    readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(CONTROL_BYTES + NUMBER_BYTES + PAYLOAD_BYTES),
  ) {
    this.control = new Int32Array(buffer, 0, CONTROL_WORDS);
    this.numbers = new Float64Array(buffer, CONTROL_BYTES, NUMBERS);
    this.payload = new Uint8Array(buffer, CONTROL_BYTES + NUMBER_BYTES, PAYLOAD_BYTES);
    this.payloadView = new DataView(buffer, CONTROL_BYTES + NUMBER_BYTES, PAYLOAD_BYTES);
  }

  get topCount(): number {
    return this.control[Word.topCount];
  }
  set topCount(value: number) {
    this.control[Word.topCount] = value;
  }
  get decodedTokens(): number {
    return this.control[Word.decodedTokens];
  }
  set decodedTokens(value: number) {
    this.control[Word.decodedTokens] = value;
  }
  get atFragmentStart(): boolean {
    return this.control[Word.atFragmentStart] !== 0;
  }
  set atFragmentStart(value: boolean) {
    this.control[Word.atFragmentStart] = value ? 1 : 0;
  }
  get logNormaliser(): number {
    return this.numbers[Num.logNormaliser];
  }
  set logNormaliser(value: number) {
    this.numbers[Num.logNormaliser] = value;
  }
  get endLogProb(): number {
    return this.numbers[Num.endLogProb];
  }
  set endLogProb(value: number) {
    this.numbers[Num.endLogProb] = value;
  }
  get decodeMs(): number {
    return this.numbers[Num.decodeMs];
  }
  set decodeMs(value: number) {
    this.numbers[Num.decodeMs] = value;
  }
  get prepareMs(): number {
    return this.numbers[Num.prepareMs];
  }
  set prepareMs(value: number) {
    this.numbers[Num.prepareMs] = value;
  }
  /** All of these. */
  get outputNumbers(): OutputNumbers {
    const { topCount, logNormaliser, endLogProb, decodeMs, prepareMs, decodedTokens, atFragmentStart } = this;
    return { topCount, logNormaliser, endLogProb, decodeMs, prepareMs, decodedTokens, atFragmentStart };
  }
  set outputNumbers(numbers: OutputNumbers) {
    Object.assign(this, numbers);
  }
  /** Fraction of the weights that are loaded. */
  get progress(): number {
    return this.numbers[Num.progress];
  }
  set progress(value: number) {
    this.numbers[Num.progress] = value;
  }

  /** Coordinator: whether the worker should stop what it does (abort, exit). Worker: checked between batches. */
  get stopRequested(): boolean {
    return Atomics.load(this.control, Word.stop) !== 0;
  }
  set stopRequested(value: boolean) {
    Atomics.store(this.control, Word.stop, value ? 1 : 0);
  }

  /** The worker has freed its model, or its thread is gone. */
  get ended(): boolean {
    return Atomics.load(this.control, Word.ended) !== 0;
  }
  markEnded(): void {
    Atomics.store(this.control, Word.ended, 1);
    Atomics.notify(this.control, Word.ended);
    // Whoever waits for an answer is to look again.
    Atomics.notify(this.control, Word.response);
  }
  /** Block until the worker has ended; only for process exit. */
  waitForEnd(milliseconds: number): boolean {
    Atomics.wait(this.control, Word.ended, 0, milliseconds);
    return this.ended;
  }

  /** Worker: still at work, although one command takes long. */
  beat(): void {
    Atomics.add(this.control, Word.heartbeat, 1);
  }
  get heartbeat(): number {
    return Atomics.load(this.control, Word.heartbeat);
  }

  // Coordinator's side.

  send(command: Command, length = 0): void {
    this.control[Word.command] = command;
    this.control[Word.length] = length;
    Atomics.add(this.control, Word.request, 1);
    Atomics.notify(this.control, Word.request);
  }

  get isAnswered(): boolean {
    return Atomics.load(this.control, Word.response) === Atomics.load(this.control, Word.request);
  }

  /** Hold this thread, for a few milliseconds at most, until the last command is answered: awake at first, then asleep. */
  holdUntilAnswered(milliseconds: number): boolean {
    if (milliseconds <= 0) return this.isAnswered;
    this.#wait.until(
      () => this.isAnswered,
      () => {
        const seen = Atomics.load(this.control, Word.response);
        if (!this.isAnswered) Atomics.wait(this.control, Word.response, seen, milliseconds);
      },
    );
    return this.isAnswered;
  }

  /** Wait without blocking this thread. False when the time has passed or the worker ended. */
  async answered(milliseconds: number): Promise<boolean> {
    while (true) {
      // Read anew each time: while this thread waits, a close may follow the command that is waited for.
      const seen = Atomics.load(this.control, Word.response);
      if (this.isAnswered) return true;
      if (this.ended) return false;
      const wait = Atomics.waitAsync(this.control, Word.response, seen, milliseconds);
      if (wait.async && (await wait.value) === "timed-out") return this.isAnswered;
    }
  }

  get failed(): boolean {
    return this.control[Word.status] === Status.error;
  }

  get isUnfinished(): boolean {
    return this.control[Word.status] === Status.unfinished;
  }

  get answerLength(): number {
    return this.control[Word.length];
  }

  /** The error that the last answer carried. */
  readError(): ErrorData {
    return JSON.parse(Buffer.from(this.payload.slice(0, this.answerLength)).toString("utf8")) as ErrorData;
  }

  // Worker's side.

  /** Block until there is a command, awake at first; `served` is the number of the last one served. */
  receive(served: number): Command {
    const isThere = () => Atomics.load(this.control, Word.request) !== served;
    this.#wait.until(isThere, () => {
      while (!isThere()) Atomics.wait(this.control, Word.request, served);
    });
    return this.control[Word.command] as Command;
  }

  get commandLength(): number {
    return this.control[Word.length];
  }

  /** Put an error in the payload; returns its length. */
  writeError(error: ErrorData): number {
    let text = Buffer.from(JSON.stringify(error));
    if (text.length > PAYLOAD_BYTES)
      text = Buffer.from(JSON.stringify({ ...error, details: {}, message: error.message.slice(0, 4096) }));
    this.payload.set(text);
    return text.length;
  }

  get command(): Command {
    return this.control[Word.command] as Command;
  }

  /** Of a slot's channel, whose commands another channel's announce. */
  reply(status: number, length = 0): void {
    this.answer(Atomics.load(this.control, Word.request), status, length);
  }

  answer(served: number, status: number, length = 0): void {
    this.control[Word.status] = status;
    this.control[Word.length] = length;
    Atomics.store(this.control, Word.response, served);
    Atomics.notify(this.control, Word.response);
  }
}
