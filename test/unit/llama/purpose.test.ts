/** Files that people give as members and that are something else. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Field, field, writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { randomLora, writeLora } from "../../support/lora.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { writeTinyEncoder } from "../../support/tiny-encoder.js";

const at = temporaryFolder();
let count = 0;
const tensor = { name: "x.weight", type: "F32", shape: [32], data: () => [new Uint8Array(128)] };
const written = (metadata: Record<string, Field>, name = "x.weight") => {
  const file = at(`${count++}.gguf`);
  writeGguf(file, { metadata, tensors: [{ ...tensor, name }] });
  return file;
};
const llama = (metadata: Record<string, Field>, ...names: string[]) =>
  writeTinyModel(at(`${count++}.gguf`), {
    metadata,
    tensors: (list) => [...list, ...names.map((name) => ({ ...tensor, name }))],
  })[0]!;

describe("a file given as a member is named as what it is, with what to do:", () => {
  it.each<[string, () => string, RegExp]>([
    [
      "a LoRA adapter",
      () => writeLora(at("lora.gguf"), randomLora("output.weight", 32, 320)),
      /LoRA adapter: it changes a model of the architecture "llama".*loraAdapters/,
    ],
    [
      "an importance matrix",
      () =>
        written({
          "general.type": field.string("imatrix"),
          "imatrix.datasets": field.array("string", ["wiki"]),
          "imatrix.chunk_count": field.uint32(4),
        }),
      /importance matrix \(imatrix\).*Name the model itself/,
    ],
    [
      "a projector",
      () =>
        written({
          "general.type": field.string("mmproj"),
          "general.architecture": field.string("clip"),
          "clip.has_vision_encoder": field.bool(true),
        }),
      /projector \(mmproj\).*Name the model that it came with/,
    ],
    ["a control vector", () => written({ "general.architecture": field.string("controlvector") }), /control vector/],
    [
      "an embedding model that is an encoder",
      () => writeTinyEncoder(at("encoder.gguf")),
      /embedding model \(pooling "mean"\).*GgufEmbedder/,
    ],
    [
      "an embedding model that could write",
      () => llama({ "llama.pooling_type": field.uint32(3) }),
      /embedding model \(pooling "last"\).*GgufEmbedder\.open/,
    ],
    [
      "a reranker",
      () => llama({ "llama.pooling_type": field.uint32(4) }),
      /reranker: it scores how well a text answers a query/,
    ],
    // Each mark alone will do.
    [
      "an adapter by its tensors",
      () => written({}, "output.weight.lora_a"),
      /LoRA adapter: it changes a model and cannot/,
    ],
    [
      "an adapter by its type, with its model",
      () => written({ "general.type": field.string("adapter"), "general.base_model.0.name": field.string("Robin") }),
      /LoRA adapter: it changes a model \("Robin"\)/,
    ],
    ["statistics by their type", () => written({ "general.type": field.string("imatrix") }), /importance matrix/],
    ["statistics by their texts", () => written({ "imatrix.datasets": field.array("string", ["wiki"]) }), /importance/],
    ["statistics by their count", () => written({ "imatrix.chunk_count": field.uint32(4) }), /importance matrix/],
    ["a projector by its type", () => written({ "general.type": field.string("mmproj") }), /projector/],
    ["a projector by its architecture", () => written({ "general.architecture": field.string("clip") }), /projector/],
    ["a projector by what it encodes", () => written({ "clip.has_vision_encoder": field.bool(true) }), /projector/],
    ["a reranker by its head", () => llama({}, "cls.output.weight"), /reranker/],
  ])("%s", async (_, write, message) => {
    const file = write();
    await expectRefusal(() => checkModel(file), "unsupported-model", message, file);
  });

  it("an importance matrix of the old kind", async () => {
    const file = at("imatrix.dat");
    const name = "blk.0.attn_q.weight";
    const head = Buffer.alloc(8);
    head.writeInt32LE(224, 0);
    head.writeInt32LE(name.length, 4);
    writeFileSync(file, Buffer.concat([head, Buffer.from(name), Buffer.alloc(600)]));
    await expectRefusal(
      () => checkModel(file),
      "invalid-model",
      /importance matrix \(imatrix\) in the old format/,
      file,
    );
  });

  it("but not what only looks so", async () => {
    for (const name of ["output.lora_a.weight", "x.cls.weight", "cls.output.weight.x"])
      await expect(checkModel(llama({}, name))).resolves.toMatchObject({ architecture: "llama" });
    await expect(checkModel(llama({ "general.type": field.uint32(1) }))).resolves.toBeDefined();
  });

  it("embedding models are still embedders", async () => {
    await checkModel(llama({ "llama.pooling_type": field.uint32(3) }), { embedding: true });
  });
});
