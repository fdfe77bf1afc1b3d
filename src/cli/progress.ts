/** Signs of life on stderr while a person waits. Nothing appears where stderr is no terminal, or where it is quick. */
import { MultiBar, type SingleBar } from "cli-progress";
import type { LoadProgress } from "../ensemble.js";
import { colorsFor, oneLine } from "./terminal.js";

/** What takes less than this needs no explanation. */
const PATIENCE_MS = 500;

/** A bar for each member while it downloads and loads. */
export class LoadBars {
  #bars: MultiBar | undefined;
  readonly #barOf = new Map<string, SingleBar>();
  readonly #latest = new Map<string, LoadProgress>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor() {
    if (process.stderr.isTTY) this.#timer = setTimeout(() => this.#show(), PATIENCE_MS);
  }

  /** To be passed as `onProgress`. */
  readonly update = (progress: LoadProgress): void => {
    this.#latest.set(progress.member, progress);
    if (this.#bars !== undefined) this.#draw(progress);
  };

  /** Take the bars off the screen. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#bars?.stop();
  }

  #show(): void {
    const { cyan, dim } = colorsFor(process.stderr);
    this.#bars = new MultiBar({
      stream: process.stderr,
      format: `{phase} {member} ${cyan("{bar}")} {percentage}% ${dim("{duration_formatted}")}`,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 30,
      clearOnComplete: true,
      // A hidden cursor would stay hidden after a kill.
      hideCursor: false,
      gracefulExit: false,
    });
    for (const progress of this.#latest.values()) this.#draw(progress);
  }

  #draw({ member, phase, fraction }: LoadProgress): void {
    const payload = { member: oneLine(member), phase: phase === "download" ? "Downloading" : "Loading" };
    const bar = this.#barOf.get(member);
    if (bar !== undefined) bar.update(100 * fraction, payload);
    else this.#barOf.set(member, this.#bars!.create(100, 100 * fraction, payload));
  }
}

/** A dim line that appears if the wait is long. The returned function takes it away. */
export function waitingNotice(text: string): () => void {
  if (!process.stderr.isTTY) return () => {};
  let shown = false;
  const timer = setTimeout(() => {
    process.stderr.write(colorsFor(process.stderr).dim(text));
    shown = true;
  }, PATIENCE_MS);
  return () => {
    clearTimeout(timer);
    if (shown) process.stderr.write("\r\u001b[2K");
    shown = false;
  };
}
