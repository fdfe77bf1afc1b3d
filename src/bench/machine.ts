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
  /** Processes that wanted a core when the run began (one-minute load average); above ~0.5 the numbers are disturbed. */
  load: number;
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
    load: Math.round(os.loadavg()[0] * 100) / 100,
    date: new Date().toISOString().slice(0, 10),
  };
}
