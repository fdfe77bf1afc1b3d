/** Ensembles for benches: the members are loaded once and run under several methods and schedules. */
import os from "node:os";
import type { Schedule } from "../src/decoding/schedule.js";
import type { MethodOptions } from "../src/during/methods.js";
import { type Ensemble, fuse } from "../src/ensemble/ensemble.js";
import { loadMembers, type Members, underPlan } from "../src/ensemble/members.js";
import type { ModelSet } from "./model-sets.js";

export const METHODS = {
  "unite k=10": { name: "unite", k: 10 },
  "unite k=100": { name: "unite", k: 100 },
  gac: { name: "gac" },
} satisfies Record<string, MethodOptions>;

export const SCHEDULES: readonly Schedule[] = ["parallel", "in-turn"];

/** In parallel each member has its share of the cores; in turn, large ones have all cores and tiny ones one. */
export function threadsFor({ models, large }: ModelSet, schedule: Schedule): number[] {
  const cores = os.availableParallelism();
  const each = schedule === "parallel" ? Math.max(1, Math.floor(cores / models.length)) : cores;
  return models.map(() => (large ? each : 1));
}

export async function loadSet(set: ModelSet): Promise<Members> {
  const members = set.models.map((model) => ({ model, contextSize: set.contextSize, threads: 1 }));
  return loadMembers({ members, schedule: "parallel", gpu: false });
}

/** A method over the loaded members, on other threads and under another schedule. */
export async function fuseUnder(
  loaded: Members,
  method: MethodOptions,
  schedule: Schedule,
  threads: readonly number[],
): Promise<Ensemble> {
  return fuse(await underPlan(loaded, { schedule, threads: [...threads] }), method);
}
