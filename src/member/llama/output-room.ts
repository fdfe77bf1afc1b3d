/** Where a member's results lie in the ensemble's shared memory: room that grows with what is prepared. */
import type { SharedMemory } from "../../kernels/shared-memory.js";

/** How many numbers of each kind there are; 0 for none. */
export interface OutputSizes {
  top: number;
  projectionSize: number;
  hiddenSize: number;
  /** Branches whose logits are kept, one behind another. */
  branches: number;
}

/** The same with the offsets at which they lie. */
export interface OutputRegions extends OutputSizes {
  topIds: number;
  topLogits: number;
  projection: number;
  hidden: number;
  branchLogits: number;
  branchNormalisers: number;
}

/** Nothing beside the logits. */
export const NO_REGIONS: OutputRegions = {
  top: 0,
  topIds: 0,
  topLogits: 0,
  projection: 0,
  projectionSize: 0,
  hidden: 0,
  hiddenSize: 0,
  branches: 0,
  branchLogits: 0,
  branchNormalisers: 0,
};

export class OutputRoom {
  readonly regions: OutputRegions = { ...NO_REGIONS };
  /** The offset of the logits, which are always there. */
  readonly logits: number;
  readonly #capacity: OutputSizes = { top: 0, projectionSize: 0, hiddenSize: 0, branches: 0 };

  constructor(
    private readonly shared: SharedMemory,
    /** Of the vocabulary. */
    private readonly tokens: number,
  ) {
    this.logits = shared.allocate(4 * tokens);
  }

  /** Make room for so much. Error: out-of-memory. */
  reserve(sizes: OutputSizes): OutputRegions {
    const { regions, shared } = this;
    const { top, projectionSize, hiddenSize, branches } = sizes;
    if (this.#grows("top", top)) {
      regions.topIds = shared.allocate(4 * top);
      regions.topLogits = shared.allocate(4 * top);
    }
    if (this.#grows("projectionSize", projectionSize)) regions.projection = shared.allocate(8 * projectionSize);
    if (this.#grows("hiddenSize", hiddenSize)) regions.hidden = shared.allocate(4 * hiddenSize);
    if (this.#grows("branches", branches)) {
      regions.branchLogits = shared.allocate(4 * this.tokens * branches);
      regions.branchNormalisers = shared.allocate(8 * branches);
    }
    return Object.assign(regions, { top, projectionSize, hiddenSize, branches });
  }

  #grows(kind: keyof OutputSizes, size: number): boolean {
    if (size <= this.#capacity[kind]) return false;
    this.#capacity[kind] = size;
    return true;
  }
}
