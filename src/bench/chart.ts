import type { BenchReport } from "./report.js";
export function drawReport(_: BenchReport): string | undefined { return undefined; }
