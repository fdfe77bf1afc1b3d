/** The process of one member: a thread runs the member, this one passes on what the coordinator says and hears. */
import { toLlamafuseError } from "../../errors.js";
import { SharedMemory } from "../../kernels/shared-memory.js";
import { Command } from "./channel.js";
import { NO_REGIONS, type OutputRegions } from "./output-room.js";
import {
  arraysAt,
  type FromProcess,
  type OutputArrays,
  type ProcessStart,
  type ToProcess,
} from "./process-messages.js";
import type { Ready, Request } from "./protocol.js";
import { MemberThread } from "./thread.js";

/** How often it gives a sign of life while something takes long, at least. */
const BEAT_MS = 100;

class OwnProcess {
  readonly #shared = new SharedMemory();
  readonly #thread: MemberThread;
  #ready: Ready | undefined;
  #regions = NO_REGIONS;
  #isClosed = false;

  constructor(private readonly start: ProcessStart) {
    this.#thread = new MemberThread(start.name, start, this.#shared);
  }

  async load(): Promise<void> {
    await this.#answer(async () => {
      this.#ready = await this.#thread.ready();
      return { reply: this.#ready };
    });
  }

  async receive(message: Exclude<ToProcess, { start: ProcessStart }>): Promise<void> {
    const thread = this.#thread;
    if ("stop" in message) {
      if (message.stop) thread.stop();
      else thread.resume();
    } else if ("close" in message) {
      this.#isClosed = true;
      await thread.close();
      process.exit(0);
    } else if ("command" in message) {
      await this.#answer(() => this.#call(message));
    } else {
      await this.#answer(() => this.#request(message));
    }
  }

  async #call({ command, payload }: { command: Command; payload: Uint8Array }): Promise<FromProcess> {
    const { channel } = this.#thread;
    channel.payload.set(payload);
    await this.#thread.call(command, payload.length);
    const output = command === Command.advance ? this.#output() : undefined;
    return { payload: channel.payload.slice(0, channel.answerLength), output };
  }

  async #request({ name, ask }: Request): Promise<FromProcess> {
    const reply = await this.#thread.request(name, ask as never);
    if (name === "prepare") this.#regions = reply as OutputRegions;
    return { reply, output: name === "begin" || name === "scorePrompt" ? this.#output() : undefined };
  }

  #output(): OutputArrays {
    const { logits, vocabulary } = this.#ready!;
    const arrays = arraysAt(this.#shared, logits, vocabulary.classes.length, this.#regions);
    return { numbers: this.#thread.channel.outputNumbers, ...arrays };
  }

  async #answer(work: () => Promise<FromProcess>): Promise<void> {
    const beat = setInterval(() => tell({ progress: this.#thread.channel.progress }), BEAT_MS);
    try {
      tell(await work());
    } catch (error) {
      tell({ error: toLlamafuseError(error, `Member "${this.start.name}"`, { member: this.start.name }).toJSON() });
      // Without its thread the process is of no use.
      if (this.#thread.channel.ended && !this.#isClosed) process.disconnect();
    } finally {
      clearInterval(beat);
    }
  }
}

function tell(message: FromProcess): void {
  process.send!(message, () => {});
}

// Ctrl-C and a closed terminal reach all processes of the program; it decides what they mean.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

let own: OwnProcess | undefined;
process.on("message", (message: ToProcess) => {
  if ("start" in message) {
    try {
      own = new OwnProcess(message.start);
      void own.load();
    } catch (error) {
      tell({ error: toLlamafuseError(error, `Member "${message.start.name}"`).toJSON() });
    }
  } else void own?.receive(message);
});
