/** The worker thread of one member: loads its model, then serves commands until it is told to close. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { LlamafuseError, toLlamafuseError } from "../../errors.js";
import { loadKernels } from "../../kernels/kernels.js";
import type { WasmMemory } from "../../kernels/webassembly.js";
import type { LibraryFiles } from "../../llama/find-library.js";
import { bindLoadedLlama } from "../../llama/library.js";
import type { VocabularyData } from "../../vocabulary/vocabulary.js";
import { feedbackOfBytes } from "../feedback-bytes.js";
import type {
  BeginResult,
  Draft,
  Feedback,
  MemberFacts,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  TokenizeOptions,
  Verification,
} from "../member.js";
import type { ModelDescription } from "../model-identity.js";
import { Channel, Command, readFeedback, readStrings, Status, writeIds } from "./channel.js";
import { type EngineOptions, LlamaEngine } from "./engine.js";
import type { OutputRegions } from "./preparer.js";

export interface WorkerStart extends Omit<EngineOptions, "onProgress" | "mayContinue"> {
  library: LibraryFiles;
  memory: WasmMemory;
  channel: SharedArrayBuffer;
}

/** What the worker says once, when its model is loaded. */
export interface Ready {
  facts: MemberFacts;
  description: ModelDescription;
  /** Whether earlier tokens can be taken back without reading all again. */
  canGoBack: boolean;
  vocabulary: VocabularyData;
  contextSize: number;
  /** Where the logits lie in the shared memory. */
  logits: number;
}

/** Set-up requests, and what each is answered with. */
export interface Requests {
  prepare: { ask: Preparation; reply: OutputRegions };
  begin: { ask: MemberPrompt; reply: BeginResult };
  /** Null: the text at hand. */
  scorePrompt: { ask: MemberPrompt | null; reply: PromptScore };
  draft: { ask: number; reply: Draft };
  verify: { ask: { bytes: Uint8Array; places: readonly Place[] }; reply: Verification };
  /** Feedback too long for the payload. */
  append: { ask: Feedback; reply: null };
  cachedTokens: { ask: null; reply: Int32Array };
  tokenize: { ask: TokenizeOptions & { text: Uint8Array }; reply: Int32Array };
  setThreads: { ask: number; reply: null };
}
export type RequestName = keyof Requests;
export interface Request {
  name: RequestName;
  ask: Requests[RequestName]["ask"];
}
export type Reply = { reply: unknown } | { error: ReturnType<LlamafuseError["toJSON"]> };

const port = parentPort!;
const start = workerData as WorkerStart;
const channel = new Channel(start.channel);

function asLlamafuseError(error: unknown): LlamafuseError {
  return toLlamafuseError(error, `Member "${start.name}"`, { member: start.name });
}

function load(): LlamaEngine {
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

function takeFeedback(engine: LlamaEngine, length: number): void {
  for (let at = 0; at < length; ) {
    const { kind, data, next } = readFeedback(channel.payloadView, channel.payload, at);
    engine.append(feedbackOfBytes(kind, data));
    at = next;
  }
}

function publish(engine: LlamaEngine): void {
  channel.logNormaliser = engine.preparer.logNormaliser;
  channel.endLogProb = engine.preparer.endLogProb;
  channel.topCount = engine.preparer.topCount;
  channel.decodeMs = engine.decodeMs;
  channel.prepareMs = engine.prepareMs;
  channel.decodedTokens = engine.decodedTokens;
  channel.atFragmentStart = engine.atFragmentStart;
}

function answerRequest(engine: LlamaEngine, { name, ask }: Request): unknown {
  switch (name) {
    case "prepare":
      return engine.prepare(ask as Preparation);
    case "begin": {
      const result = engine.begin(ask as MemberPrompt);
      publish(engine);
      return result;
    }
    case "scorePrompt": {
      const score = engine.scorePrompt(ask as MemberPrompt | null);
      publish(engine);
      return score;
    }
    case "draft":
      return engine.draft(ask as number);
    case "verify": {
      const { bytes, places } = ask as Requests["verify"]["ask"];
      return engine.verify(bytes, places);
    }
    case "append":
      engine.append(ask as Feedback);
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

/** A set-up request: the channel is answered before the reply is posted, since the reply may bring the next command. */
function serveMessage(engine: LlamaEngine, served: number): void {
  const received = receiveMessageOnPort(port) as { message: Request } | undefined;
  if (received === undefined)
    throw new LlamafuseError("member-failed", `Member "${start.name}" was signalled a message that did not arrive.`);
  let reply: Reply;
  try {
    reply = { reply: answerRequest(engine, received.message) };
  } catch (error) {
    reply = { error: asLlamafuseError(error).toJSON() };
  }
  channel.answer(served, Status.ok);
  port.postMessage(reply);
}

/** Serve one hot-path command; returns the number of payload bytes of the answer. */
function serve(engine: LlamaEngine, command: Command): number {
  const length = channel.commandLength;
  switch (command) {
    case Command.advance:
      takeFeedback(engine, length);
      engine.advance();
      publish(engine);
      return 0;
    case Command.append:
      takeFeedback(engine, length);
      return 0;
    case Command.firstTokens: {
      const strings = readStrings(channel.payloadView, channel.payload);
      return writeIds(
        channel.payloadView,
        strings.map((bytes) => engine.firstToken(bytes)),
      );
    }
    default:
      throw new LlamafuseError("member-failed", `Member "${start.name}" was sent the unknown command ${command}.`);
  }
}

function main(): void {
  let engine: LlamaEngine;
  try {
    engine = load();
  } catch (error) {
    port.postMessage({ error: asLlamafuseError(error).toJSON() } satisfies Reply);
    return;
  }
  try {
    const ready: Ready = {
      facts: engine.facts,
      description: engine.description,
      canGoBack: engine.model.canRollBack,
      vocabulary: engine.model.tokenizer.vocabulary.data,
      contextSize: engine.contextSize,
      logits: engine.preparer.logits,
    };
    port.postMessage({ reply: ready } satisfies Reply);
    for (let served = 0; ; ) {
      const command = channel.receive(served);
      served = (served + 1) | 0;
      if (command === Command.close) break;
      if (command === Command.message) {
        serveMessage(engine, served);
        continue;
      }
      let length = 0;
      let status: number = Status.ok;
      try {
        length = serve(engine, command);
      } catch (error) {
        status = Status.error;
        length = channel.writeError(asLlamafuseError(error).toJSON());
      }
      channel.answer(served, status, length);
    }
  } finally {
    engine.free();
  }
}

try {
  main();
} finally {
  channel.markEnded();
}
