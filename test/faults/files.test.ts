/** Whatever is named as a model ends in one error that names it, or passes; never in anything else. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { field, ggufBytes } from "../../scripts/lib/gguf-writer.js";
import { generator, tinyModel, writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { checkModel } from "../../src/llama/check-model.js";
import { loadInChild } from "../support/llama-child.js";
import { expectRefusal, refusal } from "../support/refusal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const shared = path.resolve(import.meta.dirname, "../../../shared");

describe("a path that is no model file", () => {
  it("is missing", async () => {
    writeTinyModel(at("tinyllama.gguf"));
    const file = at("tiny-lama.gguf");
    await expectRefusal(
      () => checkModel(file),
      "file-unreadable",
      /the file does not exist.*Did you mean "tinyllama\.gguf"/,
      file,
    );
  });

  it("is a directory, and the models in it are named", async () => {
    mkdirSync(at("folder"));
    const file = at("folder");
    await expectRefusal(() => checkModel(file), "file-unreadable", /it is a directory/, file);
    writeTinyModel(at("folder/inside.gguf"));
    await expectRefusal(() => checkModel(file), "file-unreadable", /for example inside\.gguf/, file);
  });

  it("goes through a file or in a circle", async () => {
    const through = path.join(at("plain", "x"), "model.gguf");
    await expectRefusal(() => checkModel(through), "file-unreadable", /ENOTDIR/, through);
    symlinkSync(at("circle.gguf"), at("circle.gguf"));
    await expectRefusal(() => checkModel(at("circle.gguf")), "file-unreadable", /ELOOP/, at("circle.gguf"));
  });

  it.skipIf(process.platform === "win32")("is a named pipe, which nobody waits for", async () => {
    execFileSync("mkfifo", [at("pipe.gguf")]);
    await expectRefusal(() => checkModel(at("pipe.gguf")), "file-unreadable", /not a regular file/, at("pipe.gguf"));
  });

  it.skipIf(process.platform === "win32" || process.getuid?.() === 0)("may not be read", async () => {
    const [file] = writeTinyModel(at("secret.gguf"));
    chmodSync(file!, 0);
    await expectRefusal(() => checkModel(file!), "file-unreadable", /may not be read.*read permission/, file!);
  });
});

describe("a file that is something else says what it looks like", () => {
  const safetensors = Buffer.alloc(64, " ");
  safetensors.writeBigUInt64LE(40n);
  safetensors.write('{"weight": {', 8);
  const tar = Buffer.alloc(512);
  tar.write("model/weights.bin");
  tar.write("ustar", 257);
  it.each<[string, string | Uint8Array, RegExp]>([
    ["nothing", "", /it is empty \(0 bytes\)/],
    ["half a magic number", "GG", /it ends after 2 bytes/],
    ["a magic number alone", "GGUF", /the file ends inside the version number/],
    ["zeros", new Uint8Array(4096), /zero bytes, most often a download that was reserved/],
    ["a web page", "\n<!DOCTYPE html><html><title>Sign in</title>", /a web page.*Download the file itself/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0", /Git LFS pointer.*git lfs pull/],
    ["a zip archive", "PK\x03\x04....", /PyTorch checkpoint.*convert_hf_to_gguf/],
    ["a pickle", Uint8Array.of(0x80, 2, 0x8a, 10), /Python pickle/],
    ["safetensors", safetensors, /a safetensors file.*convert_hf_to_gguf/],
    ["the old GGML format", "tjgg\x03\0\0\0", /the old GGML format/],
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed archive.*Unpack it/],
    ["tar", tar, /tar archive/],
    ["a configuration", '{ "architectures": ["LlamaForCausalLM"] }', /a JSON file/],
    ["an error message", "Entry not found", /begins with "Entry not found"/],
    ["noise", Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 1, 2, 3), /begins with deadbeef/],
  ])("%s", async (name, content, message) => {
    const file = at(`${name}.gguf`, content);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });
});

describe("a truncated file", () => {
  it.each(["spm", "bpe"] as const)("is refused wherever it ends (%s)", async (tokenizer) => {
    const whole = ggufBytes(tinyModel({ tokenizer, dim: 16, heads: 2 }));
    const { gguf } = await checkModel(at("whole.gguf", whole));
    const random = generator(7);
    const ends = new Set(Array.from({ length: 300 }, () => Math.floor(random() * whole.length)));
    // Around every part of the header and the end of every tensor; the padding behind the last one may be missing.
    const last = gguf.tensors.at(-1)!;
    for (const key of gguf.metadata.entries.keys()) {
      const begin = whole.indexOf(key);
      for (const near of [begin - 8, begin, begin + key.length, begin + key.length + 4]) ends.add(near);
    }
    for (const { name, offset, bytes } of gguf.tensors)
      for (const near of [whole.indexOf(name), offset, offset + bytes - 1]) ends.add(near);
    for (const near of [0, 1, 4, 8, 16, 23, 24, gguf.dataOffset]) ends.add(near);
    expect(ends.size).toBeGreaterThan(350);
    for (const end of ends) {
      if (end >= last.offset + last.bytes) continue;
      const error = await refusal(() => checkModel(at("cut.gguf", whole.subarray(0, end))));
      expect(error.code).toBe("invalid-model");
    }
  });
});

describe("a model in several files", () => {
  const parts = writeTinyModel(at("split.gguf"), { parts: 3 });

  it("passes as a whole, whichever part is named, and llama.cpp loads it", async () => {
    for (const part of parts) {
      const model = await checkModel(part);
      expect(model).toMatchObject({ path: parts[0], parts, parameters: 39_072 });
      expect(model.bytes).toBeGreaterThan(156_288);
    }
    expect(await loadInChild({ file: parts[0]!, variants: [[]] })).toEqual({ outcomes: ["ran"] });
  });

  it("names the part that is missing", async () => {
    const others = writeTinyModel(at("incomplete.gguf"), { parts: 3 });
    rmSync(others[1]!);
    await expectRefusal(() => checkModel(others[0]!), "file-unreadable", /part 2 of 3 cannot be read/, others[1]!);
  });

  it("names the part that is damaged", async () => {
    const others = writeTinyModel(at("damaged.gguf"), { parts: 2 });
    at("damaged-00002-of-00002.gguf", "<html>");
    await expectRefusal(() => checkModel(others[0]!), "invalid-model", /a web page/, others[1]!);
  });

  it("refuses parts under other names", async () => {
    const renamed = at("renamed.gguf");
    copyFileSync(parts[0]!, renamed);
    await expectRefusal(() => checkModel(renamed), "invalid-model", /one part of 3, and its name/, renamed);
  });

  it("refuses a part in another's place", async () => {
    const others = writeTinyModel(at("swapped.gguf"), { parts: 2 });
    copyFileSync(others[0]!, others[1]!);
    await expectRefusal(() => checkModel(others[0]!), "invalid-model", /says it is part 1 of 2/, others[1]!);
  });

  it("refuses parts of two models", async () => {
    const others = writeTinyModel(at("mixed.gguf"), { parts: 2 });
    copyFileSync(writeTinyModel(at("other.gguf"), { parts: 2, layers: 4 })[1]!, others[1]!);
    await expectRefusal(() => checkModel(others[0]!), "invalid-model", /parts have \d+ tensors/, others[0]!);
  });

  it("refuses a part number of another type, on which llama.cpp aborts", async () => {
    const others = writeTinyModel(at("typed.gguf"), { parts: 2 });
    const wrong = {
      "split.no": field.uint32(1),
      "split.count": field.uint16(2),
      "split.tensors.count": field.int32(21),
    };
    at("typed-00002-of-00002.gguf", ggufBytes({ metadata: wrong, tensors: [] }));
    await expectRefusal(() => checkModel(others[0]!), "invalid-model", /"split\.no" is of type u32/, others[1]!);
  });
});

describe.skipIf(!existsSync(path.join(shared, "models")))("the files of ../shared", () => {
  const files = (folder: string) =>
    existsSync(path.join(shared, folder)) ? readdirSync(path.join(shared, folder)) : [];

  it.each(files("models"))("accepts the model %s", async (name) => {
    const model = await checkModel(path.join(shared, "models", name));
    expect(model.parameters).toBeGreaterThan(100_000);
  });

  it.each(files("faults"))("refuses the fault %s", async (name) => {
    const file = path.join(shared, "faults", name);
    expect((await refusal(() => checkModel(file))).message).toContain(name);
  });
});
if (!existsSync(path.join(shared, "models"))) console.log("skipped: no models at ../shared/models");
