/**
 * What the slots of a model ask of its thread, put together on the coordinator's side: a thread does one thing at a time, and
 * everything that slots ask for by commands at the same time is one round, whose texts are read in one decode.
 *
 * Members that are loaded together are one group. A round waits for whoever is on the way here from another member's round,
 * and for nobody else: it begins when all slots of the last one are here again, or when no other member of the group works.
 * Where members work in turn, one of the group works at a time, the one that was asked first.
 */
import { toLlamafuseError } from "../../errors.js";
import { Command } from "./channel.js";
import type { RequestName, Requests } from "./protocol.js";
import type { SlotHost } from "./slot-host.js";
import type { MemberThread } from "./thread.js";

/** Members that were loaded together. */
export class SlotGroup {
  /** Whether one member works at a time. */
  inTurn = false;
  readonly #queues: SlotQueue[] = [];
  #asked = 0;
  #isWaking = false;

  add(queue: SlotQueue): void {
    this.#queues.push(queue);
  }

  /** The number of what is asked now: later ones are greater. */
  next(): number {
    return this.#asked++;
  }

  /** Begin what can begin, as soon as everybody who goes on now has asked for what comes next. */
  wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      this.#beginAll();
    });
  }

  #beginAll(): void {
    const waiting = this.#queues.filter(({ asked }) => asked !== undefined).sort((a, b) => a.asked! - b.asked!);
    for (const queue of waiting) {
      const isAnotherBusy = this.#queues.some((other) => other !== queue && other.isBusy);
      if (queue.isBusy || (isAnotherBusy && (this.inTurn || !queue.isComplete))) continue;
      queue.begin();
    }
  }
}

interface Job {
  host: SlotHost;
  asked: number;
  /** What is asked by a message, alone; undefined for what the host's channel says, in a round. */
  request?: () => Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What waits for one thread. */
export class SlotQueue {
  isBusy = false;
  #jobs: Job[] = [];
  /** Slots of the last round. */
  #last: readonly SlotHost[] = [];
  /** Rounds so far. */
  rounds = 0;

  constructor(
    readonly thread: MemberThread,
    private readonly group: SlotGroup,
  ) {
    group.add(this);
  }

  /** When the first of those that wait asked; undefined where none does. */
  get asked(): number | undefined {
    return this.#jobs[0]?.asked;
  }

  /** Whether nobody who was in the last round is missing. */
  get isComplete(): boolean {
    const [first] = this.#jobs;
    return first?.request !== undefined || this.#last.every((host) => this.#jobs.some((job) => job.host === host));
  }

  /** Take part in the next round, with the command in the slot's channel, and in further ones until it is done. */
  async round(host: SlotHost): Promise<void> {
    await this.#add(host);
  }

  async request<N extends RequestName>(
    host: SlotHost,
    name: N,
    ask: Requests[N]["ask"],
  ): Promise<Requests[N]["reply"]> {
    const request = () => this.thread.request(name, ask, host.slot);
    return (await this.#add(host, request)) as Requests[N]["reply"];
  }

  #add(host: SlotHost, request?: Job["request"]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ host, asked: this.group.next(), request, resolve, reject });
      this.group.wake();
    });
  }

  begin(): void {
    this.isBusy = true;
    const [first] = this.#jobs;
    const jobs = first.request === undefined ? this.#jobs.filter(({ request }) => request === undefined) : [first];
    this.#jobs = this.#jobs.filter((job) => !jobs.includes(job));
    const done = first.request === undefined ? this.#round(jobs) : this.#alone(first);
    void done.finally(() => {
      this.isBusy = false;
      this.group.wake();
    });
  }

  async #alone({ request, resolve, reject }: Job): Promise<void> {
    await request!().then(resolve, reject);
  }

  async #round(jobs: Job[]): Promise<void> {
    this.#last = jobs.map(({ host }) => host);
    this.rounds++;
    const { channel } = this.thread;
    jobs.forEach(({ host }, index) => {
      channel.payloadView.setInt32(4 * index, host.slot, true);
    });
    try {
      await this.thread.call(Command.round, jobs.length);
    } catch (error) {
      const known = toLlamafuseError(error, "A member");
      for (const { reject } of jobs) reject(known);
      return;
    }
    for (const job of jobs) {
      const { host, resolve, reject } = job;
      if (host.channel.isUnfinished) this.#jobs.push({ ...job, asked: this.group.next() });
      else if (host.channel.failed) reject(host.error());
      else resolve(undefined);
    }
  }
}
