/** The facts about a machine without which a measured number says nothing. */
import { readFileSync } from "node:fs";
import os from "node:os";
import { loadLlama } from "../src/llama/library.js";

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

/** Notes how busy the cores are with other work than the bench's own while it runs: what disturbs a measurement. */
export class Disturbance {
  readonly #times = coreTimes();
  readonly #own = ownMs() + endedChildrenMs();

  /** The share of all cores' time (0 … 1) that went to other processes since the start. */
  share(): number {
    const now = coreTimes();
    const all = now.all - this.#times.all;
    const busy = all - (now.idle - this.#times.idle);
    const others = busy - (ownMs() + endedChildrenMs() - this.#own);
    return all === 0 ? 0 : Math.max(0, Math.round((100 * others) / all) / 100);
  }
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

/** Processor milliseconds of the processes that this one started and that have ended; 0 where the system does not say. */
function endedChildrenMs(): number {
  let stat: string;
  try {
    stat = readFileSync("/proc/self/stat", "utf8");
  } catch {
    return 0;
  }
  // Behind the program's name, which may hold spaces: cutime and cstime are fields 16 and 17 of proc(5), in 1/100 s.
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(13, 15)
    .map(Number);
  return 10 * (user + system);
}

/** Processor milliseconds of this process, all threads. */
export function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
