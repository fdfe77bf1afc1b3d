/**
 * The vocabulary of a model file. llama.cpp aborts on two tokens with one text, and on the first text that a
 * vocabulary without byte tokens cannot spell; what it merely refuses is refused here first, with a reason.
 */
import type { VocabularyKind } from "../../vocabulary/vocabulary.js";
import type { GgufArray, GgufMetadata } from "../gguf/metadata.js";
import type { GgufHeader } from "../gguf.js";
import { Cure, invalidModel, quoted, unsupportedModel } from "./model-error.js";
import { checkCharacterMap, checkPlamoBytes, checkRwkvBytes } from "./other-tokenizers.js";
import { PRE_TOKENIZERS, type PreTokenizer } from "./pre-tokenizers.js";
import { checkSpecialTokens } from "./special-tokens.js";
import { TokenTable } from "./token-table.js";

export interface TokenizerFacts {
  kind: VocabularyKind;
  /** `tokenizer.ggml.model`: "llama" (SentencePiece), "gpt2" (byte-level BPE), … */
  model: string;
  /** `tokenizer.ggml.pre`, for byte-pair vocabularies. */
  pre?: string;
  size: number;
  /** Beginning-of-text token, or -1. */
  bos: number;
  /** End-of-text token, or -1. */
  eos: number;
  /** Whether the tokenizer puts `bos` before a text. */
  addBos: boolean;
  /** Whether the metadata asks for a space before the first word. */
  addSpacePrefix: boolean;
}

/** The tokenizers of this release that can spell any text. */
const KINDS: Readonly<Record<string, VocabularyKind>> = {
  llama: "spm",
  gpt2: "bpe",
  gemma4: "bpe",
  hybriddna: "bpe",
  whitespace: "bpe",
  bert: "other",
  t5: "other",
  rwkv: "other",
  plamo2: "other",
};
const WITHOUT_TEXT = ["none", "no_vocab"];

/** Token types as the format numbers them: 0 undefined … 6 byte. */
const LAST_TOKEN_TYPE = 6;
const BYTE_TOKEN = 6;

export function checkTokenizer(header: GgufHeader): TokenizerFacts {
  const { metadata, file } = header;
  const model = metadata.string("tokenizer.ggml.model");
  if (model === undefined)
    throw invalidModel(file, '"tokenizer.ggml.model" is missing.', Cure.convert, { key: "tokenizer.ggml.model" });
  const kind = tokenizerKind(file, model);
  const pre = kind === "bpe" ? preTokenizer(metadata, model) : undefined;
  const tokens = metadata.array("tokenizer.ggml.tokens", ["string"]);
  if (tokens === undefined || tokens.length === 0) {
    throw invalidModel(file, "its vocabulary has no tokens.", Cure.convert, { key: "tokenizer.ggml.tokens", found: 0 });
  }
  const needed = kind === "spm" || model === "t5" || model === "plamo2";
  checkScores(metadata, tokens.length, needed);
  const types = checkTypes(metadata, tokens.length, needed);
  const table = new TokenTable(tokens);
  refuseDuplicate(file, table);
  checkByteTokens(file, table, types, model);
  if (kind === "spm") requireAllBytes(file, table);
  if (kind === "bpe") checkMerges(metadata, pre!.name);
  if (kind === "bpe" && model !== "whitespace") requireLineBreak(file, table, pre!.rules);
  if (model === "rwkv") checkRwkvBytes(file, table);
  if (model === "plamo2") checkPlamoBytes(file, table, types);
  if (model === "t5") checkCharacterMap(metadata);
  metadata.array("tokenizer.ggml.suppress_tokens", ["int32"]);
  const special = checkSpecialTokens(metadata, table, model, pre?.rules);
  const addSpacePrefix = metadata.bool("tokenizer.ggml.add_space_prefix") ?? kind === "spm";
  return { kind, model, ...(pre && { pre: pre.name }), size: tokens.length, ...special, addSpacePrefix };
}

function tokenizerKind(file: string, model: string): VocabularyKind {
  const kind = KINDS[model];
  if (kind !== undefined && Object.hasOwn(KINDS, model)) return kind;
  const allowed = Object.keys(KINDS);
  const problem = WITHOUT_TEXT.includes(model)
    ? `its tokenizer is "${model}": it has no vocabulary to write text with.`
    : `its tokenizer is ${quoted(model)}; this release of llama.cpp knows ${allowed.join(", ")}.`;
  throw unsupportedModel(file, problem, Cure.update, { key: "tokenizer.ggml.model", found: model, allowed });
}

/** The rules by which llama.cpp cuts a text into words before it merges letters. */
function preTokenizer(metadata: GgufMetadata, model: string): { name: string; rules: PreTokenizer } {
  const key = "tokenizer.ggml.pre";
  const said = metadata.string(key) || "default";
  const name = model === "gemma4" ? "gemma4" : said;
  const rules = PRE_TOKENIZERS.get(name);
  if (rules === undefined) {
    const problem = `its pre-tokenizer is ${quoted(name)}, which this release of llama.cpp does not know.`;
    throw unsupportedModel(metadata.file, problem, Cure.update, {
      key,
      found: name,
      allowed: [...PRE_TOKENIZERS.keys()],
    });
  }
  if (name === "whitespace" && model !== "whitespace") {
    const problem = `its pre-tokenizer is "whitespace" but its tokenizer is "${model}"; llama.cpp aborts on spaces then.`;
    throw invalidModel(metadata.file, problem, Cure.convert, { key, found: name });
  }
  return { name, rules };
}

