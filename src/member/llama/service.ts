/** One member in the thread that runs it: loads its model, then serves commands until it is told to close. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { LlamafuseError, toLlamafuseError } from "../../errors.js";
import { loadKernels } from "../../kernels/kernels.js";
import { bindLoadedLlama } from "../../llama/library.js";
import { feedbackOfBytes, type Told } from "../feedback-bytes.js";
import type { MemberPrompt, Preparation } from "../member.js";
import { Channel, Command, Status } from "./channel.js";
import type { LlamaEngine } from "./engine.js";
import { LlamaEngines } from "./engines.js";
import { readFeedback, readIds, readStrings, writeIds } from "./payload.js";
import type { FromThread, Ready, Request, Requests, ServiceStart } from "./protocol.js";
import { Rounds } from "./rounds.js";

/** Load, serve, free. Blocks this thread until the member is closed. */
export function serveMember(start: ServiceStart, port: MessagePort): void {
  const channel = new Channel(start.channel);
  const slots = start.slots.map((buffer) => new Channel(buffer));
  try {
    let engines: LlamaEngines;
    try {
      engines = load(start, channel, slots);
    } catch (error) {
      port.postMessage({ error: named(error, start).toJSON() } satisfies FromThread);
      return;
    }
    try {
      const channels = engines.shared === undefined ? [channel] : slots;
      const services = engines.all.map((engine, slot) => new Service(start, channels[slot], engine, engines));
      new Server(start, channel, engines, services, port).run();
    } finally {
      engines.free();
    }
  } finally {
    channel.markEnded();
  }
}

function load(start: ServiceStart, channel: Channel, slots: readonly Channel[]): LlamaEngines {
  const llama = bindLoadedLlama(start.library);
  const mayContinue = () => {
    channel.beat();
    return !channel.stopRequested;
  };
  const options = {
    ...start,
    onProgress: (fraction: number) => {
      channel.progress = fraction;
      channel.beat();
      return !channel.stopRequested;
    },
    mayContinue,
  };
  const each = slots.length === 0 ? [mayContinue] : slots.map((slot) => () => mayContinue() && !slot.stopRequested);
  return new LlamaEngines(llama, loadKernels(start.memory), options, each);
}

/** The error with the member's name, which llama.cpp's own failures do not know. */
export function named(error: unknown, { name }: ServiceStart): LlamafuseError {
  const known = toLlamafuseError(error, `Member "${name}"`, { member: name });
  const { code, message, details } = known;
  if (code !== "member-failed" || details.member !== undefined) return known;
  return new LlamafuseError(code, `Member "${name}": ${message}`, { ...details, member: name });
}

function tell(engine: LlamaEngine, told: Told): void {
  if (told.kind === "expected") engine.expect(told.bytes);
  else engine.append(told);
}

/** Reads the commands of a member's thread. */
class Server {
  readonly #rounds: Rounds | undefined;

  constructor(
    private readonly start: ServiceStart,
    private readonly channel: Channel,
    private readonly engines: LlamaEngines,
    private readonly services: readonly Service[],
    private readonly port: MessagePort,
  ) {
    const mayContinue = () => {
      channel.beat();
      return !channel.stopRequested;
    };
    if (engines.shared !== undefined) this.#rounds = new Rounds(engines.shared, services, mayContinue);
  }

  run(): void {
    const { channel, engines } = this;
    const { first } = engines;
    const ready: Ready = {
      facts: first.facts,
      description: first.description,
      goingBack: first.goingBack,
      vocabulary: first.model.tokenizer.vocabulary.data,
      contextSize: first.contextSize,
      logits: first.preparer.logits,
      slots: engines.all.map(({ preparer }) => preparer.logits),
    };
    this.#say({ reply: ready });
    for (let served = 0; ; ) {
      const command = channel.receive(served);
      served = (served + 1) | 0;
      if (command === Command.close) return;
      if (command === Command.message) {
        this.#serveMessage(served);
        continue;
      }
      let length = 0;
      let status: number = Status.ok;
      try {
        length = this.#serve(command);
      } catch (error) {
        status = Status.error;
        length = channel.writeError(named(error, this.start).toJSON());
      }
      channel.answer(served, status, length);
    }
  }

