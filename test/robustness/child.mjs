/** A process that ends, one way or another, while its models are at work: `node child.mjs WAY MODEL MILLISECONDS`. */
import { writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

const [way, model, wait] = process.argv.slice(2);
const workers = [];
threads.Worker = class extends threads.Worker {
  constructor(...parameters) {
    super(...parameters);
    workers.push(this);
  }
};
syncBuiltinESMExports();
const { createEnsemble } = await import("../../dist/index.js");

const words = Array.from({ length: 600 }, (_, index) => ["one", "two", "old", "cat"][index % 4]).join(" ");
const make = (count = 1) =>
  createEnsemble({
    members: Array.from({ length: count }, () => ({ model, threads: 1, contextSize: 2048 })),
    schedule: "in-turn",
    gpu: false,
  });
const work = async (count) => {
  const ensemble = await make(count);
  void ensemble.generate(words, { maxTokens: 500 });
  // Said when the prefill is under way.
  setTimeout(() => writeSync(1, "working\n"), Number(wait));
  return ensemble;
};
const later = (act) => setTimeout(act, Number(wait));

const ways = {
  async exit() {
    await work();
    later(() => process.exit(7));
  },
  async exitOfThree() {
    await work(3);
    later(() => process.exit(7));
  },
  exitWhileLoading() {
    void make(2);
    later(() => process.exit(7));
  },
  async uncaught() {
    await work();
    later(() => {
      throw new Error("boom");
    });
  },
  async rejection() {
    await work();
    later(() => Promise.reject(new Error("boom")));
  },
  async signal() {
    await work();
  },
  async signalHandled() {
    process.on("SIGINT", () => process.exit(130));
    await work();
  },
  /** In the middle of the prefill: koffi ends a process whose thread is terminated just inside a call's conversions. */
  async terminate() {
    await work();
    setTimeout(
      async () => {
        await Promise.all(workers.map((worker) => worker.terminate()));
        process.exit(7);
      },
      1000 + Number(wait),
    );
  },
  async disposeAndEnd() {
    const ensemble = await work();
    later(() => void ensemble.dispose());
  },
  /** Nothing is disposed; the process ends because there is nothing left to do. */
  async forget() {
    const ensemble = await make(2);
    await ensemble.generate("one two", { maxTokens: 2 });
  },
  /** Says the id of a member's own process, and stays for a while. */
  async isolated() {
    const members = [{ model, contextSize: 256, isolate: true }];
    const ensemble = await createEnsemble({ members, schedule: "in-turn", gpu: false });
    await ensemble.generate("one two", { maxTokens: 2 });
    writeSync(1, `${ensemble.members[0].host.process.pid}\n`);
    if (Number(wait) > 0) later(() => {});
  },
  /** Resident memory in KiB after each round of loading and disposing. */
  async memory() {
    for (let round = 0; round < Number(wait); round++) {
      const ensemble = await make();
      await ensemble.generate("one two old", { maxTokens: 3 });
      await ensemble.dispose();
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
      writeSync(1, `${Math.round(process.memoryUsage.rss() / 1024)} `);
    }
  },
};
await ways[way]();
