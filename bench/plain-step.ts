/**
 * What a step costs without a model: one scan of the logits (the least that any method must do), and GaC's step in plain
 * JavaScript loops, as a yardstick for the kernels.
 */
import { loadKernels } from "../src/kernels/kernels.js";
import { unionOf } from "../src/vocabulary/union-dictionary.js";
import type { Vocabulary } from "../src/vocabulary/vocabulary.js";

/** Logits as a language model's: a broad normal distribution with a few peaks. */
function realisticLogits(size: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const logits = Float32Array.from(
    { length: size },
    () => 2.2 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
  for (let peak = 0; peak < 5; peak++) logits[Math.floor(uniform() * size)] = 17 - 2 * peak;
  return logits;
}

export class PlainStep {
  readonly #kernels = loadKernels();
  readonly #offsets: number[];
  readonly #logits: Float32Array[];
  readonly #exponentials: Float64Array[];
  readonly #projections: Float64Array[];
  readonly #maps: readonly Int32Array[];
  readonly #fused: Float64Array;

  constructor(vocabularies: readonly Vocabulary[]) {
    this.#offsets = vocabularies.map(({ size }) => this.#kernels.shared.allocate(4 * size));
    this.#logits = vocabularies.map(({ size }, index) => {
      const view = this.#kernels.shared.float32(this.#offsets[index], size);
      view.set(realisticLogits(size, index + 1));
      return view;
    });
    const { maps, size } = unionOf(vocabularies).everywhere;
    this.#maps = maps;
    this.#exponentials = vocabularies.map((vocabulary) => new Float64Array(vocabulary.size));
    this.#projections = vocabularies.map(() => new Float64Array(size + 1));
    this.#fused = new Float64Array(size);
  }

  /** Milliseconds of one `maximum` over each member's logits. */
  scan(): number[] {
    return this.#logits.map(({ length }, index) => timed(() => this.#kernels.maximum(this.#offsets[index], length)));
  }

  /** Milliseconds of each member's projection and of the fusion, all in loops over typed arrays. */
  plainGac(): { prepare: number[]; fuse: number } {
    const prepare = this.#logits.map((_, index) => timed(() => this.#project(index)));
    return { prepare, fuse: timed(() => this.#fuse()) };
  }

  #project(member: number): void {
    const logits = this.#logits[member];
    const exponentials = this.#exponentials[member];
    const projection = this.#projections[member];
    const map = this.#maps[member];
    let maximum = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < logits.length; id++) if (logits[id] > maximum) maximum = logits[id];
    let sum = 0;
    for (let id = 0; id < logits.length; id++) sum += exponentials[id] = Math.exp(logits[id] - maximum);
    projection.fill(0);
    for (let id = 0; id < logits.length; id++) projection[map[id]] += exponentials[id] / sum;
  }

  #fuse(): number {
    const fused = this.#fused;
    const weight = 1 / this.#projections.length;
    fused.fill(0);
    for (const projection of this.#projections) {
      for (let entry = 0; entry < fused.length; entry++) fused[entry] += weight * projection[entry];
    }
    let best = 0;
    for (let entry = 1; entry < fused.length; entry++) if (fused[entry] > fused[best]) best = entry;
    return best;
  }
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}
