/** Ensembles for benches: the members are loaded once and run under several methods and schedules. */
import os from "node:os";
import { type MethodOptions, methodNamed } from "../src/during/methods.js";
import { createEnsemble, Ensemble } from "../src/ensemble/ensemble.js";
import { applyThreads, type Plan, type Schedule } from "../src/ensemble/plan.js";
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

export async function loadSet(set: ModelSet): Promise<Ensemble> {
  const members = set.models.map((model) => ({ model, contextSize: set.contextSize, threads: 1 }));
  return createEnsemble({ members, schedule: "parallel", gpu: false });
}

/** The same members under another method and plan. */
export async function underPlan(
  loaded: Ensemble,
  method: MethodOptions,
  schedule: Schedule,
  threads: readonly number[],
): Promise<Ensemble> {
  await applyThreads(loaded.members, threads);
  const plan: Plan = { schedule, threads: [...threads], measured: [] };
  return new Ensemble(loaded.voices, methodNamed(method), plan, loaded.combiner);
}
