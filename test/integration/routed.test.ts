/** A fitted router at work on the native models: who is loaded, who leaves, who answers, and why. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainingData } from "../../src/before/fitting/training-data.js";
import { memoryOfModel } from "../../src/before/live/member-memory.js";
import type { RoutedMethod } from "../../src/before/live/routed-method.js";
import { createRouter, type RouterOptions } from "../../src/before/registry.js";
import { routerFile } from "../../src/before/saved-router.js";
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { checkModel, createEnsemble, nativeModel } from "../../src/index.js";
import { matrixOf } from "../../src/learning/matrix.js";
import { refusal } from "../support/refusal.js";

const NAMES = ["robin", "wren"] as const;
const THINGS = ["hen", "deer", "tree", "lake", "road", "lamp", "fish", "bell"];
const PROMPTS = { robin: "How many are three hens?", wren: "Where does the hen live?" };

/** "How many …?" is robin's, "Where …?" is wren's; each costs the same. */
const table = new OutcomeTable({
  name: "birds",
  models: NAMES,
  queries: THINGS.flatMap((thing) => [`How many are three ${thing}s?`, `Where does the ${thing} live?`]),
  quality: matrixOf(
    THINGS.flatMap(() => [
      [1, 0],
      [0, 1],
    ]),
  ),
  cost: matrixOf(
    THINGS.flatMap(() => [
      [1, 1],
      [1, 1],
    ]),
  ),
});

let folder: string;
const members = NAMES.map((name) => ({ name, model: nativeModel(name).path, threads: 1, contextSize: 256 }));
const options = { members, gpu: false as const };

/** The file of a router fitted on the birds. */
async function fittedFile(choice: RouterOptions): Promise<string> {
  const { data, embedder } = await trainingData(table);
  const router = createRouter(choice);
  await router.fit(data);
  const file = path.join(folder, `${choice.name}.json`);
  await writeFile(file, JSON.stringify(routerFile(router, embedder)));
  return file;
}

async function bytesOf(name: (typeof NAMES)[number]): Promise<number> {
  return memoryOfModel(await checkModel(nativeModel(name).path), 256);
}

