/** Rounds of a member's thread: what several texts have to read, read in one decode. */

import { LlamafuseError } from "../../errors.js";
import type { SharedContext } from "../../llama/shared-context.js";
import { Command, Status } from "./channel.js";
import { sharesOf } from "./round-shares.js";
import type { Service } from "./service.js";

/** A text that is being read. */
interface Reader {
  service: Service;
  tokens: Int32Array;
  from: number;
}

export class Rounds {
  /** Tokens that were decoded, and milliseconds that it took, for texts that are not read to their ends yet. */
  readonly #under: Map<Service, { tokens: number; ms: number }> = new Map();

  constructor(
    private readonly context: SharedContext,
    private readonly services: readonly Service[],
    /** Asked before each decode: whether the thread is to go on. */
    private readonly mayContinue: () => boolean,
  ) {}

  /** Do what the channels of these slots command, and answer in each. What goes wrong for one does not touch the others. */
  run(slots: readonly number[]): void {
    const readers: Reader[] = [];
    for (const slot of slots) {
      const service = this.services[slot];
      try {
        const reader = this.#begin(service);
        if (reader !== undefined) readers.push(reader);
      } catch (error) {
        this.#fail(service, error);
      }
    }
    if (readers.length > 0) this.#read(readers);
  }

  /** Everything but what is decoded together; a reader where something is to be. */
  #begin(service: Service): Reader | undefined {
    const { channel, engine } = service;
    const { command } = channel;
    if (command !== Command.advance && command !== Command.read) {
      channel.reply(Status.ok, service.serve(command));
      return undefined;
    }
    const isNew = !this.#under.has(service);
    if (isNew && command === Command.advance) service.takeFeedback();
    if (isNew && !engine.mayShareDecode) {
      engine.advance();
      service.publish();
      channel.reply(Status.ok);
      return undefined;
    }
    // What is asked for may have been cancelled meanwhile.
    if (channel.stopRequested) throw new LlamafuseError("aborted", "Stopped while decoding a prompt.");
    const missing = engine.missing();
    if (missing === undefined) {
      this.#finish(service);
      return undefined;
    }
    return { service, ...missing };
  }

  #read(readers: readonly Reader[]): void {
    const started = performance.now();
    const shares = sharesOf(
      readers.map(({ tokens, from }) => tokens.length - from),
      this.context.context.batchSize,
    );
    const readings = readers.map(({ service, tokens, from }, index) => {
      const until = from + shares[index];
      return {
        service,
        sequence: this.context.sequences[this.services.indexOf(service)],
        tokens: tokens.subarray(from, until),
        read: tokens.subarray(0, until),
        from,
        outputs: until === tokens.length ? 1 : 0,
      };
    });
    try {
      this.context.decode(readings, this.mayContinue);
      // On a GPU the decode may still be running: reading logits waits for it.
      if (readings.some(({ outputs }) => outputs > 0)) this.context.context.logits();
    } catch (error) {
      for (const { service, from } of readings) {
        service.engine.drop(from);
        this.#fail(service, error);
      }
      return;
    }
    const ms = performance.now() - started;
    for (const { service, tokens, read, from, outputs } of readings) {
      service.engine.took(read, from, outputs > 0);
      const under = this.#under.get(service) ?? { tokens: 0, ms: 0 };
      this.#under.set(service, { tokens: under.tokens + tokens.length, ms: under.ms + ms });
      if (outputs === 0) service.channel.reply(Status.unfinished);
      else this.#finish(service);
    }
  }

  #finish(service: Service): void {
    const { tokens, ms } = this.#under.get(service) ?? { tokens: 0, ms: 0 };
    this.#under.delete(service);
    try {
      service.engine.show(tokens, ms);
      service.publish();
      service.channel.reply(Status.ok);
    } catch (error) {
      this.#fail(service, error);
    }
  }

  #fail(service: Service, error: unknown): void {
    this.#under.delete(service);
    service.reply(error);
  }
}
