/** Files that are not GGUF, paths that are no files, and models whose parts are missing or mixed up. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { field, ggufBytes } from "../../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { expectRefusal, refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();

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
  const huge = Buffer.alloc(64, 0xff);
  huge[8] = 0x7b;
  const imatrix = (length: number, name = "blk.0.attn_q.weight") => {
    const head = Buffer.alloc(8);
    head.writeInt32LE(224, 0);
    head.writeInt32LE(length, 4);
    return Buffer.concat([head, Buffer.from(name), Buffer.alloc(300, 0x20)]);
  };
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
    ["the newest pickle", Uint8Array.of(0x80, 5, 0x95), /Python pickle/],
    ["safetensors", safetensors, /a safetensors file.*convert_hf_to_gguf/],
    ...["lmgg", "fmgg", "tjgg", "algg"].map((magic): [string, string, RegExp] => [
      `the old GGML format ${magic}`,
      `${magic}\x03\0\0\0`,
      /the old GGML format/,
    ]),
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed archive.*Unpack it/],
    ["zstandard", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), /compressed archive/],
    ["7z", Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf), /compressed archive/],
    ["rar", "Rar!\x1a\x07", /compressed archive/],
    ["tar", tar, /tar archive/],
    ["a configuration", '{ "architectures": ["LlamaForCausalLM"] }', /a JSON file/],
    ["a list", "\n [1, 2]", /a JSON file/],
    ["XML", "<?xml version='1.0'?><Error>AccessDenied</Error>", /a web page/],
    ["a long message", "x".repeat(600), /begins with "x{40}"/],
    ["text with other characters behind it", `${"x".repeat(40)}\x07`, /begins with "x{40}"/],
    // Each is one thing short of what is known.
    ["a pickle of no known version", Uint8Array.of(0x80, 6, 1, 1), /begins with 80060101/],
    ["a pickle too old", Uint8Array.of(0x80, 1, 1, 1), /begins with 80010101/],
    ["safetensors with a header too large", huge, /begins with ffffffff/],
    ["safetensors cut at its header", safetensors.subarray(0, 8), /begins with 28000000/],
    ["an importance matrix of a long name", imatrix(64), /begins with e0000000/],
    ["an importance matrix cut at its name", imatrix(16).subarray(0, 16), /begins with e0000000/],
    ["an importance matrix", imatrix(17), /importance matrix/],
    ["an importance matrix of the output", imatrix(13, "output.weight"), /importance matrix/],
    ["zeros and a one", new Uint8Array(600).fill(1, 511, 512), /begins with 00000000/],
    ["zeros, as far as it is read", new Uint8Array(600).fill(1, 512), /a file of zero bytes/],
    ["an error message", "Entry not found", /begins with "Entry not found"/],
    ["noise", Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 1, 2, 3), /begins with deadbeef/],
  ])("%s", async (name, content, message) => {
    const file = at(`${name}.gguf`, content);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });
});

describe("a model in several files", () => {
  const parts = writeTinyModel(at("split.gguf"), { parts: 3 });

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

  it("stops between parts when it is told to", async () => {
    const controller = new AbortController();
    let asked = 0;
    // Aborted once the first part has been read.
    const signal = new Proxy(controller.signal, {
      get: (target, name) => (name === "aborted" ? asked++ > 1 : Reflect.get(target, name)),
    });
    expect((await refusal(() => checkModel(parts[0]!, { signal }))).code).toBe("aborted");
    expect(asked).toBe(3);
  });
});
