/** What is allowed, up to its bounds, and what lies just beyond: valid files pass, and nothing else. */
import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Field, field } from "../../../scripts/lib/gguf-writer.js";
import { type TinyModelOptions, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;

const written = (options: TinyModelOptions) => writeTinyModel(at(`${count++}.gguf`), options)[0]!;
const u32 = field.uint32;

/** Fields of the tiny llama: 2 layers, an embedding of 32, 4 heads with keys of 8, 2 for keys and values. */
type Fields = Record<string, Field | undefined>;
const named = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`llama.${name}`, value]));

const having = once((fields: Fields) => written({ metadata: named(fields) }));

describe("a hyperparameter", () => {
  const epsilon = (value: number): Fields => ({ "attention.layer_norm_rms_epsilon": field.float32(value) });
  const experts = (all: number, used: number, more: Fields = {}): Fields => ({
    expert_count: u32(all),
    expert_used_count: u32(used),
    ...more,
  });
  const groups = (all: number, used?: number): Fields => ({
    expert_group_count: u32(all),
    ...(used !== undefined && { expert_group_used_count: u32(used) }),
  });

  it.each<[string, Fields]>([
    ["the shortest context", { context_length: u32(1) }],
    ["the longest context", { context_length: u32(2 ** 30) }],
    ["an epsilon of 0", epsilon(0)],
    ["an epsilon of 1", epsilon(1)],
    ["an epsilon in 64 bits", { "attention.group_norm_epsilon": field.float64(1e-5) }],
    ["a tiny rope base", { "rope.freq_base": field.float32(1e-30) }],
    [
      "a scaling of 0, which is none",
      { "rope.scaling.factor": field.float32(0), "rope.scale_linear": field.float32(0) },
    ],
    ["a negative number that is neither", { "attention.scale": field.float32(-1) }],
    ...["none", "linear", "yarn", "longrope"].map((type): [string, Fields] => [
      `scaling by ${type}`,
      { "rope.scaling.type": field.string(type) },
    ]),
    ["no pooling", { pooling_type: u32(0) }],
    ["pooling that is not said", { pooling_type: u32(0xffff_ffff) }],
    ["attention that is causal", { "attention.causal": field.bool(true) }],
    ["a head for keys and values each", { "attention.head_count_kv": u32(4) }],
    ["one head for all keys and values", { "attention.head_count_kv": u32(1) }],
    ["heads by layer that are alike", { "attention.head_count": field.array("uint32", [4, 4]) }],
    ["key lengths that are said", { "attention.key_length": u32(8), "attention.value_length": u32(8) }],
    [
      "heads that do not divide the embedding, with a length of their own",
      {
        ...{ "attention.head_count": u32(6), "attention.head_count_kv": u32(3) },
        ...{ "attention.key_length": u32(8), "attention.value_length": u32(8) },
      },
    ],
    [
      "numbers whose names only look like those of positions",
      Object.fromEntries(
        [
          "x.rope.freq_base",
          "x.rope.scaling.factor",
          "rope.scaling.factor.x",
          "x.rope.scale_linear",
          "rope.scale_linear.x",
        ].map((name) => [name, field.float32(-1)]),
      ),
    ],
    ["positions for a whole head", { "rope.dimension_count": u32(8) }],
    ["no experts", experts(0, 0, groups(0))],
    ["one expert", experts(1, 1)],
    ["1024 experts", experts(1024, 1024)],
    ["experts in one group", experts(8, 2, groups(1))],
    ["experts in groups of one", experts(8, 2, groups(4, 3))],
    ["an only group that is used", experts(8, 2, groups(2, 1))],
  ])("passes: %s", async (_, fields) => {
    expect((await checkModel(having(fields))).architecture).toBe("llama");
  });

  it("passes for an embedder: pooling by rank", async () => {
    const file = written({ metadata: named({ pooling_type: u32(4) }) });
    expect((await checkModel(file, { embedding: true })).architecture).toBe("llama");
  });

  it.each<[string, Fields, RegExp]>([
    ["no context", { context_length: u32(0) }, /context_length" is 0; 1 to 1073741824/],
    ["a longer context", { context_length: u32(2 ** 30 + 1) }, /context_length" is 1073741825/],
    ["an epsilon above 1", epsilon(1.001), /epsilon" is 1\.00\d+; a number from 0 to 1/],
    ["a negative epsilon", epsilon(-1e-30), /a number from 0 to 1/],
    [
      "an epsilon above 1 in 64 bits",
      { "attention.group_norm_epsilon": field.float64(2) },
      /is 2; a number from 0 to 1/,
    ],
    ["an infinite epsilon in 64 bits", { "attention.layer_norm_epsilon": field.float64(Infinity) }, /a finite number/],
    [
      "an infinite number of any name",
      { "attention.scale": field.float32(-Infinity) },
      /scale" is -Infinity; a finite/,
    ],
    ["a negative rope base", { "rope.freq_base_swa": field.float32(-1) }, /freq_base_swa" is -1; a positive number/],
    ["a negative scaling", { "rope.scaling.factor": field.float32(-0.5) }, /is -0\.5; 0 or a positive number/],
    ["a negative linear scaling", { "rope.scale_linear": field.float32(-1) }, /scale_linear" is -1; 0 or a positive/],
    ["pooling of no kind", { pooling_type: u32(5) }, /pooling_type" is 5; 0 to 4/],
    ["a head too many for keys and values", { "attention.head_count_kv": u32(8) }, /is 8; a divisor of the 4 heads/],
    ["a key of no length", { "attention.key_length": u32(0) }, /key_length" is 0; 1 to/],
    ["a value of another length", { "attention.value_length": u32(4) }, /value_length" is 4; the key length 8/],
    ["an odd number of positions", { "rope.dimension_count": u32(7) }, /dimension_count" is 7; an even number/],
    [
      "positions past a sliding head",
      { "rope.dimension_count_swa": u32(10) },
      /dimension_count_swa" is 10; at most the key length 8/,
    ],
    [
      "positions past a shorter sliding head",
      { "attention.key_length_swa": u32(4) },
      /dimension_count_swa" is 8; at most the key length 4/,
    ],
    ["groups without experts", groups(1), /group_count" is 1; 0 in a model without experts/],
    ["an unused expert", experts(1, 0), /used_count" is 0; 1 to 1/],
    [
      "an odd head",
      {
        ...{ "attention.key_length": u32(7), "attention.value_length": u32(7) },
        ...{ "rope.dimension_count": undefined },
      },
      /key_length" is 7; an even number/,
    ],
    ["no used experts", experts(4, 0), /used_count" is 0; 1 to 4/],
    ["a group an expert", experts(4, 2, groups(4)), /group_count" is 4; 0 to 3/],
    ["no used groups", experts(8, 2, groups(2)), /group_used_count" is 0; 1 to 1/],
    ["every group used", experts(8, 2, groups(4, 4)), /group_used_count" is 4; 1 to 3/],
  ])("is refused: %s", async (_, fields, message) => {
    const file = having(fields);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });
});

describe("layers that predict further tokens", () => {
  const model = (layers: number, predicting: number | undefined, ...without: number[]) =>
    written({
      layers,
      metadata: named({ nextn_predict_layers: predicting === undefined ? undefined : u32(predicting) }),
      tensors: (list) => list.filter(({ name }) => !without.some((layer) => name.startsWith(`blk.${layer}.`))),
    });

  it.each([
    ["none are said", model(2, undefined)],
    ["there are none", model(2, 0)],
    ["they are there", model(3, 1)],
    ["their tensors were left out", model(3, 1, 2)],
    ["all but the first layer are such", model(3, 2)],
    ["all but the first layer are such, without tensors", model(3, 2, 1, 2)],
  ])("are taken where %s", async (_, file) => {
    await expect(checkModel(file)).resolves.toMatchObject({ architecture: "llama" });
  });

  it.each<[string, string, RegExp]>([
    ["nothing is before them", model(3, 3), /nextn_predict_layers" is 3; 0 to 2/],
    ["the layers before them are missing", model(3, 1, 1), /layer 1 of 2 has no tensors/],
    ["they are all that is there", model(3, 1, 0, 1), /layer 0 of 2 has no tensors/],
    ["none are said, and a layer is missing", model(3, undefined, 2), /layer 2 of 3 has no tensors/],
  ])("are refused where %s", async (_, file, message) => {
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });
});

describe("a model in parts", () => {
  const split = (no: Field | undefined, of: Field | undefined): Fields => ({ "split.no": no, "split.count": of });

  it.each<[string, Fields]>([
    ["no count", {}],
    ["a count of 0", split(field.uint16(0), field.uint16(0))],
    ["a count of 1", split(field.uint16(0), field.uint16(1))],
  ])("is one file with %s", async (_, metadata) => {
    const file = written({ metadata });
    expect((await checkModel(file)).parts).toEqual([file]);
  });

  it.each([2, 3, 5])("of %d files has them in order, whichever is named", async (number) => {
    const parts = writeTinyModel(at(`${count++}.gguf`), { parts: number });
    expect(parts).toHaveLength(number);
    for (const part of [parts[0]!, parts.at(-1)!]) expect((await checkModel(part)).parts).toEqual(parts);
  });

  it("needs the name that its count says", async () => {
    const parts = writeTinyModel(at(`${count++}.gguf`), { parts: 2 });
    for (const [from, to] of [
      ["-of-00002", "-of-00003"],
      ["-of-00002", "-of-2"],
      [".gguf", ".GGUF"],
      ["-00001-", "-1-"],
    ] as const) {
      const other = parts[0]!.replace(from, to);
      copyFileSync(parts[0]!, other);
      await expectRefusal(() => checkModel(other), "invalid-model", /one part of 2, and its name/, other);
    }
  });

  it("refuses parts whose numbers or counts are not those of their names", async () => {
    const other = writeTinyModel(at(`${count++}.gguf`), { parts: 3 });
    const parts = writeTinyModel(at(`${count++}.gguf`), { parts: 2 });
    // The second of three in the place of the second of two.
    copyFileSync(other[1]!, parts[1]!);
    await expectRefusal(
      () => checkModel(parts[0]!),
      "invalid-model",
      /says it is part 2 of 3, but its name says part 2 of 2/,
      parts[1]!,
    );
    const bare = written({ metadata: split(undefined, field.uint16(2)) });
    const first = bare.replace(".gguf", "-00001-of-00002.gguf");
    copyFileSync(bare, first);
    copyFileSync(bare, first.replace("00001-of", "00002-of"));
    await expectRefusal(
      () => checkModel(first),
      "invalid-model",
      /has no "split\.no", but its name says part 1/,
      first,
    );
  });

  it.each<[string, Field | undefined, RegExp]>([
    ["one tensor more than there is", field.int32(22), /2 parts have 21 tensors, but "split\.tensors\.count" is 22/],
    ["one tensor fewer", field.int32(20), /have 21 tensors, but .* is 20/],
    ["nothing about tensors", undefined, /have 21 tensors, but .* is missing/],
  ])("is refused where it says %s", async (_, total, message) => {
    const [first] = writeTinyModel(at(`${count++}.gguf`), { parts: 2, splitTensors: total });
    await expectRefusal(() => checkModel(first!), "invalid-model", message, first!);
  });
});
