/** The thread of the pool that alignments are built on: one exported function a task. */
import { LlamafuseError } from "../../../errors.js";
import { nearestBlock as nearest } from "../mined/minimum-edit.js";
import * as similarity from "../similarity/blocks.js";
import * as dictionary from "../similarity/dictionary-blocks.js";
import { relativeBlock as relative } from "./relative-rows.js";

/** What a task gives back; an error that crosses a thread as it is would lose its code. */
export type BlockReply<Block> = { block: Block } | { error: ReturnType<LlamafuseError["toJSON"]> };

function guarded<Job, Block>(task: (job: Job) => Block): (job: Job) => BlockReply<Block> {
  return (job) => {
    try {
      return { block: task(job) };
    } catch (error) {
      if (!(error instanceof LlamafuseError)) throw error;
      return { error: error.toJSON() };
    }
  };
}

export const nearestBlock = guarded(nearest);
export const relativeBlock = guarded(relative);
export const crossBlock = guarded(dictionary.crossBlock);
export const directionsBlock = guarded(dictionary.directionsBlock);
export const mapsBlock = guarded(dictionary.mapsBlock);
export const placeBlock = guarded(similarity.placeBlock);
export const candidatesBlock = guarded(similarity.candidatesBlock);
export const neighbourhoodBlock = guarded(similarity.neighbourhoodBlock);
export const similarityBlock = guarded(similarity.similarityBlock);
