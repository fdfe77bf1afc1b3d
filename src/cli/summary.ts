/** One line about an answer, for a person. */
import type { GenerateResult } from "../decoding/result.js";
import { oneLine } from "./terminal.js";

/** More names than this say less than their number. */
const MAX_NAMES = 4;

/** `unite · 48 steps · 512.0 tokens/s · stop` */
export function summaryLine({ method, usage: { steps }, timings, finishReason }: GenerateResult): string {
  const length = `${steps} ${steps === 1 ? "step" : "steps"}`;
  return `${method} · ${length} · ${timings.tokensPerSecond.toFixed(1)} tokens/s · ${finishReason}`;
}

/** `robin + wren`, or `7 members` */
export function memberNames({ members }: { members: readonly { name: string }[] }): string {
  return members.length > MAX_NAMES
    ? `${members.length} members`
    : members.map(({ name }) => oneLine(name)).join(" + ");
}
