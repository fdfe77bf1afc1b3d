/** Models that load when they are asked for, and leave. */
import { rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { memoryOfModel } from "../../src/before/live/member-memory.js";
import { checkModel, nativeModel } from "../../src/index.js";
import { readModelSpecs } from "../../src/server/models/model-spec.js";
import { type ServeOptions, startServer } from "../../src/server/serve.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { jsonRequest, type Served, serving } from "./support.js";

const at = temporaryFolder();
const CHAT = "/v1/chat/completions";
const CONTEXT = 256;
const member = (name: "robin" | "wren" | "finch") => ({
  name,
  model: nativeModel(name).path,
  contextSize: CONTEXT,
  threads: 1,
});
const ensemble = (...names: Parameters<typeof member>[0][]) =>
  JSON.stringify({ members: names.map(member), method: names.length > 1 ? "unite" : "single" });
const ask = (model: string) => ({ model, messages: [{ role: "user", content: "Hello" }], max_tokens: 2 });

async function bytesOf(...names: Parameters<typeof member>[0][]): Promise<number> {
  const each = await Promise.all(
    names.map(async (name) => memoryOfModel(await checkModel(nativeModel(name).path), CONTEXT)),
  );
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

async function loadedOf({ server }: Served): Promise<Record<string, boolean>> {
  const { data } = (await (await fetch(`${server.address}/v1/models`)).json()) as {
    data: { id: string; llamafuse: { loaded: boolean } }[];
  };
  return Object.fromEntries(data.map(({ id, llamafuse }) => [id, llamafuse.loaded]));
}

const files = {
  one: at("one.json", ensemble("robin")),
  two: at("two.json", ensemble("wren")),
  both: at("both.json", ensemble("robin", "wren")),
};

describe("models", () => {
  it("load when they are asked for, and the least recently used one leaves where memory ends", async () => {
    const memory = (await bytesOf("robin", "wren")) + 1;
    const served = await serving({ ensembles: Object.values(files), memory });
    expect(await loadedOf(served)).toEqual({ one: false, two: false, both: false });
    for (const [model, loaded] of [
      ["one", { one: true, two: false, both: false }],
      ["two", { one: true, two: true, both: false }],
      ["one", { one: true, two: true, both: false }],
      ["both", { one: false, two: false, both: true }],
      ["two", { one: false, two: true, both: false }],
    ] as const) {
      expect((await served.post(CHAT, ask(model))).status).toBe(200);
      expect(await loadedOf(served)).toEqual(loaded);
    }
    const said = served.events.map((event) => ("model" in event ? `${event.what} ${event.model}` : event.what));
    expect(said).toEqual([
      "loaded one",
      "loaded two",
      "unloaded two",
      "unloaded one",
      "loaded both",
      "unloaded both",
      "loaded two",
    ]);
  });

  it("that are pinned stay", async () => {
    const pinned = at("pinned.json", JSON.stringify({ ...JSON.parse(ensemble("robin")), serve: { pin: true } }));
    const memory = (await bytesOf("robin", "wren")) + 1;
    const served = await serving({ ensembles: [pinned, files.two, files.both], memory });
    for (const [model, status] of [
      ["pinned", 200],
      ["two", 200],
      ["both", 503],
      ["pinned", 200],
    ] as const) {
      expect((await served.post(CHAT, ask(model))).status).toBe(status);
    }
    expect(await loadedOf(served)).toEqual({ pinned: true, two: false, both: false });
  });

  it("that are asked for at once all answer, one after another where memory is short", async () => {
    const served = await serving({ ensembles: Object.values(files), memory: (await bytesOf("robin", "wren")) + 1 });
    const asked = ["both", "one", "two", "one", "both"].map((model) => served.post(CHAT, ask(model)));
    for (const response of await Promise.all(asked)) expect(response.status).toBe(200);
  });

  it("that need more than there is, or whose files have gone, are told without a path", async () => {
    const gone = at("gone.json", JSON.stringify({ members: [at("gone.gguf", "no model")] }));
    const served = await serving({ ensembles: [gone, files.both], memory: 1000 });
    for (const model of ["gone", "both"]) {
      const response = await served.post(CHAT, ask(model));
      expect(response.status).toBe(503);
      const text = await response.text();
      expect(text).not.toMatch(/gguf|tmp/);
      expect(JSON.parse(text)).toMatchObject({ error: { type: "server_error", code: "model_unavailable" } });
    }
    expect(served.events.map(({ what }) => what)).toEqual(["failed", "failed"]);
  });

  it("are there before the first request with preload, and a server without one does not start", async () => {
    const served = await serving({ ensembles: [files.one], preload: true });
    expect(await loadedOf(served)).toEqual({ one: true });
    const bad = at("bad.json", JSON.stringify({ members: [at("bad.gguf", "no model")] }));
    await expect(startServer({ port: 0, ensembles: [bad], preload: true })).rejects.toMatchObject({
      code: "model-unavailable",
    });
  });

  it("are others when the files are read again, and those that stay stay loaded", async () => {
    const file = at("changing.json", ensemble("finch"));
    const served = await serving({ ensembles: [files.one, file], preload: true });
    writeFileSync(file, ensemble("wren"));
    const running = served.post(CHAT, { ...ask("changing"), max_tokens: 60 });
    await served.server.reload();
    expect([200, 503]).toContain((await running).status);
    expect(await loadedOf(served)).toEqual({ one: true, changing: false });
    expect((await served.post(CHAT, ask("changing"))).status).toBe(200);
    writeFileSync(file, "{");
    await expect(served.server.reload()).rejects.toMatchObject({ code: "invalid-data" });
    expect((await served.post(CHAT, ask("changing"))).status).toBe(200);
    rmSync(file);
    await expect(served.server.reload()).rejects.toMatchObject({ code: "file-unreadable" });
  });

  it("are called as their files are, each once", async () => {
    expect((await readModelSpecs([], {})).map(({ id }) => id)).toEqual(["llamafuse/native"]);
    await expect(readModelSpecs([files.one, files.one], {})).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("a server", () => {
  it.each<[ServeOptions, RegExp]>([
    [{ host: "0.0.0.0" }, /--api-key-file/],
    [{ host: "192.0.2.1", apiKeyFile: at("keys", "a-key-of-this-server") }, /Cannot listen/],
    [{ apiKeyFile: at("none.keys") }, /does not exist/],
    [{ ensembles: [at("none.json")] }, /does not exist/],
  ])("does not start with %j", async (options, says) => {
    await expect(startServer({ port: 0, ...options })).rejects.toThrow(says);
  });

  it("says that its port is taken", async () => {
    const served = await serving();
    const port = Number(new URL(served.server.address).port);
    await expect(startServer({ port })).rejects.toThrow(/Port \d+ of 127\.0\.0\.1 is in use/);
  });

  it("lets answers end before it does, and takes no new ones", async () => {
    const served = await serving({ ensembles: [files.one], preload: true });
    const asked = { ...ask("one"), stream: true, max_tokens: 100, temperature: 5, seed: 3 };
    const response = await served.post(CHAT, asked);
    const closing = served.server.close();
    const text = await response.text();
    expect(text).toMatch(/\[DONE\]\n\n$/);
    await closing;
    await expect(fetch(`${served.server.address}/health`)).rejects.toThrow();
  });

  it("reads its keys again", async () => {
    const file = at("own.keys", "first-key-0123456789\n");
    const served = await serving({ apiKeyFile: file });
    const status = async (key: string) =>
      (await fetch(`${served.server.address}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await status("first-key-0123456789"), await status("other-key-0123456789")]).toEqual([200, 401]);
    writeFileSync(file, "other-key-0123456789\n");
    await served.server.reload();
    expect([await status("first-key-0123456789"), await status("other-key-0123456789")]).toEqual([401, 200]);
    expect((await fetch(`${served.server.address}${CHAT}`, jsonRequest(ask("x")))).status).toBe(401);
  });
});
