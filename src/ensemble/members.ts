/**
 * Models that are loaded: named, weighted, scheduled, in shared memory, with one queue of turns. Any number of methods
 * stand over them.
 *
 * ```ts
 * await using members = await loadMembers({ members: ["a.gguf", "b.gguf"] });
 * const unite = await createEnsemble({ members, method: "unite" });
 * const gac = await createEnsemble({ members, method: "gac" });
 * const alone = await createEnsemble({ members: members.only("a"), method: "single" });
 * ```
 */
import { setMaxListeners } from "node:events";
import { withCallback } from "../callbacks.js";
import { FormReader } from "../decoding/format/form-reader.js";
import { Combiner } from "../during/combine.js";
import type { Voice } from "../during/method.js";
import { normaliseWeights } from "../during/weightings/weights.js";
import { LlamafuseError, toLlamafuseError, unknownName } from "../errors.js";
import { type Kernels, loadKernels } from "../kernels/kernels.js";
import { SharedMemory } from "../kernels/shared-memory.js";
import { isMember } from "../member/is-member.js";
import { SlotGroup } from "../member/llama/slot-queue.js";
import type { Member } from "../member/member.js";
import type { MemberOptions } from "../member/member-options.js";
import { onAbort } from "../on-abort.js";
import { type CommonRoom, checkOne, loadOne, openOne, placeAll } from "./load-member.js";
import { type CheckedLoadOptions, checkLoadOptions, type LoadOptions } from "./load-options.js";
import { applyThreads, choosePlan, type Plan } from "./plan.js";
import { type Turn, Turns } from "./turns.js";

/** What stands over members needs of them. */
export interface Cast {
  voices: readonly Voice[];
  plan: Plan;
  turns: Turns;
  /** What requests have of their own by the slots that they have: requests at work at a time have different ones. */
  sharedBy(slots: Turn["slots"]): PerSlot;
}

export interface PerSlot {
  /** Sums full distributions, in the members' shared memory where they have one. */
  combiner: Combiner;
  /** Reads the forms of answers. */
  forms: FormReader;
}

interface Inside {
  all: Loaded;
  /** Which of all of them. */
  places: readonly number[];
  cast: Cast;
}

const insides = new WeakMap<object, Inside>();

/** The inside of members, for what stands over them. */
export function castOf(members: Members): Cast {
  return insides.get(members)!.cast;
}

/** The member of the slot that a turn has. */
export function inSlot(member: Member, slots: Turn["slots"]): Member {
  const slot = slots.get(member) ?? 0;
  return slot === 0 ? member : member.slots![slot];
}

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && insides.has(value);
}

/** The same members on other threads, set now, and under another schedule: for measurements. */
export async function underPlan(members: Members, { schedule, threads }: Omit<Plan, "measured">): Promise<Members> {
  const { all, places, cast } = insides.get(members)!;
  await applyThreads(
    cast.voices.map(({ member }) => member),
    threads,
  );
  return new Members({ all, places, cast: { ...cast, plan: { schedule, threads, measured: [] } } });
}

/** The same members with a queue of their own, for work inside a turn that whoever asks holds for all of it. */
export function insideTurn(members: Members): Members {
  const inside = insides.get(members)!;
  return new Members({ ...inside, cast: { ...inside.cast, turns: new Turns() } });
}

/** The same members with other shares of the vote, one each. Errors: invalid-option. */
export function underWeights(members: Members, weights: readonly number[]): Members {
  const { all, places, cast } = insides.get(members)!;
  const shares = normaliseWeights(weights, members.names);
  const voices = cast.voices.map(({ member }, index) => ({ member, weight: shares[index] }));
  return new Members({ all, places, cast: { ...cast, voices } });
}

/** See `loadMembers`. */
export class Members {
  readonly #inside: Inside;

  constructor(inside: Inside) {
    this.#inside = inside;
    insides.set(this, inside);
  }

  /** In the order in which they were given. */
  get names(): readonly string[] {
    return this.#inside.cast.voices.map(({ member }) => member.name);
  }

  /** Name → share of the vote; the shares sum to 1. */
  get weights(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#inside.cast.voices.map(({ member, weight }) => [member.name, weight]));
  }

  /** Schedule and threads in use, chosen or measured. */
  get plan(): Plan {
    return this.#inside.cast.plan;
  }

