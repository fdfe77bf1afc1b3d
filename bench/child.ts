/** The process that `BenchChild` starts: serves one task after another and ends when its parent hangs up. */
import { loadMembers, type Members } from "../src/ensemble/members.js";
import { LlamafuseError, toLlamafuseError } from "../src/errors.js";
import { measureAgreement, measureAlignment } from "./alignment-tasks.js";
import { fuseUnder, METHODS } from "./ensembles.js";
import { measureBareLoad, measureLoad } from "./load-tasks.js";
import { PeerFusion, type PeerJob, type PeerRun, type PeerStart } from "./peer-fusion.js";
import { recordRun } from "./step-recorder.js";

let ours: Members | undefined;
let peer: PeerFusion | undefined;

const tasks = {
  measureLoad,
  measureBareLoad,
  measureAlignment,
  measureAgreement,

  /** Without threads: as measured at load, the default. */
  async openOurs({ models, contextSize, threads }: PeerStart): Promise<string> {
    const members = models.map((model) => ({ model, contextSize, threads }));
    ours = await loadMembers({ members, gpu: false, schedule: threads === undefined ? "auto" : "parallel" });
    return `${ours.plan.schedule} ${ours.plan.threads.join("+")}`;
  },
  async runOurs({ method, prompt, steps }: PeerJob): Promise<PeerRun> {
    if (ours === undefined) throw notOpen("openOurs");
    const name = method === "gac" ? "gac" : "unite k=10";
    const ensemble = await fuseUnder(ours, METHODS[name], ours.plan.schedule, ours.plan.threads);
    const run = await recordRun(ensemble, { prompt, steps });
    return { ms: run.ms, steps: run.steps.length + 2, text: run.text };
  },

  async openPeer(start: PeerStart): Promise<void> {
    peer = await PeerFusion.load(start);
    peer.prepareUnion();
  },
  async runPeer(job: PeerJob): Promise<PeerRun> {
    if (peer === undefined) throw notOpen("openPeer");
    return peer.run(job);
  },

  async close(_: null): Promise<void> {
    await ours?.dispose();
    ours = undefined;
  },
};

export type ChildTasks = typeof tasks;

function notOpen(first: string): LlamafuseError {
  return new LlamafuseError("disposed", `Nothing is open to run. Call ${first} first.`, { allowed: first });
}

process.on("message", async ({ name, argument }: { name: keyof ChildTasks; argument: never }) => {
  try {
    const result = await (tasks[name] as (argument: never) => Promise<unknown>)(argument);
    process.send?.({ result });
  } catch (error) {
    process.send?.({ error: toLlamafuseError(error, `The bench's ${name}`).toJSON() });
  }
});
process.on("disconnect", () => process.exit(0));
