/**
 * Lines that a person types, with editing and history; a paste is one line with line breaks in it. What is typed while an
 * answer runs is not echoed into it; it waits for the next prompt. Ctrl-C is handed to `onInterrupt`, whether it comes as
 * a key or as a signal.
 */
import { writeSync } from "node:fs";
import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";
import { PASTE_OFF, PASTE_ON, PasteFilter, withoutMarks } from "./paste-filter.js";

const HISTORY = 500;

export class TerminalLines {
  readonly #output: Echo;
  readonly #input = new PasteFilter(process.stdin);
  readonly #readline: Interface;
  readonly #queue: string[] = [];
  #closed = false;
  #wake: () => void = () => {};

  constructor(
    private readonly prompt: string,
    private readonly onInterrupt: (how: "key" | "signal") => void,
  ) {
    // The prompt and its echo are no part of the answers: stderr, unless only stdout is a terminal.
    this.#output = new Echo(process.stderr.isTTY ? process.stderr : process.stdout);
    process.stdin.pipe(this.#input);
    this.#readline = createInterface({
      input: this.#input,
      output: this.#output,
      terminal: true,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      prompt,
    });
    this.#output.control(PASTE_ON);
    process.on("exit", this.#restore);
    this.#readline.on("line", (line) => {
      this.#queue.push(line);
      this.#wake();
    });
    this.#readline.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
    this.#readline.on("SIGINT", this.#onKey);
    process.on("SIGINT", this.#onSignal);
  }

  /** The next line, or undefined when the person has left (Ctrl-D). `continued`: a block has begun before it. */
  async next(continued = false): Promise<string | undefined> {
    this.#output.muted = false;
    this.#readline.setPrompt(continued ? this.prompt.replace("›", "…") : this.prompt);
    if (this.#queue.length > 0) {
      this.#output.write(`${this.#readline.getPrompt()}${this.#queue[0]}\n`);
    } else if (!this.#closed) {
      this.#readline.prompt(true);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      // Whoever leaves does so from the line of the prompt.
      if (this.#queue.length === 0) this.#output.write("\n");
    }
    this.#output.muted = true;
    const line = this.#queue.shift();
    return line === undefined ? undefined : withoutMarks(line);
  }

  /** Empty the line being typed and say something under it. */
  interruptLine(text: string): void {
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#output.write(`\n${text}\n`);
    this.#readline.setPrompt(this.prompt);
    this.#readline.prompt();
  }

  /** End the input; a waiting `next` gives undefined. */
  close(): void {
    process.off("SIGINT", this.#onSignal);
    process.off("exit", this.#restore);
    if (!this.#closed) this.#readline.close();
    process.stdin.unpipe(this.#input);
    process.stdin.pause();
    this.#restore();
  }

  readonly #onKey = () => this.onInterrupt("key");
  readonly #onSignal = () => this.onInterrupt("signal");

  /** The terminal as it was, also where the process is about to end. */
  readonly #restore = () => {
    try {
      process.stdin.setRawMode?.(false);
    } catch {
      // The terminal has gone away.
    }
    this.#output.control(PASTE_OFF);
  };
}

/** readline's way to the terminal, shut while an answer is written there. */
class Echo extends Writable {
  muted = true;
  readonly isTTY = true;

  constructor(private readonly terminal: NodeJS.WriteStream) {
    super();
    terminal.on("resize", () => this.emit("resize"));
  }

  get columns(): number {
    return this.terminal.columns;
  }

  /** A sequence for the terminal itself, at once. */
  control(sequence: string): void {
    if (process.env.TERM === "dumb") return;
    try {
      writeSync((this.terminal as NodeJS.WriteStream & { fd: number }).fd, sequence);
    } catch {
      // The terminal has gone away.
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.muted) this.terminal.write(chunk);
    done();
  }
}
