import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Home } from "../support/model-stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const home = new Home(temporaryFolder()("home"));
home.huggingFace("Qwen/Qwen2.5-0.5B-Instruct-GGUF", ["qwen2.5-0.5b-instruct-q4_k_m.gguf"], { seed: 1 });
home.huggingFace("Qwen/Qwen2.5-1.5B-Instruct-GGUF", ["qwen2.5-1.5b-instruct-q8_0.gguf"], { seed: 2 });
const blob = home.ollama("robin-talks", "latest", { seed: 3 });
if (models !== undefined) copyFileSync(models[0], blob);
home.write(".llamafuse/models/page.gguf", "<!doctype html>");

/** A machine with these stores and no others. */
const unset = ["XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "LLAMAFUSE_MODELS"];
const env = { ...Object.fromEntries(unset.map((name) => [name, undefined])), HOME: home.folder };
const llamafuse = (...args: string[]) => run(args, { env });

describe("llamafuse models", () => {
  it("lists models by store, with what cannot be a member and why", async () => {
    const { code, stdout, stderr } = await llamafuse("models");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Hugging Face cache\n.*model.*size.*architecture.*weights.*vocabulary\n/);
    expect(stdout).toMatch(/^ {2}qwen2\.5-0\.5b-instruct-q4_k_m +\S+ KiB +llama +F32 +320 tokens$/m);
    expect(stdout).toMatch(/^Ollama\n {2}robin-talks:latest/m);
    expect(stdout).toMatch(/^native models of Llamafuse\n {2}robin /m);
    expect(stdout).toMatch(/^Cannot be members\n {2}page .*\n {4}it is a web page/m);
  });

  it("--json has models, unusable files and folders", async () => {
    const { models: listed, unusable, folders } = JSON.parse((await llamafuse("models", "--json")).stdout);
    expect(listed[0]).toMatchObject({ store: "hugging-face", vocabulary: 320, parts: 1 });
    expect(unusable).toMatchObject([{ label: "page", code: "invalid-model" }]);
    expect(folders.map(({ store }: { store: string }) => store)).toContain("lm-studio");
  });

  it("PART lists the models with it in their name; none is said", async () => {
    expect((await llamafuse("models", "0.5B", "--names")).stdout).toBe("qwen2.5-0.5b-instruct-q4_k_m\n");
    expect((await llamafuse("models", "phi")).stdout).toMatch(/No model has "phi" in its name/);
  });

  it("holds at 40 columns without cutting a name", async () => {
    const { stdout } = await run(["models"], { env: { ...env, COLUMNS: "40" } });
    expect(stdout).toContain("qwen2.5-1.5b-instruct-q8_0");
  });
});

describe.skipIf(models === undefined)("--member", () => {
  it("takes ollama:NAME", async () => {
    const ended = await llamafuse("generate", "-m", "ollama:robin-talks", "-n", "3", "--json", "Once");
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout).usage.steps).toBe(3);
  });

  it("takes a part of one model's name, and says which it is", async () => {
    const ended = await llamafuse("generate", "-m", "talks", "-n", "3", "Once");
    expect(ended).toMatchObject({ code: 0, stderr: 'llamafuse: "talks" is ollama:robin-talks:latest (Ollama).\n' });
    const inspected = await llamafuse("inspect", "0.5b", "--json");
    expect(inspected.stderr).toBe(
      'llamafuse: "0.5b" is Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf (Hugging Face cache).\n',
    );
    expect(JSON.parse(inspected.stdout).models[0].tokens).toBe(320);
  });

  it("refuses a part of several names and lists them, before anything is loaded", async () => {
    expect(await llamafuse("generate", "-m", "qwen", "Once")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/"qwen" fits 2 models: .*0\.5b.*, .*1\.5b.*Type more of the name\.\n$/),
    });
  });

  it.each([
    ["of a part that no name has", "quen2.5-0.5b-instruct-q4_k_m", /Did you mean "qwen2\.5-0\.5b-instruct-q4_k_m"/],
    ["of an unknown name in Ollama's store", "ollama:robin-talk", /Did you mean "ollama:robin-talks"/],
    ["of a file that is not there", "./missing.gguf", /missing\.gguf: the file does not exist\. Check the path/],
    ["of a bare file name that is not there", "zzz.gguf", /zzz\.gguf: the file does not exist\. Check the path/],
  ])("tells the cure %s", async (_, word, message) => {
    expect(await llamafuse("generate", "-m", word, "Once")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(message),
    });
  });
});
