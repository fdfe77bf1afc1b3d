/**
 * Whether llama.cpp's log can be shown on a terminal. It writes names and tokens of a file as they are, straight to stderr
 * from native code, so an escape sequence among them could move the cursor, rename the window or write to the clipboard.
 */
import { GgufArray, type GgufMetadata } from "../gguf/metadata.js";

/** Control characters other than tab and line break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
/** Of every list the log shows the first entries, 40 characters of them. */
const SHOWN = 40;
const TOKENS = "tokenizer.ggml.tokens";
/** Types of the tokens that the log names: control and user-defined ones. */
const NAMED_TYPES: ReadonlySet<number> = new Set([3, 4]);

/** The first key under which the log would show a control character; undefined where there is none. */
export function controlCharacterIn(metadata: GgufMetadata): string | undefined {
  for (const [key, { value }] of metadata.entries) {
    if (CONTROL.test(key)) return key;
    if (typeof value === "string" && CONTROL.test(value)) return key;
    if (value instanceof GgufArray && value.elementType === "string" && anyShown(value, key, metadata)) return key;
  }
  return undefined;
}

function anyShown(list: GgufArray, key: string, metadata: GgufMetadata): boolean {
  const types = key === TOKENS ? metadata.array("tokenizer.ggml.token_type", ["int32"])?.numbers() : undefined;
  for (let index = 0; index < list.length; index++) {
    const isShown = index < SHOWN || NAMED_TYPES.has(Number(types?.[index]));
    if (isShown && CONTROL.test(list.stringAt(index))) return true;
  }
  return false;
}
