/** The whole path through a GPU library, against the CPU's: `npm run test:gpu`, which finds or installs a driver. */
import { spawn } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";
import { softwareDevice } from "../../scripts/lib/software-vulkan.js";
import { methodInfos } from "../../src/index.js";

/**
 * Nats of a piece's log-probability. The CPU rounds activations to 8 bits before it multiplies Q8_0 weights, a GPU need
 * not; measured over all methods on the native models: 0.0041 at most, of pieces at -15.
 */
const ROUNDING = 0.02;

async function run(gpu: string, task: string, environment: Record<string, string | undefined> = softwareDevice) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "child.mjs"), gpu, task], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const how = await new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? `exit ${code}`)));
  expect(how).toBe("exit 0");
  return JSON.parse(stdout);
}

type Answers = Record<string, { spoke: boolean; logProbs: number[] }>;

it("gives every method the log-probabilities that the CPU gives it", async () => {
  const onCpu: Answers = await run("false", "methods");
  const onGpu: Answers = await run("vulkan", "methods");
  expect(Object.keys(onGpu)).toEqual(methodInfos.map(({ name }) => name));
  for (const [name, { spoke, logProbs }] of Object.entries(onGpu)) {
    expect(spoke, name).toBe(true);
    expect(logProbs.length, name).toBe(onCpu[name]!.logProbs.length);
    for (const [piece, logProb] of logProbs.entries()) {
      const difference = Math.abs((logProb ?? 0) - (onCpu[name]!.logProbs[piece] ?? 0));
      expect(difference, `${name}, piece ${piece}`).toBeLessThan(ROUNDING);
    }
  }
});

it("keeps some layers, none or all of them on the GPU", async () => {
  const [none, two, all] = await run("vulkan", "layers");
  expect(none).not.toBe("");
  expect([two, all]).toEqual([none, none]);
});

it("puts a member on the device that it names, and fits members to it", async () => {
  const { name, texts, refused } = await run("vulkan", "devices");
  expect(name).toBe("Vulkan0");
  const [named, main, split, cpu, quantised, fitted] = texts;
  expect([named, main, split, cpu]).toEqual([named, named, named, named]);
  for (const text of [named, quantised, fitted]) expect(text).not.toBe("");
  expect(refused).toEqual([
    expect.stringMatching(/^invalid-option: .*Unknown device "Vulkan9"\..*Devices: Vulkan0, cpu/),
    expect.stringMatching(/^invalid-option: mainGpu is 3, but the member has 1 GPU; allowed is 0 to 0/),
    expect.stringMatching(/^invalid-option: tensorSplit is \[1,1\], but the member has 1 GPU/),
  ]);
});

it("loads, decodes, aborts and disposes at once, again and again", async () => {
  const { alone, texts, last, finishReason, stopped, dimension, end } = await run("vulkan", "life");
  const [pair, other, ...pairs] = texts;
  expect([other, last]).toEqual([alone, alone]);
  expect(pairs).toEqual(pairs.map(() => pair));
  expect(finishReason).toBe("aborted");
  expect(stopped).toBe("aborted");
  expect(["aborted", "disposed"]).toContain(end);
  expect(dimension).toBeGreaterThan(0);
});

it("says so where the GPU that was asked for is not there", async () => {
  const { code, message } = await run("vulkan", "device", { GGML_VK_VISIBLE_DEVICES: undefined });
  expect(code).toBe("library");
  expect(message).toMatch(/gpu: vulkan .*no such GPU/);
});

it("stays on the CPU with gpu: auto where the only device is a processor", async () => {
  const auto = await run("auto", "device", { GGML_VK_VISIBLE_DEVICES: undefined });
  expect(auto.text).toBe((await run("false", "device")).text);
});
