import type { BuildOptions } from "./pool.js";

/** Several stages' progress as one, which only grows. */
export class Stages {
  #done = 0;

  /** @param total what all stages cost together */
  constructor(
    private readonly run: BuildOptions,
    private readonly total: number,
  ) {}

  /** The next stage, which costs this much. */
  stage(cost: number): BuildOptions {
    const before = this.#done;
    this.#done += cost;
    const report = (fraction: number) => this.run.onProgress?.(Math.min(1, (before + cost * fraction) / this.total));
    return { ...this.run, onProgress: report };
  }
}
