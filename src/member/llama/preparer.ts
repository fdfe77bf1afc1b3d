/**
 * What a worker makes of its logits while it still holds them: normaliser, pooled end of generation, the top tokens, the
 * projection into a shared space. All of it happens in the ensemble's shared memory, where the coordinator reads it.
 */
import { LlamafuseError } from "../../errors.js";
import type { Kernels } from "../../kernels/kernels.js";
import { TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Preparation } from "../member.js";
import { MAX_TOP } from "../offers.js";
import { type OutputRegions, OutputRoom } from "./output-room.js";

/** Extra candidates fetched so that control tokens among the best do not shorten the list. */
const SPARE_TOP = 8;

export class Preparer {
  logNormaliser = 0;
  endLogProb = Number.NEGATIVE_INFINITY;
  topCount = 0;
  readonly #size: number;
  readonly #room: OutputRoom;
  readonly #logitsView: Float32Array;
  #exponentials = 0;
  #map = 0;
  /** Candidates that the kernel has room for. */
  #rawCapacity = 0;
  #rawIds = 0;
  #rawLogits = 0;
  #rawIdsView: Int32Array = new Int32Array(0);
  #rawLogitsView: Float32Array = new Float32Array(0);
  #topIdsView: Int32Array = new Int32Array(0);
  #topLogitsView: Float32Array = new Float32Array(0);
  #normalises = true;
  readonly #chosenByClass: boolean;

