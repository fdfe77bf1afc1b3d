/** Which files llama.cpp's log may not show on a terminal. */
import { expect, it } from "vitest";
import { type Field, field } from "../../../scripts/lib/gguf-writer.js";
import { tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { controlCharacterIn } from "../../../src/llama/checks/control-characters.js";
import { nativeModels } from "../../../src/native-models.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const keyIn = async (file: string) => controlCharacterIn((await checkModel(file)).gguf.metadata);

it("finds control characters where the log would show them, C1 ones too, and none in sound models", async () => {
  for (const { path } of nativeModels()) expect(await keyIn(path)).toBeUndefined();
  for (const name of ["\u001b]0;title\u0007", "a\u009b31m"]) {
    const [file] = writeTinyModel(at("named.gguf"), { metadata: { "general.name": field.string(name) } });
    expect(await keyIn(file)).toBe("general.name");
  }
  const tags = field.array("string", ["fine", "\u001b[2J"]);
  const [tagged] = writeTinyModel(at("tagged.gguf"), { metadata: { "general.tags": tags } });
  expect(await keyIn(tagged)).toBe("general.tags");
  const [sound] = writeTinyModel(at("sound.gguf"), { metadata: { "general.name": field.string("tab\tand\nline") } });
  expect(await keyIn(sound)).toBeUndefined();
});

it("looks at what the log shows: keys, the first 40 entries of lists, and named tokens", async () => {
  const written = async (
    metadata: Record<string, Field>,
    tokens: Record<number, [text: string, type: number]> = {},
  ) => {
    const own = tinyModel({ metadata }).metadata;
    const changed = <Value>(key: string, place: 0 | 1) => {
      const { elementType, values } = own[key]!.value as { elementType: string; values: Value[] };
      const all = Array.from(values, (value, id) => (tokens[id]?.[place] as Value | undefined) ?? value);
      return field.array(elementType, all as string[]);
    };
    const [file] = writeTinyModel(at("shown.gguf"), {
      metadata: {
        ...metadata,
        "tokenizer.ggml.tokens": changed("tokenizer.ggml.tokens", 0),
        "tokenizer.ggml.token_type": changed("tokenizer.ggml.token_type", 1),
      },
    });
    return await keyIn(file);
  };
  const list = (at: number) =>
    field.array(
      "string",
      Array.from({ length: 60 }, (_, index) => (index === at ? "\u009b" : "a")),
    );
  const [normal, control, userDefined] = [1, 3, 4];
  expect(await written({ "general.\u0007": field.bool(true) })).toBe("general.\u0007");
  expect(await written({ "general.tags": list(39) })).toBe("general.tags");
  expect(await written({ "general.tags": list(40) })).toBeUndefined();
  expect(await written({ "general.numbers": field.array("uint32", [27]) })).toBeUndefined();
  for (const type of [control, userDefined])
    expect(await written({}, { 300: ["\u001b", type] })).toBe("tokenizer.ggml.tokens");
  expect(await written({}, { 300: ["\u001b", normal] })).toBeUndefined();
  for (const code of [0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f, 0x80, 0x9f])
    expect(await written({ "general.name": field.string(`a${String.fromCharCode(code)}`) })).toBe("general.name");
  for (const code of [0x09, 0x0a, 0x0d, 0x20, 0x7e, 0xa0])
    expect(await written({ "general.name": field.string(`a${String.fromCharCode(code)}`) })).toBeUndefined();
});
