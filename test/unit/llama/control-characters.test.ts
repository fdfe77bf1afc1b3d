/** Which files llama.cpp's log may not show on a terminal. */
import { expect, it } from "vitest";
import { field } from "../../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
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
