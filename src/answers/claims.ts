/**
 * Who is making which answer, where several runs share one ledger.
 *
 * A claim is a line of the ledger. Lines are appended whole, so all runs read them in one order: the first claim whose
 * owner lives holds, and no lock is needed. The claim of a run that has died, or has released it, passes to the next one.
 * A run is known by its process and when that started, because the numbers of processes come again.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import os from "node:os";

/** Whether a run on another machine lives cannot be seen; after this time its claim is taken over. */
const FOREIGN_MS = 15 * 60_000;

interface ClaimLine {
  claim: string;
  by: string;
  host: string;
  pid: number;
  /** When the process started, as the system counts; "" where it does not say. */
  started: string;
  /** Milliseconds since 1970. */
  at: number;
  released?: true;
}

/** The runs of this process that are open. */
const open = new Set<string>();

export class Claims {
  readonly #id = randomUUID();
  /** Claims of each key that has no value yet, in the order of the file. */
  readonly #queues = new Map<string, ClaimLine[]>();

  constructor() {
    open.add(this.#id);
  }

  /** Whether this run has claimed the key, first or behind others. */
  has(key: string): boolean {
    return this.#queues.get(key)?.some(({ by }) => by === this.#id) ?? false;
  }

  /** Whether it is this run's to make the answer. */
  isOurs(key: string): boolean {
    return this.#queues.get(key)?.find(isAlive)?.by === this.#id;
  }

  /** The keys that this run has claimed. */
  held(): string[] {
    return Array.from(this.#queues.keys()).filter((key) => this.has(key));
  }

  line(key: string): string {
    const { pid } = process;
    return JSON.stringify({
      claim: key,
      by: this.#id,
      host: os.hostname(),
      pid,
      started: startOf(pid),
      at: Date.now(),
    });
  }

  releaseLine(key: string): string {
    return JSON.stringify({ ...JSON.parse(this.line(key)), released: true });
  }

  take(line: ClaimLine): void {
    const others = (this.#queues.get(line.claim) ?? []).filter(({ by }) => by !== line.by);
    this.#queues.set(line.claim, line.released ? others : [...others, line]);
  }

  /** The answer is there. */
  settle(key: string): void {
    this.#queues.delete(key);
  }

  close(): void {
    open.delete(this.#id);
  }
}

export function isClaimLine(record: unknown): record is ClaimLine {
  const { claim, by, host, pid, started, at } = (record ?? {}) as Partial<Record<keyof ClaimLine, unknown>>;
  const areTexts = [claim, by, host, started].every((value) => typeof value === "string");
  return areTexts && Number.isInteger(pid) && (pid as number) > 0 && typeof at === "number";
}

function isAlive({ by, host, pid, started, at }: ClaimLine): boolean {
  if (host !== os.hostname()) return Date.now() - at < FOREIGN_MS;
  if (pid === process.pid && started === startOf(pid)) return open.has(by);
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return started === startOf(pid);
}

/** When a process started, in ticks since the machine did; "" where the system does not say, or the process has ended. */
function startOf(pid: number): string {
  try {
    // The name, in parentheses, may hold spaces; behind it stand the state (Z: ended, and nobody has asked yet) and more.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