  #serve(command: Command): number {
    const { channel } = this;
    if (command !== Command.round) return this.services[0].serve(command);
    this.#rounds!.run(readIds(channel.payloadView, channel.commandLength));
    return 0;
  }

  #say(message: FromThread): void {
    this.port.postMessage(message);
  }

  /** A set-up request: the channel is answered before the reply is posted, since the reply may bring the next command. */
  #serveMessage(served: number): void {
    const received = receiveMessageOnPort(this.port) as { message: Request } | undefined;
    if (received === undefined) {
      const message = `Member "${this.start.name}" was signalled a message that did not arrive.`;
      throw new LlamafuseError("member-failed", message);
    }
    let reply: FromThread;
    try {
      const { slot = 0 } = received.message;
      reply = { reply: this.services[slot].answer(received.message) };
    } catch (error) {
      reply = { error: named(error, this.start).toJSON() };
    }
    this.channel.answer(served, Status.ok);
    this.#say(reply);
  }
}

/** One text of a member. */
export class Service {
  constructor(
    private readonly start: ServiceStart,
    readonly channel: Channel,
    readonly engine: LlamaEngine,
    private readonly engines: LlamaEngines,
  ) {}

  answer({ name, ask }: Request): unknown {
    const { engine } = this;
    switch (name) {
      case "prepare":
        return engine.prepare(ask as Preparation);
      case "begin": {
        const result = engine.begin(ask as MemberPrompt);
        this.publish();
        return result;
      }
      case "open":
        return this.#open(ask as MemberPrompt);
      case "scorePrompt": {
        const score = engine.scorePrompt(ask as MemberPrompt | null);
        this.publish();
        return score;
      }
      case "draft": {
        const { count, options } = ask as Requests["draft"]["ask"];
        return engine.draft(count, options);
      }
      case "verify": {
        const { bytes, places } = ask as Requests["verify"]["ask"];
        return engine.verify(bytes, places);
      }
      case "assess":
        return engine.assess(ask as Requests["assess"]["ask"]);
      case "append":
        tell(engine, ask as Requests["append"]["ask"]);
        return null;
      case "cachedTokens":
        return engine.cachedTokens();
      case "tokenize": {
        const request = ask as Requests["tokenize"]["ask"];
        return engine.tokenize(request.text, request);
      }
      case "setThreads":
        engine.setThreads(ask as number);
        return null;
    }
  }

  #open(prompt: MemberPrompt): unknown {
    const { engine, engines } = this;
    if (prompt.alone === true) engines.clear();
    if (engine.mayShareDecode) {
      const tokens = engine.open(prompt);
      if (prompt.reuse === true) engines.shareBeginning(engine);
      return tokens;
    }
    const result = engine.begin(prompt);
    this.publish();
    return result;
  }

  /** What a command of its channel ended in. */
  reply(error: unknown): void {
    const { channel } = this;
    channel.reply(Status.error, channel.writeError(named(error, this.start).toJSON()));
  }

  /** Serve one hot-path command; returns the number of payload bytes of the answer. */
  serve(command: Command): number {
    const { channel, engine } = this;
    switch (command) {
      case Command.advance:
        this.takeFeedback();
        engine.advance();
        this.publish();
        return 0;
      case Command.append:
        this.takeFeedback();
        return 0;
      case Command.firstTokens: {
        const strings = readStrings(channel.payloadView, channel.payload);
        const ids = strings.map((bytes) => engine.firstToken(bytes));
        return writeIds(channel.payloadView, ids);
      }
      default: {
        const message = `Member "${this.start.name}" was sent the unknown command ${command}.`;
        throw new LlamafuseError("member-failed", message);
      }
    }
  }

  takeFeedback(): void {
    const { channel, engine } = this;
    const length = channel.commandLength;
    for (let at = 0; at < length; ) {
      const { kind, data, next } = readFeedback(channel.payloadView, channel.payload, at);
      tell(engine, feedbackOfBytes(kind, data));
      at = next;
    }
  }

  publish(): void {
    const { channel, engine } = this;
    channel.logNormaliser = engine.preparer.logNormaliser;
    channel.endLogProb = engine.preparer.endLogProb;
    channel.topCount = engine.preparer.topCount;
    channel.decodeMs = engine.decodeMs;
    channel.prepareMs = engine.prepareMs;
    channel.decodedTokens = engine.decodedTokens;
    channel.atFragmentStart = engine.atFragmentStart;
  }
}
