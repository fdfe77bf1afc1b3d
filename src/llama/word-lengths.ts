/**
 * Words that llama.cpp's tokenizers cannot take. Most byte-pair tokenizers split text into words with std::regex, which
 * libstdc++ runs with one nested call a character: a word too long for the stack (a line of dashes, a base64 blob, a
 * page of Chinese without a full stop) ends the process with a segmentation fault. Such a text is refused here instead.
 */
import { LlamafuseError } from "../errors.js";
import { nativeStackBytes } from "./bindings.js";

/**
 * Measured: 380 bytes a character with libstdc++ (release v0.4.0, x64), the same for all splitters. Twice that, for
 * other compilers.
 */
const STACK_BYTES_PER_CHARACTER = 760;
/** What the calls above and below the recursion need. */
const OTHER_STACK_BYTES = 256 * 1024;

/** The longest word that a recursive splitter is given, in characters (UTF-16 units, which are never fewer). */
export const MAX_WORD_LENGTH = Math.floor((nativeStackBytes - OTHER_STACK_BYTES) / STACK_BYTES_PER_CHARACTER);

/** `tokenizer.ggml.pre` (or `.model` where there is none) of the splitters that llama.cpp has written out in C++, or whose regex matches one character. */
const WITHOUT_RECURSION = new Set(
  (
    "gpt-2 phi-2 jina-v1-en jina-v2-code roberta-bpe mpt olmo jais trillion granite-docling exaone4 " +
    "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 dbrx smaug-bpe glm4 chatglm-bpe " +
    "gigachat grok-2 qwen2 qwen35 deepseek-r1-qwen kormo megrez stablelm2 hunyuan solar-open " +
    "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2 kimi-k2 gemma4 sarvam-moe laguna"
  ).split(" "),
);

export function splitsWithoutRecursion(splitter: string): boolean {
  return WITHOUT_RECURSION.has(splitter);
}

/** What one match of some splitter can span: characters of a kind, or what stands between spaces and punctuation. */
const WORDS = /[\p{L}\p{M}]+|\p{N}+|\s+|[^\s\p{L}\p{M}\p{N}]+/gu;
const BETWEEN_MARKS = /[^\s.,!?…。，、।۔،]+/gu;
/** EXAONE-MoE takes words with single spaces between them for one. */
const PHRASES = /[\p{L}\p{M}]+(?: [\p{L}\p{M}]+)*/gu;

/** Refuse a text with a word that overflows the stack. Error: invalid-text. */
export function checkWordLengths(text: Uint8Array, splitter: string): void {
  if (text.length <= MAX_WORD_LENGTH) return;
  const string = Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
  const patterns = splitter === "exaone-moe" ? [WORDS, BETWEEN_MARKS, PHRASES] : [WORDS, BETWEEN_MARKS];
  for (const pattern of patterns) {
    for (const [word] of string.matchAll(pattern)) {
      if (word.length <= MAX_WORD_LENGTH) continue;
      throw new LlamafuseError(
        "invalid-text",
        `The text has a word of ${word.length} characters ("${word.slice(0, 12)}…"); this model's tokenizer takes at most ${MAX_WORD_LENGTH}. Break it with spaces or line ends.`,
        { found: word.length, allowed: MAX_WORD_LENGTH, splitter },
      );
    }
  }
}
