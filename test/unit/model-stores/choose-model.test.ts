import { describe, expect, it } from "vitest";
import { chooseModel } from "../../../src/model-stores/choose-model.js";
import { findModels } from "../../../src/model-stores/find-models.js";
import { ollamaModel } from "../../../src/model-stores/ollama.js";
import { Home } from "../../support/model-stores.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const home = new Home(temporaryFolder()("home"));
home.huggingFace("Qwen/Qwen2.5-0.5B-Instruct-GGUF", ["qwen2.5-0.5b-instruct-q4_k_m.gguf"], { seed: 1 });
home.huggingFace("Qwen/Qwen2.5-1.5B-Instruct-GGUF", ["qwen2.5-1.5b-instruct-q8_0.gguf"], { seed: 2 });
const blob = home.ollama("llama3.2", "1b", { seed: 3 });
const latest = home.ollama("smollm", "latest", { seed: 4 });
home.model(".llamafuse/models/llama.gguf", 5);
const { models } = findModels(home.place());
const choose = (word: string) => chooseModel(word, models).label;

describe("chooseModel", () => {
  it.each([
    ["a part that one model has", "0.5b", "qwen2.5-0.5b-instruct-q4_k_m"],
    ["capitals in either", "INSTRUCT-q8", "qwen2.5-1.5b-instruct-q8_0"],
    ["a part of the repository", "Qwen/Qwen2.5-1.5B", "qwen2.5-1.5b-instruct-q8_0"],
    [
      "the name in full",
      "Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q8_0.gguf",
      "qwen2.5-1.5b-instruct-q8_0",
    ],
    ["an exact name before parts of others", "llama", "llama"],
    ["a file's name", "llama.gguf", "llama"],
    ["Ollama's names", "llama3.2:1b", "llama3.2:1b"],
    ["Ollama's names without the usual tag", "smollm", "smollm:latest"],
    ["a number where it begins", "3.2", "llama3.2:1b"],
  ])("takes %s", (_, word, label) => {
    expect(choose(word)).toBe(label);
  });

  it("lists the models that an ambiguous part fits", () => {
    expect(() => choose("qwen")).toThrowError(
      expect.objectContaining({
        code: "invalid-option",
        message:
          '"qwen" fits 2 models: qwen2.5-0.5b-instruct-q4_k_m (Hugging Face cache), qwen2.5-1.5b-instruct-q8_0 (Hugging Face cache). Type more of the name.',
      }),
    );
  });

  it.each(["wen2.5-0.5b", "lama", "a.gguf"])("takes no part that begins in the middle of a word: %s", (word) => {
    expect(() => choose(word)).toThrowError(expect.objectContaining({ code: "file-unreadable" }));
  });

  it("suggests the nearest name", () => {
    expect(() => choose("smolm")).toThrowError(/Did you mean "smollm:latest"\?/);
    expect(() => choose("rabin")).toThrowError(/Did you mean "robin"\?/);
  });
});

describe("ollamaModel", () => {
  it("is the file of NAME:TAG, and of NAME where the tag is latest", () => {
    expect(ollamaModel("ollama:llama3.2:1b", home.place())).toBe(blob);
    expect(ollamaModel("ollama:smollm", home.place())).toBe(latest);
  });

  it("says where it looked, and the nearest name", () => {
    expect(() => ollamaModel("ollama:llama3.2", home.place())).toThrowError(
      expect.objectContaining({
        code: "file-unreadable",
        message: expect.stringMatching(/\.ollama\/models.*Did you mean "ollama:llama3.2:1b"\?.*ollama pull llama3\.2/),
      }),
    );
  });
});