let knn: RoutedMethod;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "llamafuse-routed-"));
  knn = { name: "knn", router: await fittedFile({ name: "knn", k: 3 }) };
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("an ensemble with a router", () => {
  it("loads only who is asked, says why, and answers as the member alone would", async () => {
    await using ensemble = await createEnsemble({ ...options, method: knn });
    expect(ensemble.loadedMembers).toEqual([]);
    expect(ensemble.methodName).toBe("knn");
    const result = await ensemble.generate(PROMPTS.wren, { maxTokens: 12 });
    expect(ensemble.loadedMembers).toEqual(["wren"]);
    expect(result).toMatchObject({ method: "knn", route: { models: ["wren"], loaded: ["wren"], evicted: [] } });
    expect(result.route.scores).toEqual({ robin: 0, wren: 1 });
    expect(result.route.reason).toMatch(/^wren \(score 1, cost 1\).*passed over robin/);
    expect(Object.keys(result.usage.memberTokens)).toEqual(["wren"]);

    await using alone = await createEnsemble({ ...options, members: [members[1]], method: { name: "single" } });
    const single = await alone.generate(PROMPTS.wren, { maxTokens: 12 });
    expect(result.text).toBe(single.text);

    const again = await ensemble.generate([{ role: "user", content: PROMPTS.robin }], { maxTokens: 4 });
    expect(again.route).toMatchObject({ models: ["robin"], loaded: ["robin"] });
    expect((await ensemble.generate(PROMPTS.wren, { maxTokens: 4 })).route.loaded).toEqual([]);
    expect(ensemble.loadedMembers).toEqual(["robin", "wren"]);
    expect(await ensemble.score(PROMPTS.robin, " nine")).toMatchObject({ route: { models: ["robin"] } });
  });

  it("keeps within its memory: the least recently asked leaves", async () => {
    const [robin, wren] = await Promise.all(NAMES.map(bytesOf));
    const memory = Math.max(robin, wren) + 1000;
    await using ensemble = await createEnsemble({ ...options, method: { ...knn, memory } });
    await ensemble.generate(PROMPTS.robin, { maxTokens: 2 });
    const { route } = await ensemble.generate(PROMPTS.wren, { maxTokens: 2 });
    expect(route).toMatchObject({ loaded: ["wren"], evicted: ["robin"] });
    expect(ensemble.loadedMembers).toEqual(["wren"]);
    expect((await ensemble.generate(PROMPTS.robin, { maxTokens: 2 })).route.evicted).toEqual(["wren"]);
    const tiny = await refusal(() => createEnsemble({ ...options, method: { ...knn, memory: 1e6 } }));
    expect(tiny).toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/memory for members is 1\.0 MiB/),
    });
  });

  it("streams the route before the text", async () => {
    await using ensemble = await createEnsemble({ ...options, method: knn });
    const chunks = [];
    for await (const chunk of ensemble.stream(PROMPTS.wren, { maxTokens: 6 })) chunks.push(chunk);
    expect(chunks[0]).toMatchObject({ text: "", route: { models: ["wren"] } });
    expect(chunks.slice(1).every(({ route }) => route === undefined)).toBe(true);
    const { text } = await ensemble.generate(PROMPTS.wren, { maxTokens: 6 });
    expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
  });

  it("lets several members vote, one in memory at a time", async () => {
    const router = await fittedFile({ name: "avengers", models: 2, clusters: 2, nearest: 1 });
    const memory = Math.max(...(await Promise.all(NAMES.map(bytesOf)))) + 1000;
    await using ensemble = await createEnsemble({ ...options, method: { name: "avengers", router, memory } });
    const result = await ensemble.generate(PROMPTS.wren, { maxTokens: 8 });
    expect(result.route.models).toEqual(["wren", "robin"]);
    expect(result.route.votes).toHaveLength(2);
    expect(result.route).toMatchObject({ loaded: ["wren", "robin"], evicted: ["wren"] });
    expect(Object.keys(result.usage.memberTokens).sort()).toEqual(["robin", "wren"]);
    await using alone = await createEnsemble({ ...options, members: [members[1]], method: { name: "single" } });
    // The first has the larger weight, so that a disagreement is decided by it.
    expect(result.text).toBe((await alone.generate(PROMPTS.wren, { maxTokens: 8 })).text);
  });

  it("serves requests one after another, and stops when it is disposed of", async () => {
    const ensemble = await createEnsemble({ ...options, method: knn });
    const answers = await Promise.all([
      ensemble.generate(PROMPTS.robin, { maxTokens: 3 }),
      ensemble.generate(PROMPTS.wren, { maxTokens: 3 }),
    ]);
    expect(answers.map(({ route }) => route.models[0])).toEqual(["robin", "wren"]);
    const stopped = await ensemble.generate(PROMPTS.robin, { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ text: "", finishReason: "aborted", method: "knn", route: { models: [] } });
    const long = ensemble.generate(PROMPTS.robin, { maxTokens: 200 });
    setTimeout(() => ensemble.dispose(), 5);
    await long.then(
      ({ finishReason }) => expect(["aborted", "stop", "length"]).toContain(finishReason),
      (error) => expect(error).toMatchObject({ code: expect.stringMatching(/aborted|disposed|member-failed/) }),
    );
    await ensemble.dispose();
    expect(ensemble.loadedMembers).toEqual([]);
    expect((await refusal(() => ensemble.generate(PROMPTS.robin))).code).toBe("disposed");
  });

  it("refuses what cannot work before anything is loaded", async () => {
    const lonely = await refusal(() => createEnsemble({ ...options, members: [members[0]], method: knn }));
    expect(lonely).toMatchObject({ code: "incompatible-members", message: expect.stringMatching(/can choose wren/) });
    const renamed = await refusal(() => createEnsemble({ ...options, method: { ...knn, name: "eagle" } }));
    expect(renamed.message).toMatch(/is a knn router; use the method knn instead of eagle/);
    const twice = await refusal(() => createEnsemble({ ...options, method: { ...knn, lambda: 1, threshold: 1 } }));
    expect(twice.message).toMatch(/lambda and threshold/);
    const none = await refusal(() => createEnsemble({ ...options, method: { ...knn, memory: -1 } }));
    expect(none.message).toMatch(/memory for members is -1/);
    const bare = await refusal(() =>
      createEnsemble({ ...options, method: { name: "knn" } as unknown as RoutedMethod }),
    );
    expect(bare.message).toMatch(/knn is a router and needs a fitted router file/);
    const missing = { ...knn, router: path.join(folder, "none.json") };
    expect((await refusal(() => createEnsemble({ ...options, method: missing }))).code).toBe("file-unreadable");
    const damaged = [{ ...members[0], model: path.join(folder, "knn.json") }, members[1]];
    expect((await refusal(() => createEnsemble({ ...options, members: damaged, method: knn }))).code).toBe(
      "invalid-model",
    );
  });
});
