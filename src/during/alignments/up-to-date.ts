/** Bringing the members that a step asks up to date: alignments ask only some members, and the others lag behind. */
import type { MethodContext } from "../method.js";

export class UpToDate {
  /** Whose output was prepared for something else than is wanted now. */
  readonly #isStale: boolean[];

  constructor(private readonly context: MethodContext) {
    this.#isStale = context.voices.map(() => false);
  }

  invalidate(index: number): void {
    this.#isStale[index] = true;
  }

  /** Advance those of the asked members that lag. */
  async bring(asked: readonly number[]): Promise<void> {
    const { voices } = this.context;
    const lagging = asked.filter((index) => this.#isStale[index] || !voices[index].member.hasOutput);
    if (lagging.length === 0) return;
    await this.context.advance(lagging.map((index) => voices[index]));
    for (const index of lagging) this.#isStale[index] = false;
  }
}
