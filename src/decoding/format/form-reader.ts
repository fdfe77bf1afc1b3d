/**
 * Forms read in a thread of their own (reader.ts): it makes the next mask while the members decode, and a form that takes it
 * too long, or is too much for it, costs that request alone. One for each choice of members, one form at a time, as its
 * members answer one request at a time. The thread begins with the first form.
 */
import { Worker } from "node:worker_threads";
import { LlamafuseError } from "../../errors.js";
import type { Member } from "../../member/member.js";
import { onAbort } from "../../on-abort.js";
import { WORKER_OPTIONS, workerFile } from "../../package-files.js";
import { type UnionDictionary, unionOf } from "../../vocabulary/union-dictionary.js";
import { Form } from "./form.js";
import { type FormSource, formatParts } from "./format.js";
import type { FromReader, Strings, ToReader } from "./protocol.js";

/** For a form to be read; what takes longer is hostile, or of no use. */
const MOST_MS = 30_000;
/** MiB of a thread's own memory; WebAssembly's is beside it. */
const MOST_MIB = 1024;

type Asked =
  | Pick<Extract<ToReader, { open: unknown }>, "open" | "mask">
  | Pick<Extract<ToReader, { take: unknown }>, "take">;

export class FormReader {
  #sayable: Sayable | undefined;
  #thread: Worker | undefined;
  #asked = 0;

  constructor(private readonly members: readonly Member[]) {}

  /** Errors: invalid-option for a form that cannot be read, aborted. */
  async open(format: FormSource, signal: AbortSignal): Promise<Form> {
    this.#sayable ??= sayableOf(unionOf(this.members.map(({ vocabulary }) => vocabulary)));
    const { dictionary, strings, byteNumbers } = this.#sayable;
    const mask = new Int32Array(new SharedArrayBuffer(4 * Math.ceil(strings.offsets.length / 32)));
    const masked = this.#ask({ open: format, mask }, signal);
    try {
      await masked;
    } catch (error) {
      this.dispose();
      throw signal.aborted ? signal.reason : unreadable(format, error as Error);
    }
    const take = (said: number | Uint8Array) => this.#ask({ take: said }, signal);
    const form = new Form(dictionary, this.members, byteNumbers, mask, take);
    if (form.isImpossible) throw unreadable(format, new Error("no text has this form"));
    return form;
  }

  /** It may be asked again: it begins anew. */
  dispose(): void {
    void this.#thread?.terminate();
    this.#thread = undefined;
  }

  /** The next mask is there. Errors: why it is not. */
  #ask(what: Asked, signal: AbortSignal): Promise<void> {
    const id = ++this.#asked;
    const thread = (this.#thread ??= this.#begin());
    thread.ref();
    return new Promise<void>((resolve, reject) => {
      const finish = (end: () => void) => {
        clearTimeout(timer);
        forget();
        thread.off("message", onMessage).off("error", onError).off("exit", onExit);
        thread.unref();
        end();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`it takes longer than ${MOST_MS / 1000} s`))),
        MOST_MS,
      );
      const forget = onAbort(signal, () => finish(() => reject(signal.reason)));
      const onMessage = (reply: FromReader) => {
        // One that nobody waits for any more was for a request that ended early.
        if (reply.id !== id) return;
        finish(() => (reply.refused === undefined ? resolve() : reject(new Error(reply.refused))));
      };
      const onError = (error: Error) => finish(() => reject(error));
      const onExit = () => finish(() => reject(new Error("it is too much for the memory that there is")));
      thread.on("message", onMessage).on("error", onError).on("exit", onExit);
      thread.postMessage({ id, ...what } satisfies ToReader);
    });
  }

  #begin(): Worker {
    const thread = new Worker(workerFile("format-worker"), {
      ...WORKER_OPTIONS,
      name: "llamafuse format",
      workerData: this.#sayable!.strings,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MIB },
    });
    // Without anybody asking, it has nothing to fail at.
    thread.on("error", () => {});
    thread.once("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    thread.unref();
    return thread;
  }
}

/** What can be said: the strings of a dictionary, and every byte that is none of them. */
interface Sayable {
  dictionary: UnionDictionary;
  strings: Strings;
  byteNumbers: Int32Array;
}

function sayableOf(dictionary: UnionDictionary): Sayable {
  const all: Uint8Array[] = [];
  for (let entry = 1; entry < dictionary.entries; entry++) all.push(dictionary.bytesOf(entry));
  const byteNumbers = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const alone = Uint8Array.of(byte);
    if (dictionary.entryOf(alone) < 0) byteNumbers[byte] = all.push(alone);
  }
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (all.length + 1)));
  for (const [index, string] of all.entries()) offsets[index + 1] = offsets[index] + string.length;
  const bytes = new Uint8Array(new SharedArrayBuffer(offsets[all.length]));
  for (const [index, string] of all.entries()) bytes.set(string, offsets[index]);
  return { dictionary, strings: { bytes, offsets }, byteNumbers };
}

function unreadable(format: FormSource, cause: Error): LlamafuseError {
  const [kind] = formatParts(format);
  const reason = cause.message.replace(/\.$/, "");
  if (kind === "calls") {
    const message = `The tools' parameters cannot be read: ${reason}.`;
    return new LlamafuseError("invalid-option", message, { option: "tools", found: reason }, cause);
  }
  return new LlamafuseError(
    "invalid-option",
    `The ${kind} of the format cannot be read: ${reason}. See docs/formats.md for what can be.`,
    { option: "format", found: reason },
    cause,
  );
}
