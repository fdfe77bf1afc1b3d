/**
 * The models that can be asked for, and those of them that are loaded: a model loads when it is first asked for and stays while
 * the memory for models lasts; then the least recently used one leaves that nobody uses. One model loads at a time.
 *
 * A load belongs to nobody's request: who asked may leave, and the next one finds the model there.
 */
import os from "node:os";
import { memoryOfModel } from "../../before/live/member-memory.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import { checkModel } from "../../llama/check-model.js";
import { isMember } from "../../member/is-member.js";
import { withUrl } from "../../member/member-options.js";
import { resolveModel } from "../../member/resolve-model.js";
import { onAbort } from "../../on-abort.js";
import { shown } from "../../read-options.js";
import { Line, type LineOptions } from "./line.js";
import { LoadedModel } from "./loaded-model.js";
import { isFused, type ModelSpec } from "./model-spec.js";

export interface PoolOptions extends LineOptions {
  /** Bytes of weights and contexts. Default: half of the machine's memory. */
  memory?: number;
  /** What is loaded, has left, or failed. */
  onEvent?: (event: PoolEvent) => void;
}

export interface PoolEvent {
  what: "loaded" | "unloaded" | "failed";
  model: string;
  error?: unknown;
}

/** One model that can be asked for. */
export interface Entry {
  readonly spec: ModelSpec;
  readonly line: Line;
  /** Seconds since 1970 at which it was configured. */
  readonly created: number;
  loaded?: LoadedModel;
  loading?: Promise<LoadedModel>;
  bytes: number;
  /** Requests that hold it. */
  users: number;
  /** No longer configured; it leaves with its last user. */
  isRetired: boolean;
}

export class ModelPool {
  /** The least recently used one first. */
  readonly #entries = new Map<string, Entry>();
  readonly #retired = new Set<Entry>();
  readonly #stop = new AbortController();
  readonly #memory: number;
  #loads: Promise<unknown> = Promise.resolve();
  #order: string[] = [];
  /** Those who wait for room. */
  #whenFree: (() => void)[] = [];

  constructor(
    specs: readonly ModelSpec[],
    private readonly options: PoolOptions,
  ) {
    this.#memory = options.memory ?? os.totalmem() / 2;
    this.configure(specs);
  }

  /** In the order of configuration. */
  get entries(): readonly Entry[] {
    return this.#order.map((id) => this.#entries.get(id)!);
  }

  /** Error: not-found, which names the models that there are. */
  find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    const { message, details } = unknownName("model", id, this.#order);
    throw new LlamafuseError("not-found", message, { ...details, param: "model", apiCode: "model_not_found" });
  }

  /** Other models from now on. Those that are the same stay as they are; the others leave when their requests are done. */
  configure(specs: readonly ModelSpec[]): void {
    const old = new Map(this.#entries);
    this.#entries.clear();
    this.#order = specs.map(({ id }) => id);
    for (const spec of specs) {
      const known = old.get(spec.id);
      const isSame = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
      if (isSame) old.delete(spec.id);
      this.#entries.set(spec.id, isSame ? known : this.#entryOf(spec));
    }
    for (const entry of old.values()) {
      entry.isRetired = true;
      this.#retired.add(entry);
      void this.#freeIfUnused(entry);
    }
  }

  /**
   * Have the model for a piece of work, loaded. Errors: overloaded, model-unavailable, disposed, the signal's reason, and those
   * of the work.
   */
  async use<Result>(id: string, signal: AbortSignal, work: (model: LoadedModel) => Promise<Result>): Promise<Result> {
    const entry = this.find(id);
    const leave = await entry.line.enter(signal);
    entry.users++;
    try {
      return await work(await this.#loaded(entry, signal));
    } finally {
      entry.users--;
      leave();
      this.#noteFree();
      await this.#freeIfUnused(entry);
    }
  }

  /** Load these now. Errors: not-found, model-unavailable. */
  async preload(ids: readonly string[] = this.#order): Promise<void> {
    for (const id of ids) await this.use(id, this.#stop.signal, async () => {});
  }

  async dispose(): Promise<void> {
    this.#stop.abort(new LlamafuseError("shutting-down", "The server ends."));
    this.#noteFree();
    await this.#loads.catch(() => {});
    const all = [...this.#entries.values(), ...this.#retired];
    await Promise.all(all.map((entry) => entry.loaded?.dispose()));
  }

  #entryOf(spec: ModelSpec): Entry {
    const created = Math.floor(Date.now() / 1000);
    const { slots = this.options.slots } = spec.options;
    const line = new Line({ ...this.options, slots });
    return { spec, line, created, bytes: 0, users: 0, isRetired: false };
  }

  async #loaded(entry: Entry, signal: AbortSignal): Promise<LoadedModel> {
    if (entry.isRetired) throw new LlamafuseError("disposed", `The model ${entry.spec.id} was replaced.`);
    // The last in the order is the last to leave.
    this.#entries.delete(entry.spec.id);
    this.#entries.set(entry.spec.id, entry);
    if (entry.loaded !== undefined) return entry.loaded;
    entry.loading ??= this.#load(entry).finally(() => {
      entry.loading = undefined;
    });
    return await untilAborted(entry.loading, signal);
  }

