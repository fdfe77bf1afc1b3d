/** The thread of the pool that alignments are built on: one exported function a task. */

export { nearestBlock } from "./minimum-edit.js";
export { relativeBlock } from "./relative-rows.js";
