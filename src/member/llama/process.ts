/**
 * A member's own process: what llama.cpp aborts on ends that process and not the program's. It runs the member in a
 * thread as the program itself would (own-process.ts); commands and outputs are copied through a pipe.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { LlamafuseError } from "../../errors.js";
import type { SharedMemory } from "../../kernels/shared-memory.js";
import { processOptions, workerFile } from "../../package-files.js";
import { printable } from "../../printable.js";
import { Channel, type Command } from "./channel.js";
import {
  CLOSE_TIMEOUT_MS,
  DEFAULT_TIMEOUT_MS,
  delay,
  disposedError,
  type EngineHost,
  HUNG_CLOSE_TIMEOUT_MS,
  hungError,
  stoppedError,
} from "./host.js";
import type { LlamaMemberOptions } from "./load-options.js";
import { OutputRoom } from "./output-room.js";
import { arraysAt, type FromProcess, type OutputArrays, type ToProcess } from "./process-messages.js";
import type { Ready, RequestName, Requests } from "./protocol.js";

/** Of what it writes on stderr: where llama.cpp aborts, the last line says on what. */
const LAST_WORDS = 4096;
/** It says that it lives ten times as often. */
const SHORTEST_SILENCE_MS = 1_000;

type Answer = Extract<FromProcess, { reply: unknown } | { payload: Uint8Array }>;

export class MemberProcess implements EngineHost {
  readonly channel = new Channel();
  readonly #name: string;
  /** Of the member. */
  readonly process: ChildProcess;
  readonly #ready: Promise<Ready>;
  readonly #over: Promise<void>;
  readonly #timeoutMs: number;
  #room: OutputRoom | undefined;
  #tokens = 0;
  #lastWords = "";
  #death = "";
  /** Whoever waits for an answer; there is one at a time. */
  #pending: { receive(answer: FromProcess): void; fail(error: LlamafuseError): void } | undefined;
  #isStopped = false;
  #closing = false;
  #isHung = false;

  constructor(
    name: string,
    options: LlamaMemberOptions,
    private readonly shared: SharedMemory,
  ) {
    const { onProgress, signal, templateVariables, ...start } = options;
    this.#name = name;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.process = fork(workerFile("member-process"), processOptions());
    const leaveMemory = shared.use();
    this.#over = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#death = reason;
        leaveMemory();
        this.channel.markEnded();
        this.#pending?.fail(this.#diedError());
        resolve();
      };
      // Not "exit": what it said last is read by then.
      this.process.once("close", (code, signal) => end(this.#reasonOf(code, signal)));
      this.process.on("error", (error) => {
        if (this.process.pid === undefined) end(`its process could not be started (${error.message})`);
      });
    });
    this.process.on("message", (message) => this.#pending?.receive(message as FromProcess));
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => this.#hear(text, options.logs));
    this.#ready = this.#start({ start: { ...start, name } });
    this.#ready.catch(() => {});
  }

  get ended(): boolean {
    return this.channel.ended;
  }

  ready(): Promise<Ready> {
    return this.#ready;
  }

  async #start(message: ToProcess): Promise<Ready> {
    const ready = (await this.#ask(message)).reply as Ready;
    this.#tokens = ready.vocabulary.classes.length;
    this.#room = new OutputRoom(this.shared, this.#tokens);
    return { ...ready, logits: this.#room.logits };
  }

  async call(command: Command, length: number): Promise<void> {
    const { payload } = (await this.#ask({ command, payload: this.channel.payload.slice(0, length) })) as {
      payload: Uint8Array;
    };
    this.channel.payload.set(payload);
  }

  async request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]> {
    const { reply } = await this.#ask({ name, ask });
    // The results lie elsewhere here.
    const own = name === "prepare" ? { ...this.#room!.reserve(reply as Requests["prepare"]["reply"]) } : reply;
    return own as Requests[N]["reply"];
  }

  /** Send a message and take the answer, with the output that came with it. Errors: the member's, member-failed, -hung. */
  async #ask(message: ToProcess): Promise<{ reply?: unknown; payload?: Uint8Array }> {
    const answer = await this.#exchange(message);
    if (answer.output !== undefined) this.#take(answer.output);
    return answer;
  }

  #exchange(message: ToProcess): Promise<Answer> {
    if (this.channel.ended) return Promise.reject(this.#diedError());
    return new Promise((resolve, reject) => {
      let isAlive = true;
      this.#keepsProgram(true);
      const finish = () => {
        this.#pending = undefined;
        this.#keepsProgram(false);
        clearInterval(watch);
      };
      const fail = (error: LlamafuseError) => {
        finish();
        reject(error);
      };
      const receive = (answer: FromProcess) => {
        isAlive = true;
        if ("progress" in answer) {
          this.channel.progress = answer.progress;
          return;
        }
        if ("error" in answer) return fail(LlamafuseError.from(answer.error));
        finish();
        resolve(answer);
      };
      this.#pending = { receive, fail };
      const watch = setInterval(
        () => {
          if (isAlive) isAlive = false;
          // What came while this thread was busy is read first.
          else setImmediate(() => isAlive || this.#pending?.fail(this.#hungError()));
        },
        Math.max(this.#timeoutMs, SHORTEST_SILENCE_MS),
      );
      this.#send(message);
    });
  }

  #take({ numbers, ...arrays }: OutputArrays): void {
    const { logits, regions } = this.#room!;
    const own = arraysAt(this.shared, logits, this.#tokens, regions);
    for (const [name, array] of Object.entries(arrays)) own[name as keyof typeof own].set(array);
    this.channel.outputNumbers = numbers;
  }

  stop(): void {
    this.#isStopped = true;
    this.#send({ stop: true });
  }

  resume(): void {
    if (!this.#isStopped || this.#closing) return;
    this.#isStopped = false;
    this.#send({ stop: false });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#send({ close: true });
    }
    this.#keepsProgram(true);
    await Promise.race([this.#over, delay(this.#isHung ? HUNG_CLOSE_TIMEOUT_MS : CLOSE_TIMEOUT_MS)]);
    if (!this.channel.ended) this.process.kill("SIGKILL");
    await this.#over;
  }

  /** A process that has gone takes nothing; its exit is what counts then. */
  #send(message: ToProcess): void {
    if (this.process.connected) this.process.send(message, () => {});
  }

  #keepsProgram(does: boolean): void {
    const { channel, stderr } = this.process;
    for (const handle of [this.process, channel, stderr as Socket | null]) {
      if (does) handle?.ref();
      else handle?.unref();
    }
  }

  #hear(text: string, logs: LlamaMemberOptions["logs"]): void {
    this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    if (logs === "stderr") process.stderr.write(printable(text));
  }

  #reasonOf(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `its process exited with code ${code}` : `its process was ended by ${signal}`;
    const last = this.#lastWords.trim().split("\n").at(-1);
    return last ? `${how} (${printable(last)})` : how;
  }

  #diedError(): LlamafuseError {
    return this.#closing ? disposedError(this.#name) : stoppedError(this.#name, this.#death);
  }

  #hungError(): LlamafuseError {
    this.#isHung = true;
    return hungError(this.#name, this.#timeoutMs);
  }
}
