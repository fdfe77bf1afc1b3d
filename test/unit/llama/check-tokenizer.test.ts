import { describe, it } from "vitest";
import { type Field, field } from "../../../scripts/lib/gguf-writer.js";
import { type TinyModelOptions, tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import type { ErrorCode } from "../../../src/errors.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;
const written = once((options: TinyModelOptions) => writeTinyModel(at(`${count++}.gguf`), options)[0]!);

/** A list out of the tiny model's own metadata, changed. */
function changed<T>(tokenizer: "spm" | "bpe", key: string, change: (values: T[]) => void): Record<string, Field> {
  const { value } = tinyModel({ tokenizer }).metadata[key]!;
  const { elementType, values } = value as { elementType: string; values: T[] };
  const own = [...values];
  change(own);
  return { [key]: field.array(elementType, own as string[]) };
}

type Case = [string, TinyModelOptions, RegExp, ErrorCode?];
const only = (metadata: Record<string, Field | undefined>): TinyModelOptions => ({ metadata });
const bpe = (metadata: Record<string, Field | undefined>): TinyModelOptions => ({ tokenizer: "bpe", metadata });
const u32 = (key: string, value: number) => only({ [key]: field.uint32(value) });

describe("a vocabulary is refused", () => {
  const tokens = (tokenizer: "spm" | "bpe", change: (values: (string | Uint8Array)[]) => void): TinyModelOptions => ({
    tokenizer,
    metadata: changed(tokenizer, "tokenizer.ggml.tokens", change),
  });
  it.each<Case>([
    ["no tokenizer", only({ "tokenizer.ggml.model": undefined }), /"tokenizer\.ggml\.model" is missing/],
    [
      "an unknown tokenizer",
      only({ "tokenizer.ggml.model": field.string("lama") }),
      /is "lama"; this release/,
      "unsupported-model",
    ],
    [
      "no vocabulary",
      only({ "tokenizer.ggml.model": field.string("none") }),
      /no vocabulary to write text with/,
      "unsupported-model",
    ],
    ["no tokens", only({ "tokenizer.ggml.tokens": undefined }), /vocabulary has no tokens/],
    ["no scores", only({ "tokenizer.ggml.scores": undefined }), /"tokenizer\.ggml\.scores" is missing/],
    [
      "a score too few",
      { metadata: changed<number>("spm", "tokenizer.ggml.scores", (scores) => scores.pop()) },
      /319 entries for 320 tokens/,
    ],
    [
      "a score that is NaN",
      { metadata: changed<number>("spm", "tokenizer.ggml.scores", (scores) => void (scores[7] = Number.NaN)) },
      /score of token 7 is not finite/,
    ],
    [
      "a type too many",
      { metadata: changed<number>("spm", "tokenizer.ggml.token_type", (types) => types.push(1)) },
      /321 entries for 320 tokens/,
    ],
    [
      "a type that does not exist",
      { metadata: changed<number>("spm", "tokenizer.ggml.token_type", (types) => void (types[9] = 7)) },
      /token 9 has the type 7; 0 to 6/,
    ],
    ["two tokens with one text", tokens("spm", (list) => void (list[300] = list[299]!)), /tokens 299 and 300 are both/],
    [
      "two tokens that are one up to a NUL",
      tokens("bpe", (list) => void (list[300] = `${String(list[299])}\0x`)),
      /tokens 299 and 300/,
    ],
    [
      "an empty token whose place has a name",
      tokens("bpe", (list) => {
        list[300] = "";
        list[301] = "[EMPTY_300]";
      }),
      /tokens 301 and 300/,
    ],
    [
      "a byte token that is no byte",
      tokens("spm", (list) => void (list[13] = "<0xG0>")),
      /token 13 is of the type "byte" but its text is "<0xG0>"/,
    ],
    [
      "a byte that is missing",
      {
        metadata: {
          ...changed<string>("spm", "tokenizer.ggml.tokens", (list) => void (list[13] = "spare")),
          ...changed<number>("spm", "tokenizer.ggml.token_type", (types) => void (types[13] = 1)),
        },
      },
      /lacks 1 of the 256 byte tokens \(<0x0A>\)/,
    ],
    ["no merges", bpe({ "tokenizer.ggml.merges": undefined }), /"tokenizer\.ggml\.merges" is missing/],
    [
      "a merge without a space",
      { tokenizer: "bpe", metadata: changed<string>("bpe", "tokenizer.ggml.merges", (list) => void (list[3] = "ab")) },
      /merge 3 is "ab"; two parts/,
    ],
    [
      "a merge without a second part",
      { tokenizer: "bpe", metadata: changed<string>("bpe", "tokenizer.ggml.merges", (list) => void (list[0] = "a ")) },
      /merge 0 is "a "/,
    ],
    [
      "an unknown pre-tokenizer",
      bpe({ "tokenizer.ggml.pre": field.string("gpt-9") }),
      /pre-tokenizer is "gpt-9"/,
      "unsupported-model",
    ],
    ["no line break", tokens("bpe", (list) => void (list[10] = "spare")), /no token for a line break/],
    [
      "a special token outside",
      u32("tokenizer.ggml.bos_token_id", 320),
      /bos_token_id" is 320, but its vocabulary has the tokens 0 to 319/,
    ],
    ["an end token outside", u32("tokenizer.ggml.eot_token_id", 5000), /eot_token_id" is 5000/],
    ["a signed special token", only({ "tokenizer.ggml.eos_token_id": field.int32(2) }), /of type i32/],
    [
      "begins with a token that is none",
      bpe({
        "tokenizer.ggml.add_bos_token": field.bool(true),
        "tokenizer.ggml.pre": field.string("glm4"),
        "tokenizer.ggml.bos_token_id": undefined,
      }),
      /begins every text.*"tokenizer\.ggml\.bos_token_id" names none/,
    ],
  ])("%s", async (_, options, message, code = "invalid-model") => {
    const file = written(options);
    await expectRefusal(() => checkModel(file), code, message, file);
  });
});
