/** Which files llama.cpp's log may not show on a terminal. */
import { closeSync, openSync } from "node:fs";
import { expect, it } from "vitest";
import { type Field, field, writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { controlCharacterIn } from "../../../src/llama/checks/control-characters.js";
import { readGgufHeader } from "../../../src/llama/gguf.js";
import { nativeModels } from "../../../src/native-models.js";
import { once } from "../../support/once.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;

const metadataOf = once((file: string) => {
  const descriptor = openSync(file, "r");
  try {
    return readGgufHeader(descriptor, file).metadata;
  } finally {
    closeSync(descriptor);
  }
});
const written = once((fields: Record<string, Field>) => {
  const file = at(`${count++}.gguf`);
  writeGguf(file, { metadata: { "general.architecture": field.string("llama"), ...fields }, tensors: [] });
  return file;
});
const keyIn = (fields: Record<string, Field>) => controlCharacterIn(metadataOf(written(fields)));

const name = (text: string) => ({ "general.name": field.string(text) });
/** 60 strings, of which this one has a control character. */
const strings = (bad: number) =>
  field.array(
    "string",
    Array.from({ length: 60 }, (_, index) => (index === bad ? "\u009b" : "a")),
  );
const tokens = (bad: number, type: number) => ({
  "tokenizer.ggml.tokens": strings(bad),
  "tokenizer.ggml.token_type": field.array(
    "int32",
    Array.from({ length: 60 }, (_, index) => (index === bad ? type : 1)),
  ),
});
const [NORMAL, CONTROL, USER_DEFINED, BYTE] = [1, 3, 4, 6];

it("finds none in sound models", () => {
  for (const { path } of nativeModels()) expect(controlCharacterIn(metadataOf(path))).toBeUndefined();
});

it.each<[string, Record<string, Field>, string]>([
  ["a sequence that renames the window", name("\u001b]0;title\u0007"), "general.name"],
  ...[0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f, 0x80, 0x9f].map((code): [string, Record<string, Field>, string] => [
    `the control character ${code}`,
    name(`a${String.fromCharCode(code)}`),
    "general.name",
  ]),
  ["a key", { "general.\u0007": field.bool(true) }, "general.\u0007"],
  ["the 40th string of a list", { "general.tags": strings(39) }, "general.tags"],
  ["the 40th token", tokens(39, NORMAL), "tokenizer.ggml.tokens"],
  ["a control token", tokens(50, CONTROL), "tokenizer.ggml.tokens"],
  ["a user-defined token", tokens(50, USER_DEFINED), "tokenizer.ggml.tokens"],
])("finds what the log would show: %s", (_, fields, key) => {
  expect(keyIn(fields)).toBe(key);
});

it.each<[string, Record<string, Field>]>([
  ["tabs and line breaks", name("tab\tand\nline\r")],
  ["characters beside those of control", name("\u0020\u007e\u00a0")],
  ["a later string of a list", { "general.tags": strings(40) }],
  ["a later token", tokens(50, NORMAL)],
  ["a later byte token", tokens(50, BYTE)],
  ["tokens without types", { "tokenizer.ggml.tokens": strings(50) }],
  ["numbers", { "general.numbers": field.array("uint32", [27]) }],
])("lets pass what is harmless or not shown: %s", (_, fields) => {
  expect(keyIn(fields)).toBeUndefined();
});
