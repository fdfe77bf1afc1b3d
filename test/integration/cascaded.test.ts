/** Cascades at work on the native models: who is asked, who is kept, what is shown and what it costs. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cascadeFile } from "../../src/after/cascade/saved-cascade.js";
import { createCascade, createEnsemble, loadMembers, nativeModel } from "../../src/index.js";
import { cascadeTable } from "../support/cascade-tables.js";
import { refusal } from "../support/refusal.js";

const NAMES = ["sparrow", "raven"] as const;
const PROMPT = "Question: What is a young deer?\nAnswer:";
const members = NAMES.map((name) => ({ name, model: nativeModel(name).path, threads: 1, contextSize: 256 }));
const options = { members, gpu: false as const };
const ALL = { name: "log-probability", threshold: Number.NEGATIVE_INFINITY } as const;
const NONE = { name: "log-probability", threshold: Number.POSITIVE_INFINITY } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "llamafuse-cascaded-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function alone(name: (typeof NAMES)[number], maxTokens: number) {
  const method = { name: "single" } as const;
  await using ensemble = await createEnsemble({
    ...options,
    members: members.filter((each) => each.name === name),
    method,
  });
  return await ensemble.generate(PROMPT, { maxTokens });
}

describe("an ensemble with a cascade", () => {
  it("keeps the first member's answer where it is sure, and loads nobody else", async () => {
    await using ensemble = await createEnsemble({ ...options, method: ALL });
    expect(ensemble.loadedMembers).toEqual([]);
    expect(ensemble.members.map(({ name }) => name)).toEqual([...NAMES]);
    const result = await ensemble.generate(PROMPT, { maxTokens: 12 });
    const single = await alone("sparrow", 12);
    expect(result.text).toBe(single.text);
    expect(result.pieces).toBeUndefined();
    expect(result.cost).toEqual(single.cost);
    expect(result.cascade).toMatchObject({ kept: "sparrow", loaded: ["sparrow"], evicted: [], notes: [] });
    expect(result.cascade.calls).toEqual([
      expect.objectContaining({ member: "sparrow", samples: 1, kept: true, cost: single.cost }),
    ]);
    expect(ensemble.loadedMembers).toEqual(["sparrow"]);
  });

  it("asks the last member where it is not, shows only its answer, and counts both", async () => {
    await using ensemble = await createEnsemble({ ...options, method: NONE });
    const chunks = [];
    const stream = ensemble.stream(PROMPT, { maxTokens: 12 });
    let next = await stream.next();
    for (; !next.done; next = await stream.next()) chunks.push(next.value);
    const result = next.value;
    const [small, large] = [await alone("sparrow", 12), await alone("raven", 12)];
    expect(chunks[0].deferral).toMatchObject({ from: "sparrow", to: "raven" });
    expect(chunks[0].deferral?.reason).toMatch(/sparrow defers to raven: score -0\.\d+ < threshold Infinity/);
    expect(chunks.map(({ text }) => text).join("")).toBe(large.text);
    // Token by token: it is kept whatever it says.
    expect(chunks.filter(({ text }) => text !== "").length).toBeGreaterThan(1);
    expect(result.text).toBe(large.text);
    expect(result.cost.tokens).toBe(small.cost.tokens + large.cost.tokens);
    expect(result.cost.parameterTokens).toBe(small.cost.parameterTokens + large.cost.parameterTokens);
    expect(Object.keys(result.usage.memberTokens).sort()).toEqual(["raven", "sparrow"]);
    expect(result.cascade.calls.map(({ member, kept }) => [member, kept])).toEqual([
      ["sparrow", false],
      ["raven", true],
    ]);
  });

  it("shows an answer that may be rejected only when it is kept, in one piece", async () => {
    await using ensemble = await createEnsemble({ ...options, method: ALL });
    const texts = [];
    for await (const { text } of ensemble.stream(PROMPT, { maxTokens: 12 })) texts.push(text);
    expect(texts.filter((text) => text !== "")).toHaveLength(1);
  });

  it("samples with seeds of their own, repeats with the seed, and keeps a sample", async () => {
    const loaded = await loadMembers(options);
    await using ensemble = await createEnsemble({ members: loaded, method: { name: "mot", samples: 4, threshold: 0 } });
    const one = await ensemble.generate(PROMPT, { maxTokens: 8, seed: 5 });
    const other = await ensemble.generate(PROMPT, { maxTokens: 8, seed: 5 });
    expect(one.text).toBe(other.text);
    expect(one.cascade.calls).toEqual([expect.objectContaining({ member: "sparrow", samples: 4, kept: true })]);
    // Four answers after one reading of the prompt.
    const [call] = one.cascade.calls;
    expect(call.cost.tokens).toBeGreaterThan(3 * 8);
    expect(one.usage.memberTokens.sparrow).toBeGreaterThan(8);
    await loaded.dispose();
  });

  it("takes a fitted file, and refuses one of other members, another name, and options of the fit", async () => {
    const table = cascadeTable(80, 2, { models: 2 });
    const renamed = Object.assign(Object.create(Object.getPrototypeOf(table)), table, { models: NAMES });
    const write = async (file: string, trained: typeof table) => {
      const cascade = createCascade({ name: "quantile-deferral" });
      await cascade.fit({ table: trained });
      await writeFile(path.join(folder, file), JSON.stringify(cascadeFile(cascade)));
      return path.join(folder, file);
    };
    const file = await write("good.json", renamed);
    const method = { name: "quantile-deferral", cascade: file } as const;
    await using ensemble = await createEnsemble({ ...options, method: { ...method, threshold: 2 } });
    expect((await ensemble.generate(PROMPT, { maxTokens: 4 })).cascade.kept).toBe("raven");

    const strangers = await write("strangers.json", table);
    const others = await refusal(() => createEnsemble({ ...options, method: { ...method, cascade: strangers } }));
    expect(others).toMatchObject({ code: "incompatible-members", message: expect.stringContaining("wren") });
    const name = await refusal(() => createEnsemble({ ...options, method: { name: "mot", cascade: file } }));
    expect(name.message).toMatch(/is a quantile-deferral cascade; use the method quantile-deferral instead of mot/);
    const late = await refusal(() => createEnsemble({ ...options, method: { ...method, ridge: 2 } }));
    expect(late.message).toMatch(/ridge of quantile-deferral belongs to its fit/);
    expect((await refusal(() => createEnsemble({ ...options, method: { name: "frugal-gpt" } }))).message).toMatch(
      /needs a fitted file.*Without a fit: log-probability, semantic-agreement, mot/,
    );
    expect((await refusal(() => createEnsemble({ ...options, method: { name: "model-cascading" } }))).message).toMatch(
      /reads probabilities of choices/,
    );
    expect((await refusal(() => createEnsemble({ ...options, method: { name: "automix" } }))).message).toMatch(
      /verifier/,
    );
  });

  it("asks a verifier of the caller's, and refuses what it says out of range", async () => {
    const table = cascadeTable(80, 2, { models: 2 });
    const renamed = Object.assign(Object.create(Object.getPrototypeOf(table)), table, { models: NAMES });
    const cascade = createCascade({ name: "automix", policy: "self-consistency" });
    await cascade.fit({ table: renamed });
    const asked: string[] = [];
    const saying = (value: number) => ({
      name: "automix" as const,
      cascade: { cascade },
      verify: ({ member, answer }: { member: string; answer: string }) => {
        asked.push(`${member}:${answer.length > 0}`);
        return value;
      },
    });
    await using sure = await createEnsemble({ ...options, method: saying(0.9) });
    expect((await sure.generate(PROMPT, { maxTokens: 6 })).cascade).toMatchObject({ kept: "sparrow" });
    await using unsure = await createEnsemble({ ...options, method: saying(0.2) });
    const { calls } = (await unsure.generate(PROMPT, { maxTokens: 6 })).cascade;
    expect(calls.map(({ member, verifier }) => [member, verifier])).toEqual([
      ["sparrow", 0.2],
      ["raven", undefined],
    ]);
    expect(asked).toEqual(["sparrow:true", "sparrow:true"]);
    await using wrong = await createEnsemble({ ...options, method: saying(7) });
    expect((await refusal(() => wrong.generate(PROMPT, { maxTokens: 6 }))).message).toMatch(/verifier said 7/);
  });

  it("is its member where there is one, and says where a later one is cheaper", async () => {
    await using one = await createEnsemble({ ...options, members: [members[1]], method: NONE });
    const result = await one.generate(PROMPT, { maxTokens: 6 });
    expect(result.text).toBe((await alone("raven", 6)).text);
    expect(result.cascade.calls).toHaveLength(1);
    await using turned = await createEnsemble({ ...options, members: members.toReversed(), method: NONE });
    const { cascade } = await turned.generate(PROMPT, { maxTokens: 6 });
    expect(cascade.notes).toEqual([expect.stringMatching(/sparrow costs less than raven/)]);
  });

  it("ends at once when it is cancelled, with what was shown", async () => {
    await using ensemble = await createEnsemble({ ...options, method: NONE });
    const early = await ensemble.generate(PROMPT, { maxTokens: 6, signal: AbortSignal.abort() });
    expect(early).toMatchObject({ text: "", finishReason: "aborted", cascade: { calls: [] } });
    const stop = new AbortController();
    let shown = "";
    const stream = ensemble.stream(PROMPT, { maxTokens: 200, signal: stop.signal });
    let next = await stream.next();
    for (; !next.done; next = await stream.next()) {
      shown += next.value.text;
      if (shown !== "") stop.abort();
    }
    expect(next.value).toMatchObject({ finishReason: "aborted", text: shown });
  });
});
