import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { LlamafuseError } from "../../../../src/errors.js";
import { Channel, Command, Status } from "../../../../src/member/llama/channel.js";
import {
  PAYLOAD_BYTES,
  readFeedback,
  readIds,
  readStrings,
  writeFeedback,
  writeIds,
  writeStrings,
} from "../../../../src/member/llama/payload.js";

/** Echoes commands as a member's worker would, in plain JavaScript: words request 0, response 1, status 4, ended 6. */
const ECHO = `
  const { workerData } = require("node:worker_threads");
  const control = new Int32Array(workerData.buffer, 0, 16);
  for (let served = 0; ; ) {
    Atomics.wait(control, 0, served);
    served = Atomics.load(control, 0);
    if (control[2] === 4) break;
    control[4] = 0;
    Atomics.store(control, 1, served);
    Atomics.notify(control, 1);
  }
  Atomics.store(control, 6, 1);
  Atomics.notify(control, 6);
  Atomics.notify(control, 1);
`;

describe("the channel between coordinator and worker", () => {
  it("carries commands and answers between threads, many times", async () => {
    const channel = new Channel();
    const worker = new Worker(ECHO, { eval: true, workerData: { buffer: channel.buffer } });
    for (let round = 0; round < 2000; round++) {
      channel.send(Command.advance);
      expect(channel.holdUntilAnswered(1) || (await channel.answered(10_000))).toBe(true);
      expect(channel.failed).toBe(false);
    }
    expect(channel.ended).toBe(false);
    channel.send(Command.close);
    // An end is no answer, and ends the waiting.
    expect(await channel.answered(10_000)).toBe(false);
    expect(channel.waitForEnd(10_000)).toBe(true);
    await worker.terminate();
  });

  it("stops waiting when the time is up", async () => {
    const channel = new Channel();
    channel.send(Command.advance);
    expect(channel.holdUntilAnswered(1)).toBe(false);
    expect(await channel.answered(5)).toBe(false);
    expect(channel.waitForEnd(5)).toBe(false);
  });

  it("carries an error with its code and details, and cuts one that is too long", () => {
    const channel = new Channel();
    channel.send(Command.advance);
    const error = new LlamafuseError("invalid-logits", "NaN …", { member: "é", found: "NaN" });
    channel.answer(1, Status.error, channel.writeError(error.toJSON()));
    expect(channel.failed).toBe(true);
    expect(channel.readError()).toEqual(error.toJSON());
    const long = new LlamafuseError("member-failed", "x".repeat(2 * PAYLOAD_BYTES), {
      stack: "y".repeat(PAYLOAD_BYTES),
    });
    channel.answer(1, Status.error, channel.writeError(long.toJSON()));
    expect(channel.readError()).toMatchObject({ code: "member-failed", details: {} });
  });

  it("carries feedback of every kind, one behind the other", () => {
    const { payloadView, payload } = new Channel();
    const ids = new Uint8Array(Int32Array.of(0, 70_000, 262_143).buffer);
    let length = writeFeedback(payloadView, payload, 0, "text", Buffer.of(0, 0xff));
    length = writeFeedback(payloadView, payload, length, "piece", new Uint8Array(0));
    length = writeFeedback(payloadView, payload, length, "tokens", ids);
    const found: unknown[] = [];
    for (let at = 0; at < length; ) {
      const { kind, data, next } = readFeedback(payloadView, payload, at);
      found.push([kind, Array.from(data)]);
      at = next;
    }
    expect(found).toEqual([
      ["text", [0, 0xff]],
      ["piece", []],
      ["tokens", Array.from(ids)],
    ]);
  });

  it("carries strings to look up and the tokens found, as many as fit", () => {
    const { payloadView, payload } = new Channel();
    const strings = [Buffer.from("é"), Buffer.alloc(0), Buffer.from([0, 0xff])];
    expect(writeStrings(payloadView, payload, strings)).toBeGreaterThan(0);
    expect(readStrings(payloadView, payload).map((bytes) => Buffer.from(bytes))).toEqual(strings);
    writeIds(payloadView, [3, -1, 262_143]);
    expect(readIds(payloadView, 3)).toEqual([3, -1, 262_143]);
    expect(writeStrings(payloadView, payload, [new Uint8Array(PAYLOAD_BYTES - 8)])).toBe(PAYLOAD_BYTES);
    expect(writeStrings(payloadView, payload, [new Uint8Array(PAYLOAD_BYTES - 7)])).toBe(-1);
    const many = new Array(PAYLOAD_BYTES / 4).fill(new Uint8Array(0));
    expect(writeStrings(payloadView, payload, many)).toBe(-1);
    expect(writeStrings(payloadView, payload, many.slice(1))).toBe(PAYLOAD_BYTES);
  });
});
