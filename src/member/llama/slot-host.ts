/** One slot of a model, as its member sees it: a channel of its own, and a thread that it shares with the other slots. */
import { LlamafuseError } from "../../errors.js";
import type { BeginResult } from "../member.js";
import { Channel, Command } from "./channel.js";
import type { EngineHost } from "./host.js";
import type { Ready, RequestName, Requests } from "./protocol.js";
import type { SlotQueue } from "./slot-queue.js";

export class SlotHost implements EngineHost {
  readonly channel: Channel;

  constructor(
    readonly slot: number,
    buffer: SharedArrayBuffer,
    private readonly queue: SlotQueue,
  ) {
    this.channel = new Channel(buffer);
  }

  get ended(): boolean {
    return this.queue.thread.ended;
  }

  ready(): Promise<Ready> {
    return this.queue.thread.ready();
  }

  async call(command: Command, length: number): Promise<void> {
    this.channel.send(command, length);
    await this.queue.round(this);
  }

  async request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]> {
    if (name !== "begin") return await this.queue.request(this, name, ask);
    return (await this.#begin(ask as Requests["open"]["ask"])) as Requests[N]["reply"];
  }

  /** A prompt is read in rounds, a part in each, beside what the other slots read. */
  async #begin(prompt: Requests["open"]["ask"]): Promise<BeginResult> {
    const opened = await this.queue.request(this, "open", prompt);
    if (typeof opened !== "number") return opened;
    await this.call(Command.read, 0);
    return { promptTokens: opened, reusedTokens: opened - this.channel.decodedTokens };
  }

  /** What its last command ended in. */
  error(): LlamafuseError {
    return LlamafuseError.from(this.channel.readError());
  }

  stop(): void {
    this.channel.stopRequested = true;
  }

  resume(): void {
    this.channel.stopRequested = false;
  }

  /** The thread ends, with all slots. */
  close(): Promise<void> {
    return this.queue.thread.close();
  }
}
