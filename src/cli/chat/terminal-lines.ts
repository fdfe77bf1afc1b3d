/**
 * Lines that a person types, with editing and history. What is typed while an answer runs is not echoed into it; it
 * waits for the next prompt. Ctrl-C is handed to `onInterrupt`, whether it comes as a key or as a signal.
 */
import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";

const HISTORY = 500;

export class TerminalLines {
  readonly #output: Echo;
  readonly #readline: Interface;
  readonly #queue: string[] = [];
  #closed = false;
  #wake: () => void = () => {};

  constructor(
    private readonly prompt: string,
    private readonly onInterrupt: () => void,
  ) {
    // The prompt and its echo are no part of the answers: stderr, unless only stdout is a terminal.
    this.#output = new Echo(process.stderr.isTTY ? process.stderr : process.stdout);
    this.#readline = createInterface({
      input: process.stdin,
      output: this.#output,
      terminal: true,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      prompt,
    });
    this.#readline.on("line", (line) => {
      this.#queue.push(line);
      this.#wake();
    });
    this.#readline.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
    this.#readline.on("SIGINT", onInterrupt);
    process.on("SIGINT", onInterrupt);
  }

  /** The next line, or undefined when the person has left (Ctrl-D). */
  async next(): Promise<string | undefined> {
    this.#output.muted = false;
    if (this.#queue.length > 0) {
      this.#output.write(`${this.prompt}${this.#queue[0]}\n`);
    } else if (!this.#closed) {
      this.#readline.prompt(true);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      // Whoever leaves does so from the line of the prompt.
      if (this.#queue.length === 0) this.#output.write("\n");
    }
    this.#output.muted = true;
    return this.#queue.shift();
  }

  /** Empty the line being typed and say something under it. */
  interruptLine(text: string): void {
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#output.write(`\n${text}\n`);
    this.#readline.prompt();
  }

  /** End the input; a waiting `next` gives undefined. */
  close(): void {
    process.off("SIGINT", this.onInterrupt);
    if (!this.#closed) this.#readline.close();
  }
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

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.muted) this.terminal.write(chunk);
    done();
  }
}
