/** The facts about a machine without which a measured number says nothing. */
import os from "node:os";
import { loadLlama } from "../llama/library.js";

export interface MachineFacts {
  cpu: string;
  /** Cores that this process may use. */
  cores: number;
  memoryGiB: number;
  platform: string;
  node: string;
  /** llama.cpp's release, and the backend in use. */
  llama: string;
  date: string;
}

export function machineFacts(): MachineFacts {
  const llama = loadLlama();
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    llama: `${llama.version} (${llama.files.gpu === false ? "cpu" : llama.files.gpu})`,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** How long the machine is watched for other work. */
const WATCH_MS = 1000;

/** The share of all cores (0 … 1) that is busy while this process sleeps: what disturbs a measurement. */
export async function busyShare(): Promise<number> {
  const before = coreTimes();
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  const after = coreTimes();
  const idle = after.idle - before.idle;
  const all = after.all - before.all;
  return all === 0 ? 0 : Math.round((1 - idle / all) * 100) / 100;
}

function coreTimes(): { idle: number; all: number } {
  let idle = 0;
  let all = 0;
  for (const { times } of os.cpus()) {
    idle += times.idle;
    all += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, all };
}
