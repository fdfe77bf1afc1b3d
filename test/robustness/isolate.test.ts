/** Members in processes of their own: whatever ends one is its member's error, and nothing else's end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { field, ggufBytes } from "../../scripts/lib/gguf-writer.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { MemberProcess } from "../../src/member/llama/process.js";
import type { Member } from "../../src/member/member.js";
import { nativeModels } from "../../src/native-models.js";
import { createEnsemble } from "../../src/systems.js";
import { temporaryFolder, write } from "./models.js";

// Processes start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 240_000 });

const { folder, clean } = temporaryFolder();
afterAll(clean);
const [robin, wren] = nativeModels().map(({ path: file }) => file);
const load = (options = {}) =>
  LlamaMember.load({ model: wren, name: "frail", contextSize: 256, isolate: true, ...options }, new SharedMemory());
const processOf = (member: Member) => (member as unknown as { host: MemberProcess }).host.process;
const prompt = { text: Buffer.from("Once upon a time"), parseSpecial: false, addBos: true };
const failure = (code: string) => ({ name: "LlamafuseError", code, details: { member: "frail" } });

const ensembleOf = (onMemberFailure?: "continue") =>
  createEnsemble({
    members: [
      { model: robin, contextSize: 256 },
      { model: wren, name: "frail", contextSize: 256, isolate: true },
    ],
    method: "gac",
    schedule: "in-turn",
    gpu: false,
    onMemberFailure,
  });

async function killAt(step: number, onMemberFailure?: "continue") {
  await using ensemble = await ensembleOf(onMemberFailure);
  const child = processOf(ensemble.members[1]);
  const answer = ensemble.stream("Question: What is a young goat?\nAnswer:", { maxTokens: 8, trace: true });
  for (let steps = 0; ; ) {
    if (steps === step) child.kill("SIGKILL");
    const next = await answer.next();
    if (next.done) return next.value;
    if (next.value.step !== undefined) steps++;
  }
}

describe("kill -9 of a member's process", () => {
  it.each([0, 1, 3])("at step %i ends the answer with the member's name", async (step) => {
    await expect(killAt(step)).rejects.toMatchObject({
      ...failure("member-failed"),
      message: expect.stringMatching(/^Member "frail" stopped: its process was ended by SIGKILL/),
    });
  });

  it.each([0, 2])("at step %i leaves the answer to the others, where that was asked for", async (step) => {
    const result = await killAt(step, "continue");
    expect(result.dropped).toMatchObject([{ name: "frail", code: "member-failed" }]);
    expect(result.usage.steps).toBeGreaterThan(result.dropped![0].step);
    expect(result.trace!.at(-1)!.members.map(({ heard }) => heard)).toEqual([true, false]);
  });

  it("fails whatever it was doing and everything after it, and it can be disposed", async () => {
    const member = await load();
    const begun = expect(member.begin(prompt)).rejects.toMatchObject(failure("member-failed"));
    processOf(member).kill("SIGKILL");
    await begun;
    await expect(member.cachedTokens()).rejects.toMatchObject(failure("member-failed"));
    await member.dispose();
    await expect(member.begin(prompt)).rejects.toMatchObject(failure("disposed"));
  });
});

describe("a process of a member's own", () => {
  it("is ended by a file that aborts llama.cpp, and the program lives", async () => {
    // A part's number of another type, which `checkModel` would refuse.
    const deadly = write(folder, "deadly", { parts: 2 });
    const metadata = {
      "split.no": field.uint32(1),
      "split.count": field.uint16(2),
      "split.tensors.count": field.int32(21),
    };
    writeFileSync(path.join(folder, "deadly-00002-of-00002.gguf"), ggufBytes({ metadata, tensors: [] }));
    await expect(load({ model: deadly })).rejects.toMatchObject({
      ...failure("member-failed"),
      message: expect.stringMatching(/its process was ended by SIGABRT \(.+\)/),
    });
  });

  it("says the same, bit for bit, as a thread", async () => {
    const said = async (isolate: boolean) => {
      const member = await load({ isolate });
      await member.prepare({ top: 10 });
      await member.begin(prompt);
      member.append({ kind: "text", bytes: Buffer.from(" there was") });
      await member.advance();
      const { topIds, topLogits, logits, logNormaliser } = member.output;
      const copy = [[...topIds], [...topLogits], [...logits], logNormaliser];
      await member.dispose();
      return copy;
    };
    expect(await said(true)).toEqual(await said(false));
  });

  it("stops at a signal, and is hung where it says nothing", async () => {
    const member = await load({ timeoutMs: 1500 });
    await expect(member.begin(prompt, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    await member.begin(prompt);
    processOf(member).kill("SIGSTOP");
    await expect(member.begin(prompt)).rejects.toMatchObject({ code: "member-hung", details: { member: "frail" } });
    await member.dispose();
  });

  it("keeps no program from ending, and ends with it however it ends", async () => {
    const program = spawn(process.execPath, [path.join(import.meta.dirname, "child.mjs"), "isolated", wren, "0"]);
    const exit = once(program, "exit");
    const [line] = (await once(program.stdout, "data")) as [Buffer];
    const member = Number(line.toString());
    expect((await exit)[0]).toBe(0);
    const held = spawn(process.execPath, [path.join(import.meta.dirname, "child.mjs"), "isolated", wren, "600000"]);
    const [other] = (await once(held.stdout, "data")) as [Buffer];
    held.kill("SIGKILL");
    for (const pid of [member, Number(other.toString())]) {
      await expect.poll(() => isThere(pid), { timeout: 20_000 }).toBe(false);
    }
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