  constructor(
    private readonly name: string,
    private readonly vocabulary: Vocabulary,
    private readonly kernels: Kernels,
    /** Numbers of a hidden state. */
    private readonly embeddingLength = 0,
  ) {
    this.#size = vocabulary.size;
    this.#room = new OutputRoom(kernels.shared, this.#size);
    this.#logitsView = kernels.shared.float32(this.logits, this.#size);
    this.#chosenByClass = vocabulary.data.classes.some(
      (tokenClass) => tokenClass === TokenClass.control || tokenClass === TokenClass.unused,
    );
  }

  get regions(): OutputRegions {
    return this.#room.regions;
  }

  /** Where the logits lie in the shared memory. */
  get logits(): number {
    return this.#room.logits;
  }

  /** Error: invalid-option for a projection that maps another number of tokens. */
  configure(preparation: Preparation): OutputRegions {
    const { shared } = this.kernels;
    const { projection, branches = 1 } = preparation;
    const mapped = projection?.map.length ?? this.#size;
    if (mapped !== this.#size) {
      throw new LlamafuseError(
        "invalid-option",
        `A projection for member "${this.name}" maps ${mapped} tokens; its vocabulary has ${this.#size}.`,
        { member: this.name, found: mapped, allowed: this.#size },
      );
    }
    const top = Math.min(preparation.top, MAX_TOP, this.#size);
    const regions = this.#room.reserve({
      top,
      projectionSize: projection?.size ?? 0,
      hiddenSize: preparation.hidden ? this.embeddingLength : 0,
      branches: branches > 1 ? branches : 0,
    });
    this.#searchFor(Math.min(top + (this.#chosenByClass ? SPARE_TOP : 0), MAX_TOP, this.#size));
    this.#topIdsView = shared.int32(regions.topIds, top);
    this.#topLogitsView = shared.float32(regions.topLogits, top);
    this.#normalises = preparation.normaliser ?? true;
    if (projection !== undefined) {
      if (this.#exponentials === 0) this.#exponentials = shared.allocate(8 * this.#size);
      if (this.#map === 0) this.#map = shared.allocate(4 * this.#size);
      shared.int32(this.#map, this.#size).set(projection.map);
    }
    return { ...regions };
  }

  /** Whether the next run also returns the hidden state. */
  get wantsHidden(): boolean {
    return this.regions.hiddenSize > 0;
  }

  /** Take new logits, and the hidden state where it is wanted, and compute what was configured. Error: invalid-logits. */
  run(logits: Float32Array, hidden?: Float32Array): void {
    const { kernels, regions } = this;
    this.#logitsView.set(logits);
    if (hidden !== undefined) kernels.shared.float32(regions.hidden, regions.hiddenSize).set(hidden);
    const maximum = this.#maximumOf(this.logits);
    const sum = this.#sumOfExponentials(maximum);
    this.logNormaliser = maximum + Math.log(sum);
    let end = 0;
    for (const id of this.vocabulary.endTokens) end += Math.exp(this.#logitsView[id] - maximum);
    this.endLogProb = Math.log(end / sum);
    if (regions.projectionSize > 0) {
      kernels.scatter(this.#exponentials, this.#map, this.#size, 1 / sum, regions.projection, regions.projectionSize);
    }
    this.topCount = regions.top === 0 ? 0 : this.#selectTop();
  }

  /** Take the logits of every branch, with their normalisers. Error: invalid-logits. */
  takeBranches(logits: readonly Float32Array[]): void {
    const { kernels, regions } = this;
    const normalisers = kernels.shared.float64(regions.branchNormalisers, regions.branches);
    for (const [branch, own] of logits.entries()) {
      const at = regions.branchLogits + 4 * this.#size * branch;
      kernels.shared.float32(at, this.#size).set(own);
      const maximum = this.#maximumOf(at);
      normalisers[branch] = maximum + Math.log(kernels.sumExp(at, this.#size, maximum));
    }
  }

  #maximumOf(logits: number): number {
    return checkedMaximum(this.kernels, this.name, logits, this.#size);
  }

  /** Σ e^(z − maximum), or 1 where nothing asks for it. */
  #sumOfExponentials(maximum: number): number {
    const { kernels, regions } = this;
    if (regions.projectionSize > 0) return kernels.expInto(this.logits, this.#size, maximum, this.#exponentials);
    return this.#normalises ? kernels.sumExp(this.logits, this.#size, maximum) : 1;
  }

  /** The best text and end tokens; control tokens cannot be chosen and are passed over. */
  #selectTop(): number {
    const { kernels, regions, vocabulary } = this;
    const found = kernels.top(this.logits, this.#size, this.#rawIdsView.length, this.#rawIds, this.#rawLogits);
    let count = 0;
    for (let rank = 0; rank < found && count < regions.top; rank++) {
      const id = this.#rawIdsView[rank];
      const tokenClass = vocabulary.classOf(id);
      if (tokenClass === TokenClass.control || tokenClass === TokenClass.unused) continue;
      this.#topIdsView[count] = id;
      this.#topLogitsView[count] = this.#rawLogitsView[rank];
      count++;
    }
    // More control tokens than spares among the best: rare, and worth a larger second search.
    if (count < regions.top && found === this.#rawIdsView.length && found < Math.min(MAX_TOP, this.#size)) {
      this.#searchFor(Math.min(2 * found, MAX_TOP, this.#size));
      return this.#selectTop();
    }
    return count;
  }

  /** Let the kernel find so many candidates. */
  #searchFor(raw: number): void {
    const { shared } = this.kernels;
    if (raw > this.#rawCapacity) {
      this.#rawCapacity = raw;
      this.#rawIds = shared.allocate(4 * raw);
      this.#rawLogits = shared.allocate(4 * raw);
    }
    this.#rawIdsView = shared.int32(this.#rawIds, raw);
    this.#rawLogitsView = shared.float32(this.#rawLogits, raw);
  }
}

/** The largest of a member's logits, which lie at this offset of the shared memory. Error: invalid-logits. */
export function checkedMaximum(kernels: Kernels, member: string, logits: number, size: number): number {
  const maximum = kernels.maximum(logits, size);
  if (Number.isFinite(maximum)) return maximum;
  throw new LlamafuseError(
    "invalid-logits",
    `Member "${member}" produced ${Number.isNaN(maximum) ? "NaN" : maximum} logits: its file or its computation is damaged. Load another file, or try gpuLayers: 0.`,
    { member, found: String(maximum) },
  );
}
