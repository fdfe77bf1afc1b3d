/** Callbacks that throw end the work that they watch as an error of ours; nothing of Node's own reaches stderr. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkedCallback, withCallback } from "../../src/callbacks.js";
import { nativeModels } from "../../src/native-models.js";
import { createEnsemble } from "../../src/systems.js";
import { refusal } from "../support/refusal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const [robin, wren] = nativeModels().map(({ path: model }) => ({ model }));

describe("a callback of the caller's", () => {
  it("that is called in the course of the work ends it in the same way, an async one at its next call", async () => {
    const thrown = new RangeError("no such bar");
    const failure = { name: "LlamafuseError", code: "invalid-option", cause: thrown };
    const throwing = checkedCallback((_: number) => {
      throw thrown;
    })!;
    expect(() => throwing(1)).toThrowError(expect.objectContaining(failure));
    const rejecting = checkedCallback(async (_: number) => {
      throw thrown;
    })!;
    rejecting(1);
    await Promise.resolve();
    expect(() => rejecting(2)).toThrowError(expect.objectContaining(failure));
    expect(checkedCallback(undefined)).toBeUndefined();
  });

  it("that throws, or whose promise rejects, is an error that names it and holds what it threw", async () => {
    const thrown = new RangeError("no such bar");
    const callbacks = [
      () => {
        throw thrown;
      },
      async () => {
        throw thrown;
      },
    ];
    for (const onProgress of callbacks) {
      const error = await refusal(() => createEnsemble({ members: [robin, wren], onProgress }));
      expect(error).toMatchObject({ code: "invalid-option", details: { option: "onProgress" }, cause: thrown });
      expect(error.message).toBe("onProgress threw: no such bar");
    }
  });

  it("from a timer stops the work, and is not called again", async () => {
    let calls = 0;
    const onProgress = () => {
      calls++;
      throw new Error("enough");
    };
    const work = ({ onProgress, signal }: { onProgress?: () => void; signal?: AbortSignal }) =>
      new Promise<void>((_, reject) => {
        const timer = setInterval(() => onProgress?.(), 1);
        signal?.addEventListener("abort", () => {
          onProgress?.();
          clearInterval(timer);
          reject(signal.reason);
        });
      });
    expect((await refusal(() => withCallback({ onProgress }, work))).message).toMatch(/enough/);
    expect(calls).toBe(1);
  });

  it("leaves the caller's own signal its meaning", async () => {
    const options = { members: [robin], onProgress: () => {}, signal: AbortSignal.abort() };
    expect((await refusal(() => createEnsemble(options))).code).toBe("aborted");
  });

  it.each([7, "loud", {}, null])("that is %j is refused", async (onProgress) => {
    const error = await refusal(() => createEnsemble({ members: [robin], onProgress: onProgress as never }));
    expect(error.code).toBe("invalid-option");
  });
});

it("a dozen members and sixty requests at once under one signal leave stderr empty", () => {
  const script = at(
    "many.mjs",
    `import { createEnsemble, nativeModels } from ${JSON.stringify(path.resolve("dist/index.js"))};
     const [robin, wren] = nativeModels().map(({ path }) => path);
     const members = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? robin : wren));
     const ensemble = await createEnsemble({ members, method: "gac", gpu: false });
     const { signal } = new AbortController();
     const asked = Array.from({ length: 60 }, (_, seed) => ensemble.generate("Once", { maxTokens: 1, seed, signal }));
     const answers = await Promise.all(asked);
     await ensemble.dispose();
     console.log(new Set(answers.map(({ text }) => text)).size);`,
  );
  const child = spawnSync(process.execPath, [script], { encoding: "utf8", cwd: process.cwd() });
  expect({ stderr: child.stderr, status: child.status, stdout: child.stdout }).toEqual({
    stderr: "",
    status: 0,
    stdout: "1\n",
  });
});
