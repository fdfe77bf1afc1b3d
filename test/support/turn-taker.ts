/**
 * A thread that takes turns to load: 100 of a millisecond each, with a note in shared memory when another thread's turn
 * overlaps; or one turn that it never ends ("stay").
 */
import { parentPort, workerData } from "node:worker_threads";
import { bindLoadedLlama } from "../../src/llama/library.js";
import { LoadTurns } from "../../src/llama/load-turns.js";

const { library, notes, stay } = workerData;
const words = new Int32Array(notes as SharedArrayBuffer);
const turns = LoadTurns.ofProcess(bindLoadedLlama(library).functions);
parentPort!.postMessage(turns.address);
if (stay) {
  turns.hold(() => {
    Atomics.store(words, 2, 1);
    Atomics.notify(words, 2);
    Atomics.wait(words, 3, 0);
  });
}
for (let turn = 0; turn < 100; turn++) {
  turns.hold(() => {
    if (Atomics.add(words, 0, 1) !== 0) Atomics.add(words, 1, 1);
    const end = performance.now() + 1;
    while (performance.now() < end);
    Atomics.sub(words, 0, 1);
  });
}