  /** After the loads that were asked for before. */
  #load(entry: Entry): Promise<LoadedModel> {
    const load = async () => {
      try {
        entry.bytes = await memoryOf(entry.spec);
        await this.#makeRoom(entry);
        this.#stop.signal.throwIfAborted();
        entry.loaded = await LoadedModel.open(entry.spec, this.#stop.signal);
        this.options.onEvent?.({ what: "loaded", model: entry.spec.id });
        return entry.loaded;
      } catch (error) {
        if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
        this.options.onEvent?.({ what: "failed", model: entry.spec.id, error });
        if (error instanceof LlamafuseError && error.code === "model-unavailable") throw error;
        const message = `The model ${shown(entry.spec.id)} cannot be loaded now. The server's log says why.`;
        throw new LlamafuseError("model-unavailable", message, { model: entry.spec.id }, error);
      }
    };
    const loading = this.#loads.then(load, load);
    this.#loads = loading.catch(() => {});
    return loading;
  }

  async #makeRoom(entry: Entry): Promise<void> {
    const fits = () => this.#usedBytes() + entry.bytes <= this.#memory;
    while (!fits()) {
      const mayLeave = [...this.#entries.values()].filter(
        ({ loaded, spec }) => loaded !== undefined && !spec.serving.pin,
      );
      const idle = mayLeave.find(({ users }) => users === 0);
      if (idle !== undefined) await this.#unload(idle);
      else if (mayLeave.length > 0 || this.#retired.size > 0) await this.#someoneLeaves();
      else {
        const message = `The model ${shown(entry.spec.id)} needs more memory than the server has for it beside its pinned models.`;
        throw new LlamafuseError("model-unavailable", message, { found: entry.bytes, allowed: this.#memory });
      }
      this.#stop.signal.throwIfAborted();
    }
  }

  #usedBytes(): number {
    const all = [...this.#entries.values(), ...this.#retired];
    return all.reduce((sum, { loaded, bytes }) => sum + (loaded === undefined ? 0 : bytes), 0);
  }

  async #unload(entry: Entry): Promise<void> {
    const { loaded } = entry;
    entry.loaded = undefined;
    await loaded?.dispose();
    this.options.onEvent?.({ what: "unloaded", model: entry.spec.id });
  }

  async #freeIfUnused(entry: Entry): Promise<void> {
    if (!entry.isRetired || entry.users > 0 || !this.#retired.delete(entry)) return;
    await entry.loading?.catch(() => {});
    await this.#unload(entry);
    this.#noteFree();
  }

  #noteFree(): void {
    for (const free of this.#whenFree.splice(0)) free();
  }

  #someoneLeaves(): Promise<void> {
    return new Promise((resolve) => this.#whenFree.push(resolve));
  }
}

function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(forget);
  });
}

/** An estimate from the files alone. A router keeps to a budget of its own. */
async function memoryOf({ options }: ModelSpec): Promise<number> {
  let bytes = 0;
  for (const member of options.members) {
    if (isMember(member)) continue;
    const { model, url, contextSize } = withUrl(typeof member === "string" ? { model: member } : member);
    // A server's memory is its own.
    if (url !== undefined) continue;
    bytes += memoryOfModel(await checkModel(await resolveModel(model)), contextSize, options.slots);
  }
  if (isFused(options)) return bytes;
  return Math.min(bytes, options.method.memory ?? os.totalmem() / 2);
}
