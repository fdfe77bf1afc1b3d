import { mkdirSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { listModels } from "../../../src/model-stores/list-models.js";
import { Home } from "../../support/model-stores.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let home: Home;
let homes = 0;
beforeEach(() => {
  home = new Home(at(`home-${homes++}`));
});

/** Without the native ones, which every machine has. */
async function list(env: Record<string, string> = {}) {
  const { models, unusable, folders } = await listModels({ place: home.place(env) });
  return { models: models.filter(({ store }) => store !== "native"), unusable, folders };
}

describe("listModels", () => {
  it("tells size, architecture, weights and vocabulary from the header", async () => {
    const [file] = home.model(".cache/llama.cpp/tiny.gguf");
    expect((await list()).models).toEqual([
      {
        label: "tiny",
        name: "tiny.gguf",
        store: "llama.cpp",
        model: file,
        file,
        parts: 1,
        bytes: statSync(file).size,
        architecture: "llama",
        parameters: expect.any(Number),
        quantization: "F32",
        vocabulary: 320,
        contextLength: 128,
        chatTemplate: false,
      },
    ]);
  });

  it("lists the native models on every machine", async () => {
    const { models } = await listModels({ place: home.place() });
    expect(models.map(({ model }) => model)).toEqual(["robin", "wren", "finch", "raven", "sparrow", "swift", "owl"]);
  });

  it("finds the Hugging Face cache by its variables, the most specific first", async () => {
    home.huggingFace("o/usual", ["usual.gguf"], { seed: 1 });
    home.huggingFace("o/xdg", ["xdg.gguf"], { seed: 2, hub: "xdg/huggingface/hub" });
    home.huggingFace("o/home", ["home.gguf"], { seed: 3, hub: "hf/hub" });
    home.huggingFace("o/hub", ["hub.gguf"], { seed: 4, hub: "own" });
    const env: Record<string, string> = {};
    const names = async () => (await list(env)).models.map(({ name }) => name);
    expect(await names()).toEqual(["o/usual/usual.gguf"]);
    env.XDG_CACHE_HOME = home.at("xdg");
    expect(await names()).toEqual(["o/xdg/xdg.gguf"]);
    env.HF_HOME = home.at("hf");
    expect(await names()).toEqual(["o/home/home.gguf"]);
    env.HF_HUB_CACHE = "~/own";
    expect(await names()).toEqual(["o/hub/hub.gguf"]);
  });

  it("lists a file once that several snapshots link to, and of different ones that of refs/main", async () => {
    const folder = home.huggingFace("o/r", ["a.gguf", "q4/b.gguf"], { snapshot: "new" });
    home.huggingFace("o/r", ["a.gguf"], { snapshot: "old" });
    home.huggingFace("o/r", ["old.gguf"], { snapshot: "old", seed: 2 });
    home.write(path.relative(home.folder, path.join(folder, "refs/main")), "new\n");
    utimesSync(path.join(folder, "snapshots/new"), 1, 1);
    const { models } = await list();
    // a.gguf and q4/b.gguf are links to one blob.
    expect(models.map(({ name, file }) => [name, path.relative(folder, file)])).toEqual([
      ["o/r/a.gguf", path.join("snapshots/new/a.gguf")],
      ["o/r/old.gguf", path.join("snapshots/old/old.gguf")],
    ]);
  });

  it("reads Ollama's manifests; names without host, namespace and tag where they are the usual ones", async () => {
    const blob = home.ollama("llama3.2", "1b", { seed: 1 });
    home.ollama("smollm", "latest", { seed: 2 });
    home.ollama("Qwen-GGUF", "Q4_K_M", { seed: 3, host: "hf.co/bartowski" });
    home.ollama("mine", "v1", { seed: 4, host: "registry.ollama.ai/me" });
    const { models } = await list();
    expect(models.map(({ model }) => model)).toEqual([
      "ollama:hf.co/bartowski/Qwen-GGUF:Q4_K_M",
      "ollama:llama3.2:1b",
      "ollama:smollm:latest",
      "ollama:me/mine:v1",
    ]);
    expect(models[1]).toMatchObject({ label: "llama3.2:1b", file: blob, store: "ollama", vocabulary: 320 });
  });

  it("follows OLLAMA_MODELS", async () => {
    home.ollama("usual", "latest", { seed: 1 });
    home.ollama("moved", "latest", { seed: 2, models: "elsewhere" });
    const { models } = await list({ OLLAMA_MODELS: home.at("elsewhere") });
    expect(models.map(({ name }) => name)).toEqual(["ollama:moved:latest"]);
  });

  it("finds LM Studio's folders, old, new and chosen in its settings", async () => {
    home.model(".cache/lm-studio/models/p/old/old.gguf", 1);
    home.model(".lmstudio/models/p/new/new.gguf", 2);
    home.model("big-disk/p/chosen/chosen.gguf", 3);
    home.write(".lmstudio/settings.json", JSON.stringify({ downloadsFolder: home.at("big-disk") }));
    const { models } = await list();
    expect(models.map(({ name }) => name)).toEqual(["p/chosen/chosen.gguf", "p/new/new.gguf", "p/old/old.gguf"]);
    home.write(".lmstudio/settings.json", "{ damaged");
    expect((await list()).models.map(({ label }) => label)).toEqual(["new", "old"]);
  });

  it("finds the caches of llama.cpp and node-llama-cpp, and our own downloads", async () => {
    home.model(".cache/llama.cpp/a.gguf", 1);
    home.model(".node-llama-cpp/models/b.gguf", 2);
    home.model(".llamafuse/models/c.gguf", 3);
    expect((await list()).models.map(({ label, store }) => [label, store])).toEqual([
      ["a", "llama.cpp"],
      ["b", "node-llama-cpp"],
      ["c", "llamafuse"],
    ]);
    home.model("d/d.gguf", 4);
    home.model("e/e.gguf", 5);
    const moved = await list({ LLAMA_CACHE: home.at("d"), LLAMAFUSE_MODELS: home.at("e") });
    expect(moved.models.map(({ label }) => label)).toEqual(["d", "b", "e"]);
  });

  it("shows a model in parts once, with the bytes of all", async () => {
    const parts = home.model(".llamafuse/models/split.gguf", 1, 3);
    const bytes = parts.reduce((sum, part) => sum + statSync(part).size, 0);
    expect((await list()).models).toMatchObject([{ file: parts[0], parts: 3, bytes }]);
  });

  it("leaves out image parts, importance matrices, hidden and half downloaded files", async () => {
    home.model(".llamafuse/models/model.gguf", 1);
    for (const name of [
      "mmproj-model-f16.gguf",
      "model-mmproj.gguf",
      "imatrix.gguf",
      ".hidden.gguf",
      "half.gguf.ipull",
    ])
      home.write(`.llamafuse/models/${name}`, "GGUF");
    const { models, unusable } = await list();
    expect([models.map(({ label }) => label), unusable]).toEqual([["model"], []]);
  });

  it("names what cannot be used, with the reason, and lists the others", async () => {
    home.model(".llamafuse/models/sound.gguf", 1);
    const [cut] = home.model(".llamafuse/models/cut.gguf", 2);
    truncateSync(cut, 5000);
    const parts = home.model(".llamafuse/models/split.gguf", 3, 2);
    rmSync(parts[0]);
    home.write(".llamafuse/models/page.gguf", "<!doctype html>");
    symlinkSync(home.at("nowhere"), home.at(".llamafuse/models/gone.gguf"));
    home.write(".ollama/models/manifests/registry.ollama.ai/library/broken/latest", "{");
    home.write(".ollama/models/manifests/registry.ollama.ai/library/tensors/latest", '{"layers":[]}');
    const { models, unusable } = await list();
    expect(models.map(({ label }) => label)).toEqual(["sound"]);
    expect(Object.fromEntries(unusable.map(({ label, message }) => [label, message]))).toEqual({
      "ollama:broken:latest": "its manifest is damaged. Pull the model again.",
      "ollama:tensors:latest": "its manifest names no GGUF file.",
      cut: expect.stringMatching(/ends inside|bytes/),
      gone: expect.stringMatching(/does not exist/),
      page: expect.stringMatching(/a web page/),
      "split-00002-of-00002": expect.stringMatching(/part 1 of 2/),
    });
  });

  it("tells a folder that cannot be read, and passes over those that do not exist", async () => {
    const file = home.write("file", "");
    const { unusable, folders } = await list({ LLAMA_CACHE: file });
    expect(unusable).toEqual([
      { store: "llama.cpp", file, code: "file-unreadable", message: "the folder cannot be read (ENOTDIR)." },
    ]);
    expect(folders.filter(({ found }) => found).map(({ store }) => store)).toEqual(["llama.cpp"]);
    expect(folders).toContainEqual({ store: "hugging-face", folder: home.at(".cache/huggingface/hub"), found: false });
  });

  it("reads nothing outside the folders: links to folders are not followed, depth has an end", async () => {
    home.model("outside/other.gguf", 1);
    mkdirSync(home.at(".llamafuse/models"), { recursive: true });
    symlinkSync(home.at("outside"), home.at(".llamafuse/models/link"));
    home.model(".llamafuse/models/1/2/in.gguf", 2);
    home.model(".llamafuse/models/1/2/3/deep.gguf", 3);
    expect((await list()).models.map(({ label }) => label)).toEqual(["in"]);
  });

  it("labels by the shortest name that means one model", async () => {
    home.huggingFace("a/r", ["same.gguf"], { seed: 1 });
    home.huggingFace("b/r", ["same.gguf", "raven.gguf"], { seed: 2 });
    home.model(".llamafuse/models/other.gguf", 3);
    home.model(".lmstudio/models/a/r/same.gguf", 4);
    const { models } = await list();
    expect(models.map(({ label }) => label)).toEqual([
      home.at(".cache/huggingface/hub/models--a--r/snapshots/1a2b/same.gguf"),
      "b/r/raven.gguf",
      home.at(".lmstudio/models/a/r/same.gguf"),
      "other",
    ]);
  });
});
