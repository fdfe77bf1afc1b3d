/**
 * Members that are loaded when they are asked and stay while there is room: the least recently asked leaves first.
 *
 * One member is in use at a time: what `get` returned may be gone after the next `get`.
 */
import { LlamafuseError } from "../../errors.js";

export interface PoolEntry<Loaded> {
  name: string;
  /** What it takes once loaded; 0 for what is always there and never leaves. */
  bytes(): number | Promise<number>;
  load(signal: AbortSignal): Promise<Loaded>;
}

/** What a `get` did. */
export interface PoolChange {
  loaded: boolean;
  /** Names, in the order in which they left. */
  evicted: string[];
}

interface Hot<Loaded> {
  loaded: Loaded;
  bytes: number;
}

export class MemberPool<Loaded extends { dispose(): Promise<void> }> {
  readonly #entries: ReadonlyMap<string, PoolEntry<Loaded>>;
  /** The least recently asked first. */
  readonly #hot = new Map<string, Hot<Loaded>>();
  #disposed = false;

  /** `budget`: bytes. */
  constructor(
    entries: readonly PoolEntry<Loaded>[],
    private readonly budget: number,
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  /** Names of what is loaded, the least recently asked first. */
  get hot(): string[] {
    return Array.from(this.#hot.keys());
  }

  /** Bytes of what is loaded. */
  get bytes(): number {
    return Array.from(this.#hot.values()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Errors: out-of-memory for a member that exceeds the budget on its own, and those of loading. */
  async get(name: string, signal: AbortSignal): Promise<PoolChange & { member: Loaded }> {
    const known = this.#hot.get(name);
    if (known !== undefined) {
      this.#hot.delete(name);
      this.#hot.set(name, known);
      return { member: known.loaded, loaded: false, evicted: [] };
    }
    const entry = this.#entries.get(name)!;
    const bytes = await entry.bytes();
    checkFits(name, bytes, this.budget);
    const evicted = await this.#makeRoom(bytes);
    const loaded = await entry.load(signal);
    if (this.#disposed) {
      await loaded.dispose();
      throw new LlamafuseError("disposed", `Loading member ${name} was cancelled.`, { member: name });
    }
    this.#hot.set(name, { loaded, bytes });
    return { member: loaded, loaded: true, evicted };
  }

  /** What is loading meanwhile is freed when it is there. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const all = Array.from(this.#hot.values());
    this.#hot.clear();
    await Promise.all(all.map(({ loaded }) => loaded.dispose()));
  }

  async #makeRoom(bytes: number): Promise<string[]> {
    const evicted: string[] = [];
    for (const [name, hot] of this.#hot) {
      if (this.bytes + bytes <= this.budget) break;
      if (hot.bytes === 0) continue;
      this.#hot.delete(name);
      evicted.push(name);
      await hot.loaded.dispose();
    }
    return evicted;
  }
}

/** Errors: out-of-memory. */
export function checkFits(name: string, bytes: number, budget: number): void {
  if (bytes <= budget) return;
  throw new LlamafuseError(
    "out-of-memory",
    `Member ${name} needs ${megabytes(bytes)} with its context, and the memory for members is ${megabytes(budget)}. Raise memory, or lower the member's contextSize.`,
    { member: name, found: bytes, allowed: budget, option: "memory" },
  );
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
