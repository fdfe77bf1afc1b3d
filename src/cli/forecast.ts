/** A line on stderr, once, about how long a run will take, where that is long. */
import type { EvaluationProgress } from "../evaluation/run.js";

/** What takes less than this needs no announcement. */
const LONG_MS = 60_000;
/** From how long a look the speed is told. */
const LOOK_MS = 5_000;
/** From how many answers: contenders differ in speed, and each has answered by then. */
const LOOK_ANSWERS = 30;

export interface Cures {
  /** The option that asks fewer questions. */
  questions: string;
  /** Where answers are kept; without it, a run that stops begins anew. */
  ledger?: string;
}

export class Forecast {
  #started: { at: number; done: number } | undefined;
  #isTold = false;

  constructor(
    private readonly cures: Cures,
    private readonly now: () => number = () => performance.now(),
    private readonly tell: (line: string) => void = (line) => void process.stderr.write(line),
  ) {}

  /** To be called with every answer; a `bar` leaves the screen before the line is written. */
  update({ done, total, known }: EvaluationProgress, bar?: { stop(): void }): void {
    if (this.#isTold) return;
    const asked = done - known;
    this.#started ??= { at: this.now(), done: asked };
    const elapsed = this.now() - this.#started.at;
    const answers = asked - this.#started.done;
    if (answers === 0 || elapsed < LOOK_MS || (answers < LOOK_ANSWERS && elapsed < LONG_MS)) return;
    this.#isTold = true;
    const left = (elapsed / answers) * (total - done);
    if (left < LONG_MS) return;
    bar?.stop();
    const { questions, ledger } = this.cures;
    const kept =
      ledger === undefined ? "; with --ledger FILE a stopped run continues" : "; the ledger keeps what is answered";
    const speed = ((1000 * answers) / elapsed).toPrecision(2);
    this.tell(
      `llamafuse: about ${durationOf(left)} for ${total - done} more answers (${Number(speed)} a second). ${questions} asks fewer questions${kept}.\n`,
    );
  }
}

/** `4 minutes`, `2.5 hours` */
export function durationOf(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 90) return Math.round(minutes) === 1 ? "1 minute" : `${Math.round(minutes)} minutes`;
  return `${(minutes / 60).toFixed(1)} hours`;
}