  /** Requests that all of them together serve at a time: 1, unless they were loaded with more slots. */
  get slots(): number {
    return Math.min(...this.#inside.cast.voices.map(({ member }) => member.slots?.length ?? 1));
  }

  /**
   * Some of them, for an ensemble of fewer. They stay loaded until all are disposed of, so this needs no disposal.
   * Errors: invalid-option for a name that no member has.
   */
  only(...names: string[]): Members {
    const known = this.names;
    const { all, places: own } = this.#inside;
    const places = names.map((name) => {
      const place = known.indexOf(name);
      if (place < 0) throw unknownName("member", String(name), known);
      return own[place];
    });
    if (places.length === 0 || new Set(places).size < places.length) {
      throw new LlamafuseError("invalid-option", "only() takes one or more members, each once.", {
        found: names,
        allowed: known,
      });
    }
    return new Members({ all, places, cast: all.castOf(places) });
  }

  /** Stop every request to them, free every model, end every thread. Of members from `only`, nothing. */
  async dispose(): Promise<void> {
    if (this.#inside.all.whole === this) await this.#inside.all.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Everything that was loaded at once. */
class Loaded {
  readonly turns = new Turns();
  readonly whole: Members;
  readonly #kernels: Kernels | undefined;
  /** One for each choice of members that answer together: choices without a common member may be at work at the same time. */
  readonly #shared = new Map<string, PerSlot>();
  #disposed: Promise<void> | undefined;

  constructor(
    readonly voices: readonly Voice[],
    readonly plan: Plan,
    kernels: Kernels | undefined,
    private readonly leaveMemory: () => void,
  ) {
    this.#kernels = kernels;
    const places = voices.map((_, index) => index);
    this.whole = new Members({ all: this, places, cast: this.castOf(places) });
  }

  castOf(places: readonly number[]): Cast {
    const { plan, turns } = this;
    const chosen = places.map((place) => this.voices[place]);
    const isAll = chosen.length === this.voices.length && chosen.every((voice, place) => voice === this.voices[place]);
    const weights = chosen.length === 1 ? [1] : normaliseWeights(chosen.map(({ weight }) => weight));
    return {
      voices: isAll ? this.voices : chosen.map(({ member }, index) => ({ member, weight: weights[index] })),
      plan: isAll ? plan : { ...plan, threads: places.map((place) => plan.threads[place]) },
      turns,
      sharedBy: (slots) => this.#sharedBy(places, slots),
    };
  }

  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      const message = "These members have been disposed. Load them again with loadMembers.";
      this.turns.stop(new LlamafuseError("disposed", message));
      for (const { forms } of this.#shared.values()) forms.dispose();
      await Promise.all(this.voices.map(({ member }) => member.dispose()));
      this.leaveMemory();
    })();
    return this.#disposed;
  }

  #sharedBy(places: readonly number[], slots: Turn["slots"]): PerSlot {
    const chosen = places.map((place) => this.voices[place].member);
    const key = `${places.join()} ${chosen.map((member) => slots.get(member) ?? 0).join()}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const forms = new FormReader(chosen.map((member) => inSlot(member, slots)));
      shared = { combiner: new Combiner(this.#kernels), forms };
      this.#shared.set(key, shared);
    }
    return shared;
  }
}

/**
 * Load models once, for any number of methods: see `createEnsemble`. Dispose of them when all is done.
 * Errors: invalid-option, file-unreadable, invalid-model and others of `ERROR_CODES`; "aborted" where the signal fires.
 * Nothing stays loaded after an error.
 */
export async function loadMembers(options: LoadOptions): Promise<Members> {
  return await loadChecked(checkLoadOptions(options));
}

/** The same for options that have been checked. */
export async function loadChecked(given: CheckedLoadOptions): Promise<Members> {
  return await withCallback(given, loadWatched);
}

async function loadWatched(options: CheckedLoadOptions): Promise<Members> {
  const { signal } = options;
  const weights = normaliseWeights(
    options.members.map((member) => ("weight" in member ? (member.weight ?? 1) : 1)),
    options.names,
  );
  const shared = SharedMemory.take();
  const leaveMemory = shared.use();
  return await untilAborted(signal, async () => {
    let members: Member[] = [];
    try {
      const group = new SlotGroup();
      members = await loadAll(options, { shared, group });
      const given = options.members.map((member) => (isMember(member) ? undefined : member.threads));
      // Members made elsewhere, or on servers, have their outputs elsewhere, out of the kernels' reach.
      const isNear = (member: MemberOptions | Member) => !isMember(member) && member.url === undefined;
      const kernels = !options.members.every(isNear) ? undefined : loadKernels(shared.memory);
      const plan = await choosePlan(members, options.schedule ?? "auto", given, signal);
      group.inTurn = plan.schedule === "in-turn";
      const voices = members.map((member, index) => ({ member, weight: weights[index] }));
      return new Loaded(voices, plan, kernels, leaveMemory).whole;
    } catch (error) {
      await disposeLoaded(members, options);
      leaveMemory();
      throw error;
    }
  });
}

/** Work that a signal cancels: whatever it throws then, it is the error "aborted". */
export async function untilAborted<Value>(signal: AbortSignal | undefined, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw new LlamafuseError("aborted", "Loading was cancelled.", {}, signal.reason);
    throw toLlamafuseError(error, "Loading");
  }
}

/** Check every file, then load them all at once. The first failure stops the others. */
async function loadAll(options: CheckedLoadOptions, common: CommonRoom): Promise<Member[]> {
  const stop = new AbortController();
  // Each member's file and thread listens to it.
  setMaxListeners(0, stop.signal);
  const forget =
    options.signal === undefined ? () => {} : onAbort(options.signal, () => stop.abort(options.signal!.reason));
  const files = options.members.map((member, index) =>
    isMember(member) || member.url !== undefined ? undefined : checkOne(member, index, options, stop.signal),
  );
  const placements = options.fit === true ? placeAll(options, files) : undefined;
  // Whoever waits for its own file fails first.
  placements?.catch(() => {});
  const results = await Promise.allSettled(
    options.members.map(async (member, index) => {
      try {
        if (isMember(member)) return member;
        if (member.url !== undefined) return await openOne(member, index, options, stop.signal);
        const file = (await files[index])!;
        const placed = { ...member, ...(await placements)?.get(index) };
        return await loadOne(file, placed, index, options, common, stop.signal);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  forget();
  const loaded = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
  if (!stop.signal.aborted) return loaded;
  await disposeLoaded(loaded, options);
  // The error that stopped the others, not theirs of having been stopped.
  throw stop.signal.reason;
}

/** Members that were made elsewhere are their maker's. */
async function disposeLoaded(members: readonly Member[], { members: given }: CheckedLoadOptions): Promise<void> {
  const isGiven = (member: Member) => (given as readonly unknown[]).includes(member);
  await Promise.all(members.filter((member) => !isGiven(member)).map((member) => member.dispose()));
}
