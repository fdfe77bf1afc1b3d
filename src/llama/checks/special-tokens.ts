/** The tokens that a file names for a purpose, and what llama.cpp takes where it names none. */
import type { GgufMetadata } from "../gguf/metadata.js";
import { Cure, invalidModel } from "./model-error.js";
import type { PreTokenizer } from "./pre-tokenizers.js";
import type { TokenTable } from "./token-table.js";

/** -1 in an unsigned key: "there is none". Many converters write it. */
const NONE = 0xffff_ffff;

/** llama.cpp's own [bos, eos, sep] where a file names none, by tokenizer; ids past the vocabulary's end count as none. */
const DEFAULTS: Readonly<Record<string, readonly [number, number, number]>> = {
  llama: [1, 2, -1],
  gpt2: [11, 11, -1],
  hybriddna: [11, 11, -1],
  whitespace: [11, 11, -1],
  gemma4: [-1, -1, -1],
  bert: [101, -1, 102],
  t5: [-1, 1, -1],
  rwkv: [-1, -1, -1],
  plamo2: [1, 2, -1],
};

/** Generation depends on these: an id outside the vocabulary is an error. */
const REQUIRED_VALID = ["bos", "eos", "eot", "eom", "unknown"];

export interface SpecialTokens {
  bos: number;
  eos: number;
  addBos: boolean;
}

export function checkSpecialTokens(
  metadata: GgufMetadata,
  table: TokenTable,
  model: string,
  pre: PreTokenizer | undefined,
): SpecialTokens {
  const [defaultBos, defaultEos, defaultSep] = DEFAULTS[model]!;
  // Separators, padding, masks and infill markers are never fed or chosen here; llama.cpp ignores invalid ones, and
  // files with such are common. Their type must still be right.
  for (const [key, { type }] of metadata.entries) {
    if (/^tokenizer\.ggml\..*_token_id$/.test(key) && type !== "uint32") metadata.uint32(key);
  }
  for (const name of REQUIRED_VALID) tokenId(metadata, table, name, -1, true);
  const bos = tokenId(metadata, table, "bos", pre?.withoutBos ? -1 : defaultBos, true);
  const eos = tokenId(metadata, table, "eos", defaultEos, true);
  const sep = tokenId(metadata, table, "seperator", defaultSep, false);
  const addBos =
    pre !== undefined && !pre.byteLetters && pre.addsBos
      ? true // Gemma 4: llama.cpp overrides what the file says.
      : (metadata.bool("tokenizer.ggml.add_bos_token") ?? (pre?.addsBos || model === "llama" || model === "bert"));
  const addEos = metadata.bool("tokenizer.ggml.add_eos_token") ?? model === "t5";
  metadata.bool("tokenizer.ggml.add_sep_token");
  requireToken(metadata.file, addBos, bos, "begin", "bos");
  requireToken(metadata.file, addEos, eos, "end", "eos");
  if (model === "bert") {
    requireToken(metadata.file, true, bos, "begin", "bos");
    requireToken(metadata.file, true, sep, "end", "seperator");
  }
  return { bos, eos, addBos };
}

function tokenId(metadata: GgufMetadata, table: TokenTable, name: string, byDefault: number, strict: boolean): number {
  const key = `tokenizer.ggml.${name}_token_id`;
  const fallback = byDefault < table.size ? byDefault : -1;
  const id = metadata.uint32(key);
  if (id === undefined || id === NONE) return fallback;
  if (id < table.size) return id;
  if (!strict) return fallback;
  const problem = `"${key}" is ${id}, but its vocabulary has the tokens 0 to ${table.size - 1}.`;
  throw invalidModel(metadata.file, problem, Cure.convert, { key, found: id, allowed: table.size - 1 });
}

/** llama.cpp asserts that a token exists which it is told to put around every text. */
function requireToken(file: string, wanted: boolean, id: number, place: string, name: string): void {
  if (!wanted || id >= 0) return;
  const key = `tokenizer.ggml.${name}_token_id`;
  const problem = `its tokenizer ${place}s every text with a special token, but "${key}" names none.`;
  throw invalidModel(file, problem, Cure.convert, { key });
}