function requireLength(
  metadata: GgufMetadata,
  key: string,
  array: GgufArray | undefined,
  tokens: number,
  needed: boolean,
) {
  if (array === undefined && needed) {
    throw invalidModel(metadata.file, `"${key}" is missing; its kind of vocabulary needs it.`, Cure.convert, { key });
  }
  if (array !== undefined && array.length !== tokens) {
    const problem = `"${key}" has ${array.length} entries for ${tokens} tokens.`;
    throw invalidModel(metadata.file, problem, Cure.convert, { key, found: array.length, allowed: tokens });
  }
}

/** Scores order the merges; one that is NaN breaks the order of llama.cpp's queue. */
function checkScores(metadata: GgufMetadata, tokens: number, needed: boolean): void {
  const key = "tokenizer.ggml.scores";
  const scores = metadata.array(key, ["float32", "int32"]);
  requireLength(metadata, key, scores, tokens, needed);
  const bad =
    scores === undefined ? -1 : (scores.numbers() as Float32Array).findIndex((score) => !Number.isFinite(score));
  if (bad >= 0)
    throw invalidModel(metadata.file, `the score of token ${bad} is not finite.`, Cure.convert, { key, token: bad });
}

function checkTypes(metadata: GgufMetadata, tokens: number, needed: boolean): Int32Array | undefined {
  const key = "tokenizer.ggml.token_type";
  const array = metadata.array(key, ["int32"]);
  requireLength(metadata, key, array, tokens, needed);
  const types = array?.numbers() as Int32Array | undefined;
  const bad = types?.findIndex((type) => type < 0 || type > LAST_TOKEN_TYPE) ?? -1;
  if (bad >= 0) {
    const problem = `token ${bad} has the type ${types![bad]}; 0 to ${LAST_TOKEN_TYPE} are allowed.`;
    throw invalidModel(metadata.file, problem, Cure.convert, { key, token: bad, found: types![bad] });
  }
  return types;
}

function refuseDuplicate(file: string, table: TokenTable): void {
  if (table.duplicate === undefined) return;
  const [earlier, later] = table.duplicate;
  const text = quoted(table.textOf(earlier));
  const problem = `its tokens ${earlier} and ${later} are both ${text}; llama.cpp aborts unless each text is one token's.`;
  throw invalidModel(file, problem, Cure.convert, { token: later, found: text });
}

/** Tokens of the type "byte" are `<0x00>` … `<0xFF>`: llama.cpp reads the two digits at their place. */
function checkByteTokens(file: string, table: TokenTable, types: Int32Array | undefined, model: string): void {
  if (types === undefined || model === "rwkv") return;
  for (let id = 0; id < types.length; id++) {
    if (types[id] !== BYTE_TOKEN) continue;
    const text = table.textOf(id);
    if (model !== "bert" && /^<0x[0-9A-F]{2}>$/.test(text)) continue;
    const problem = `token ${id} is of the type "byte" but its text is ${quoted(text)}; <0x00> to <0xFF> are allowed.`;
    throw invalidModel(file, problem, Cure.convert, { token: id, found: text });
  }
}

/**
 * What SentencePiece has no token for, it spells in bytes; llama.cpp ends the process on a byte it has no token for.
 * Fusion feeds any byte to any member (halves of characters too), so all 256 are needed.
 */
function requireAllBytes(file: string, table: TokenTable): void {
  const missing: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const text = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    if (table.find(text) < 0 && (byte === 0 || table.find(Uint8Array.of(byte)) < 0)) missing.push(text);
  }
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ", …" : "");
  const problem = `its SentencePiece vocabulary lacks ${missing.length} of the 256 byte tokens (${some}).`;
  const cure =
    "Without them llama.cpp aborts on text that it cannot spell: convert the model again, with byte fallback.";
  throw invalidModel(file, problem, cure, { found: 256 - missing.length, allowed: 256, missing });
}

/** Each merge is two parts with a space between. Only Kimi-K2 does without any. */
function checkMerges(metadata: GgufMetadata, pre: string): void {
  const key = "tokenizer.ggml.merges";
  const merges = metadata.array(key, ["string"]);
  if (merges === undefined) {
    if (pre === "kimi-k2") return;
    throw invalidModel(metadata.file, `"${key}" is missing; a byte-pair vocabulary needs it.`, Cure.convert, { key });
  }
  const { bytes, starts } = merges;
  for (let index = 0; index < merges.length; index++) {
    const end = starts[index + 1]! - 8;
    // The first part has a byte at least, so the space is looked for from the second on.
    let at = starts[index]! + 1;
    while (at < end && bytes[at] !== 0x20 && bytes[at] !== 0) at++;
    if (at < end - 1 && bytes[at] === 0x20) continue;
    const problem = `merge ${index} is ${quoted(merges.stringAt(index))}; two parts with a space between are allowed.`;
    throw invalidModel(metadata.file, problem, Cure.convert, { key, found: merges.stringAt(index) });
  }
}

/** Every text has line breaks; a vocabulary without one drops them silently. */
function requireLineBreak(file: string, table: TokenTable, rules: PreTokenizer): void {
  const spellings = rules.byteLetters ? ["\u010a"] : ["\n", "<0x0A>"];
  if (spellings.some((text) => table.find(text) >= 0)) return;
  const problem = `its byte-pair vocabulary has no token for a line break (${spellings.map(quoted).join(" or ")}).`;
  throw invalidModel(file, problem, Cure.convert, { allowed: spellings });
}
