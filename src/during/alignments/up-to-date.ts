/** Which members' outputs are of the present text: alignments ask only some members, and the others lag behind. */
import type { MethodContext } from "../method.js";

export class UpToDate {
  readonly #isCurrent: boolean[];

  constructor(private readonly context: MethodContext) {
    // The first step finds all members begun.
    this.#isCurrent = context.voices.map(() => true);
  }

  /** Something was chosen: all members lag. */
  chosen(): void {
    this.#isCurrent.fill(false);
  }

  /** A member's output was prepared for something else than is wanted now. */
  invalidate(index: number): void {
    this.#isCurrent[index] = false;
  }

  /** Advance those of the asked members that lag. */
  async bring(asked: readonly number[]): Promise<void> {
    const lagging = asked.filter((index) => !this.#isCurrent[index]);
    if (lagging.length === 0) return;
    await this.context.advance(lagging.map((index) => this.context.voices[index]));
    for (const index of lagging) this.#isCurrent[index] = true;
  }
}
