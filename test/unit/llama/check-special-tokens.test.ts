/** The tokens that a file names for a purpose: which it must have, and what is taken where it names none. */
import { describe, expect, it } from "vitest";
import { type Field, field } from "../../../scripts/lib/gguf-writer.js";
import { type TinyModelOptions, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;
const SIZE = 320;
const NONE = 0xffff_ffff;

type Fields = Record<string, Field | undefined>;

const written = once((tokenizer: TinyModelOptions["tokenizer"], fields: Fields): string => {
  const metadata = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`tokenizer.ggml.${name}`, value]));
  return writeTinyModel(at(`${count++}.gguf`), { tokenizer, vocabularySize: SIZE, metadata })[0]!;
});

const id = (value: number) => field.uint32(value);

describe("the tokens that begin and end a text", () => {
  it.each<[string, "spm" | "bpe", Fields, object]>([
    ["are those that the file names", "spm", { bos_token_id: id(5), eos_token_id: id(0) }, { bos: 5, eos: 0 }],
    ["may be the last one", "spm", { bos_token_id: id(SIZE - 1) }, { bos: SIZE - 1 }],
    [
      "are SentencePiece's own where it names none",
      "spm",
      { bos_token_id: undefined, eos_token_id: undefined },
      { bos: 1, eos: 2 },
    ],
    [
      "are GPT-2's own where it names none",
      "bpe",
      { bos_token_id: undefined, eos_token_id: undefined },
      { bos: 11, eos: 11 },
    ],
    [
      "are the same for an id of 2^32 - 1",
      "spm",
      { bos_token_id: id(NONE), eos_token_id: id(NONE) },
      { bos: 1, eos: 2 },
    ],
    ["are put first by SentencePiece unless it says otherwise", "spm", { add_bos_token: undefined }, { addBos: true }],
    ["are put first where it says so", "bpe", { add_bos_token: field.bool(true) }, { addBos: true }],
    ["are not put first where it says so", "spm", { add_bos_token: field.bool(false) }, { addBos: false }],
    ["are not put first by GPT-2", "bpe", { add_bos_token: undefined }, { addBos: false }],
  ])("%s (%s, %s)", async (_, tokenizer, fields, wanted) => {
    expect((await checkModel(written(tokenizer, fields))).tokenizer).toMatchObject(wanted);
  });

  it("may be missing among tokens that nobody feeds or chooses", async () => {
    for (const name of ["seperator", "padding", "mask", "fim_pre"])
      await expect(checkModel(written("spm", { [`${name}_token_id`]: id(SIZE) }))).resolves.toBeDefined();
  });
});

it.each(["bos", "eos", "eot", "eom", "unknown"])("%s is a token of the vocabulary", async (name) => {
  const key = `tokenizer.ggml.${name}_token_id`;
  for (const found of [SIZE, SIZE + 7]) {
    const error = await refusal(() => checkModel(written("spm", { [`${name}_token_id`]: id(found) })));
    expect(error.message).toContain(`"${key}" is ${found}, but its vocabulary has the tokens 0 to ${SIZE - 1}.`);
    expect(error.details).toMatchObject({ key, found, allowed: SIZE - 1 });
  }
});

it.each(["bos", "padding", "mask", "fim_pre", "any_other"])("%s is of the type that llama.cpp reads", async (name) => {
  const file = written("spm", { [`${name}_token_id`]: field.int32(1) });
  expect((await refusal(() => checkModel(file))).message).toMatch(
    /_token_id" is of type i32; llama\.cpp reads it as u32/,
  );
});

it("keys that only look like those of tokens are anything", async () => {
  const file = writeTinyModel(at("alike.gguf"), {
    metadata: { "x.tokenizer.ggml.a_token_id": field.int32(1), "tokenizer.ggml.a_token_id.x": field.int32(1) },
  })[0]!;
  expect((await checkModel(file)).tokenizer).toMatchObject({ bos: 1, eos: 2 });
});
