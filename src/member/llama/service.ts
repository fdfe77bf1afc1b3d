/** One member in the thread that runs it: loads its model, then serves commands until it is told to close. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { LlamafuseError, toLlamafuseError } from "../../errors.js";
import { loadKernels } from "../../kernels/kernels.js";
import { bindLoadedLlama } from "../../llama/library.js";
import { feedbackOfBytes, type Told } from "../feedback-bytes.js";
import type { MemberPrompt, Preparation } from "../member.js";
import { Channel, Command, Status } from "./channel.js";
import { LlamaEngine } from "./engine.js";
import { readFeedback, readStrings, writeIds } from "./payload.js";
import type { FromThread, Ready, Request, Requests, ServiceStart } from "./protocol.js";

/** Load, serve, free. Blocks this thread until the member is closed. */
export function serveMember(start: ServiceStart, port: MessagePort): void {
  const channel = new Channel(start.channel);
  try {
    let engine: LlamaEngine;
    try {
      engine = load(start, channel);
    } catch (error) {
      port.postMessage({ error: named(error, start).toJSON() } satisfies FromThread);
      return;
    }
    try {
      new Service(start, channel, engine, port).run();
    } finally {
      engine.free();
    }
  } finally {
    channel.markEnded();
  }
}

function load(start: ServiceStart, channel: Channel): LlamaEngine {
  const llama = bindLoadedLlama(start.library);
  return new LlamaEngine(llama, loadKernels(start.memory), {
    ...start,
    onProgress: (fraction) => {
      channel.progress = fraction;
      channel.beat();
      return !channel.stopRequested;
    },
    mayContinue: () => {
      channel.beat();
      return !channel.stopRequested;
    },
  });
}

/** The error with the member's name, which llama.cpp's own failures do not know. */
function named(error: unknown, { name }: ServiceStart): LlamafuseError {
  const known = toLlamafuseError(error, `Member "${name}"`, { member: name });
  const { code, message, details } = known;
  if (code !== "member-failed" || details.member !== undefined) return known;
  return new LlamafuseError(code, `Member "${name}": ${message}`, { ...details, member: name });
}

function tell(engine: LlamaEngine, told: Told): void {
  if (told.kind === "expected") engine.expect(told.bytes);
  else engine.append(told);
}

class Service {
  constructor(
    private readonly start: ServiceStart,
    private readonly channel: Channel,
    private readonly engine: LlamaEngine,
    private readonly port: MessagePort,
  ) {}

  run(): void {
    const { channel, engine } = this;
    const ready: Ready = {
      facts: engine.facts,
      description: engine.description,
      goingBack: engine.goingBack,
      vocabulary: engine.model.tokenizer.vocabulary.data,
      contextSize: engine.contextSize,
      logits: engine.preparer.logits,
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
      reply = { reply: this.#answer(received.message) };
    } catch (error) {
      reply = { error: named(error, this.start).toJSON() };
    }
    this.channel.answer(served, Status.ok);
    this.#say(reply);
  }

  #answer({ name, ask }: Request): unknown {
    const { engine } = this;
    switch (name) {
      case "prepare":
        return engine.prepare(ask as Preparation);
      case "begin": {
        const result = engine.begin(ask as MemberPrompt);
        this.#publish();
        return result;
      }
      case "scorePrompt": {
        const score = engine.scorePrompt(ask as MemberPrompt | null);
        this.#publish();
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

  /** Serve one hot-path command; returns the number of payload bytes of the answer. */
  #serve(command: Command): number {
    const { channel, engine } = this;
    const length = channel.commandLength;
    switch (command) {
      case Command.advance:
        this.#takeFeedback(length);
        engine.advance();
        this.#publish();
        return 0;
      case Command.append:
        this.#takeFeedback(length);
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

  #takeFeedback(length: number): void {
    const { channel, engine } = this;
    for (let at = 0; at < length; ) {
      const { kind, data, next } = readFeedback(channel.payloadView, channel.payload, at);
      tell(engine, feedbackOfBytes(kind, data));
      at = next;
    }
  }

  #publish(): void {
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
