/** Native models on a real llama-server say what they say in threads of this program. */
import { type ChildProcess, spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type MethodOptions } from "../../src/index.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { Member } from "../../src/member/member.js";
import { openRemoteMember } from "../../src/member/remote/open-remote-member.js";
import { nativeModel } from "../../src/native-models.js";

const PROGRAM = process.env.LLAMAFUSE_LLAMA_SERVER!;
/** In nats: the server reads a text in other batches than the member here, over a cache in float16. */
const ROUNDING = 2e-2;
const MODELS = ["robin", "wren"];
const PROMPTS = [
  "Question: What is a young goat?\nAnswer:",
  "Question: What is 3 plus 4?\nAnswer:",
  "Once upon a time",
];
const PIECES = [" A", " you", "ng", " caf", "é", " 今天", "\n\n x1  12"].map((text) => Buffer.from(text));

const processes: ChildProcess[] = [];
const urls: string[] = [];

beforeAll(async () => {
  for (const model of MODELS) urls.push(await start(nativeModel(model).path));
});
afterAll(() => {
  for (const child of processes) child.kill();
});

async function start(file: string): Promise<string> {
  const port = await freePort();
  const args = [
    "-m",
    file,
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    "-c",
    "1024",
    "-np",
    "2",
    "-t",
    "1",
    "--no-ui",
  ];
  const child = spawn(PROGRAM, args, { stdio: "ignore" });
  processes.push(child);
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null) {
    const isReady = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return url;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`llama-server ended with ${child.exitCode}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

describe.each(MODELS)("%s", (model) => {
  let local: Member;
  let remote: Member;
  beforeAll(async () => {
    local = await LlamaMember.load(
      { model: nativeModel(model).path, contextSize: 512, threads: 1 },
      new SharedMemory(),
    );
    remote = await openRemoteMember({ url: urls[MODELS.indexOf(model)], name: "far" });
    for (const member of [local, remote]) await member.prepare({ top: 20 });
  });
  afterAll(() => Promise.all([local?.dispose(), remote?.dispose()]));

  it("has its vocabulary over the wire", () => {
    expect(remote.kind).toBe("llama-server");
    expect(remote.vocabulary.size).toBe(local.vocabulary.size);
    expect(remote.vocabulary.endTokens).toEqual(local.vocabulary.endTokens);
    for (let id = 0; id < local.vocabulary.size; id++)
      expect(remote.vocabulary.keyOf(id), `token ${id}`).toBe(local.vocabulary.keyOf(id));
  });

  it("has its tokens and log-probabilities at every step", async () => {
    let worst = { difference: 0, logProb: 0, text: "" };
    const compare = () => {
      const { topIds, topLogits, topCount } = remote.output;
      for (let place = 0; place < topCount; place++) {
        const own = local.output.logits[topIds[place]] - local.output.logNormaliser;
        const difference = Math.abs(topLogits[place] - own);
        if (difference > worst.difference)
          worst = { difference, logProb: own, text: local.vocabulary.keyOf(topIds[place]) };
      }
    };
    for (const text of PROMPTS) {
      for (const member of [local, remote])
        await member.begin({ text: Buffer.from(text), parseSpecial: true, addBos: true });
      compare();
      for (const bytes of PIECES) {
        for (const member of [local, remote]) {
          member.append({ kind: "text", bytes });
          await member.advance();
        }
        expect(Array.from(await remote.cachedTokens())).toEqual(Array.from(await local.cachedTokens()));
        compare();
      }
    }
    console.log(`${model}: the largest difference of a log-probability in nats`, worst);
    expect(worst.difference).toBeLessThan(ROUNDING);
  });

  it("drafts as the member here does, its end included", async () => {
    for (const text of PROMPTS) {
      for (const member of [local, remote])
        await member.begin({ text: Buffer.from(text), parseSpecial: true, addBos: true });
      const [own, theirs] = [await local.draft(12), await remote.draft(12)];
      expect(theirs.sayings.map(({ id }) => id)).toEqual(own.sayings.map(({ id }) => id));
    }
  });
});

it("fuses to the same greedy texts", async () => {
  const near = MODELS.map((name) => nativeModel(name).path);
  const far = urls.map((url) => ({ url }));
  const whole = urls.map((url) => ({ url, topDepth: "all" as const }));
  const cases: [MethodOptions, readonly (string | { url: string })[]][] = [
    [{ name: "unite", k: 10 }, far],
    [{ name: "unite", k: 10 }, [near[0], far[1]]],
    [{ name: "gac" }, whole],
  ];
  for (const [method, members] of cases) {
    await using here = await createEnsemble({ members: near, method });
    await using there = await createEnsemble({ members: [...members], method });
    for (const prompt of PROMPTS) {
      const [own, theirs] = [here, there].map((ensemble) => ensemble.generate(prompt, { maxTokens: 24 }));
      expect((await theirs).text, `${method.name}: ${prompt}`).toBe((await own).text);
    }
  }
});
