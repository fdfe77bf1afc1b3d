/** Signs of life on stderr while a person waits. Nothing appears when stderr is not a terminal, or when the work is quick. */
import { MultiBar, SingleBar } from "cli-progress";
import type { LoadProgress } from "../ensemble/load-options.js";
import type { EvaluationProgress } from "../evaluation/run.js";
import { fitted } from "./columns.js";
import { colorsFor, oneLine } from "./terminal.js";

/** What takes less than this needs no explanation. */
const PATIENCE_MS = 500;
/** With the bar and the numbers, a line of 70 columns: one that wraps could not be taken back. */
const NAME_COLUMNS = 18;

/** A bar with its words and numbers needs so many columns; cut, it would leave its colour to all that follows. */
const WIDE_COLUMNS = 76;

const isWide = () => (process.stderr.columns ?? WIDE_COLUMNS) >= WIDE_COLUMNS;

const BAR_STYLE = {
  stream: process.stderr,
  barCompleteChar: "█",
  barIncompleteChar: "░",
  get barsize(): number {
    return isWide() ? 30 : 8;
  },
  clearOnComplete: true,
  // What is switched off would stay so after a kill.
  hideCursor: false,
  linewrap: true,
  gracefulExit: false,
};

/** What is done, the bar, how far, of what, and the time; on a narrow terminal only the first three, without colour. */
function formatOf(what: string, told: string, time: string): string {
  if (!isWide()) return `${what} {bar} {percentage}%`;
  const { cyan, dim } = colorsFor(process.stderr);
  return `${what} ${cyan("{bar}")} {percentage}%${told === "" ? "" : `  ${told}`} ${dim(time)}`;
}

const MEASURING = "Measuring how the members share the cores …";

/** A bar for each member while it downloads and loads, then a word on what is done until the first step. */
export class LoadBars {
  #bars: MultiBar | undefined;
  #stopNotice = () => {};
  readonly #barOf = new Map<string, SingleBar>();
  readonly #latest = new Map<string, LoadProgress>();
  readonly #timer: NodeJS.Timeout | undefined;

  /** `count`: how many members there are to load. */
  constructor(private readonly count: number) {
    if (process.stderr.isTTY) this.#timer = setTimeout(() => this.#show(), PATIENCE_MS);
  }

  /** To be passed as `onProgress`. */
  readonly update = (progress: LoadProgress): void => {
    if (progress.phase === "build") {
      this.#updateBuild(progress);
      return;
    }
    this.#latest.set(progress.member, progress);
    const loaded = [...this.#latest.values()].filter(({ phase, fraction }) => phase === "load" && fraction === 1);
    if (loaded.length === this.count) {
      this.stop();
      this.#stopNotice = waitingNotice(MEASURING);
    } else if (this.#bars !== undefined) this.#draw(progress);
  };

  /** What a method builds comes when all members are loaded. */
  #updateBuild(progress: LoadProgress): void {
    if (progress.fraction === 1) {
      this.stop();
      this.#stopNotice = waitingNotice(MEASURING);
    } else if (this.#bars !== undefined) this.#draw(progress);
    else if (process.stderr.isTTY) {
      this.stop();
      this.#barOf.clear();
      this.#latest.clear();
      this.#latest.set(progress.member, progress);
      this.#show();
    }
  }

  /** Take everything off the screen. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#bars?.stop();
    this.#bars = undefined;
    this.#stopNotice();
  }

  #show(): void {
    this.#bars = new MultiBar({ ...BAR_STYLE, format: formatOf("{phase} {member}", "", "{duration_formatted}") });
    for (const progress of this.#latest.values()) this.#draw(progress);
  }

  #draw({ member, phase, fraction }: LoadProgress): void {
    const verb = { download: "Downloading", load: "Loading    ", build: "Building   " }[phase];
    const payload = { member: fitted(oneLine(member), NAME_COLUMNS), phase: verb };
    const bar = this.#barOf.get(member);
    if (bar !== undefined) bar.update(100 * fraction, payload);
    else this.#barOf.set(member, this.#bars!.create(100, 100 * fraction, payload));
  }
}

/** One bar for the answers of an evaluation. */
export class AnswerBar {
  #bar: SingleBar | undefined;

  /** To be passed as `onAnswer`. */
  readonly update = ({ done, total, known }: EvaluationProgress): void => {
    if (!process.stderr.isTTY) return;
    if (this.#bar === undefined) this.#bar = this.#start(total, done);
    this.#bar.update(done, { known: known === 0 ? "" : `, ${known} from the ledger` });
  };

  /** Take it off the screen. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(total: number, done: number): SingleBar {
    const format = formatOf("Answering", "{value}/{total} answers{known}", "{eta_formatted} left");
    const bar = new SingleBar({ ...BAR_STYLE, format });
    bar.start(total, done, { known: "" });
    return bar;
  }
}

/** One bar for steps that have names. */
export class StepBar {
  #bar: SingleBar | undefined;

  constructor(private readonly verb: string) {}

  /** To be passed as `onProgress`. */
  readonly update = (done: number, total: number, name: string): void => {
    if (!process.stderr.isTTY) return;
    this.#bar ??= this.#start(total);
    this.#bar.update(done, { name: fitted(oneLine(name), NAME_COLUMNS) });
  };

  /** Take it off the screen. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(total: number): SingleBar {
    const format = formatOf(this.verb, "{name}", "{duration_formatted}");
    const bar = new SingleBar({ ...BAR_STYLE, format });
    bar.start(total, 0, { name: "" });
    return bar;
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
