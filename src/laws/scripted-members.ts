/** Seeded members over vocabularies of every kind, for the laws. */

import type { ScriptedMemberOptions } from "../member/scripted/options.js";
import { ScriptedMember } from "../member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../vocabulary/vocabulary.js";

const WORDS = [
  "the",
  "cat",
  "ca",
  "ts",
  "dog",
  "do",
  "ing",
  "s",
  "t",
  "hello",
  "world",
  "12",
  "un",
  "é",
  "中",
  "日本",
  "😀",
  ".",
  ",",
  "(",
  "x1",
];

interface Token {
  bytes: Uint8Array;
  class?: TokenClass;
  text?: string;
}

const special = (text: string, tokenClass: TokenClass): Token => ({ bytes: new Uint8Array(), class: tokenClass, text });
const hex = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** A token a byte, and an end token. */
export function byteVocabulary(): Vocabulary {
  const bytes = Array.from({ length: 256 }, (_, byte): Token => ({ bytes: Uint8Array.of(byte), text: letterOf(byte) }));
  return makeVocabulary([...bytes, special("<|end|>", TokenClass.end)]);
}

/** As SentencePiece: `<unk> <s> </s>`, byte tokens beside characters with the same bytes, words with `▁`, a dummy prefix. */
export function sentencePieceVocabulary(skip = 0): Vocabulary {
  const words = WORDS.filter((_, index) => (index + skip) % 4 !== 3);
  const pieces = [
    " ",
    ...words.map((word) => ` ${word}`),
    ...words.filter((word) => word.length > 1),
    ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;(",
    " q",
  ];
  return makeVocabulary(
    [
      special("<unk>", TokenClass.unused),
      special("<s>", TokenClass.control),
      special("</s>", TokenClass.end),
      ...Array.from({ length: 256 }, (_, byte): Token => ({ bytes: Uint8Array.of(byte), text: hex(byte) })),
      ...pieces.map((piece): Token => ({ bytes: Buffer.from(piece), text: piece.replaceAll(" ", "▁") })),
    ],
    { kind: "spm", bos: 1, addsSpacePrefix: true },
  );
}

/** As byte-level BPE: GPT-2's letters, words with `Ġ`, tokens that are parts of characters, two end tokens. */
export function bytePairVocabulary(skip = 0): Vocabulary {
  const words = WORDS.filter((_, index) => (index + skip) % 3 !== 2);
  const parts = ["中", "日本", "😀"].flatMap((text) => [
    Buffer.from(text).subarray(0, 2),
    Buffer.from(text).subarray(2),
  ]);
  const strings = [
    ...words.map((word) => Buffer.from(` ${word}`)),
    ...words.filter((word) => Buffer.from(word).length > 1).map((word) => Buffer.from(word)),
    ...parts,
    Buffer.from("\n\n"),
  ];
  const distinct = new Map(
    strings.filter((bytes) => bytes.length > 1).map((bytes) => [bytes.toString("latin1"), bytes]),
  );
  return makeVocabulary(
    [
      ...Array.from({ length: 256 }, (_, byte): Token => ({ bytes: Uint8Array.of(byte), text: letterOf(byte) })),
      ...[...distinct.values()].map((bytes): Token => ({ bytes, text: Array.from(bytes, letterOf).join("") })),
      special("<|endoftext|>", TokenClass.end),
      special("<|im_start|>", TokenClass.control),
      special("<|im_end|>", TokenClass.end),
    ],
    { kind: "bpe" },
  );
}

/** Two tokens for the same bytes, a control token with much probability, and few words. */
export function twinVocabulary(): Vocabulary {
  return makeVocabulary([
    special("<|pad|>", TokenClass.control),
    ...Array.from({ length: 256 }, (_, byte): Token => ({ bytes: Uint8Array.of(byte), text: letterOf(byte) })),
    ...[" the", "the", " the", "cat", "the"].map(
      (word): Token => ({ bytes: Buffer.from(word), text: word.replace(" ", "Ġ") }),
    ),
    special("<|end|>", TokenClass.end),
  ]);
}

/**
 * A member with a seeded distribution for every sequence of tokens. End tokens are a little rarer than others, so that
 * texts get long; the words are more probable than the bytes, as in models.
 */
export function randomMember(
  seed: number,
  vocabulary: Vocabulary,
  options: Partial<ScriptedMemberOptions> = {},
): ScriptedMember {
  return new ScriptedMember({
    name: `random-${seed}`,
    vocabulary,
    script: ({ tokens }) => {
      const state = tokens.reduce((hash, token) => mix(hash, token), mix(0, seed));
      return Float32Array.from({ length: vocabulary.size }, (_, id) => {
        const noise = (mix(state, id) / 2 ** 32) * 6;
        const isEnd = vocabulary.classOf(id) === TokenClass.end;
        return noise + (vocabulary.bytesOf(id).length > 1 ? 3 : 0) - (isEnd ? 1 : 0);
      });
    },
    embeddings: embeddingsOf(vocabulary),
    ...options,
  });
}

const EMBEDDING_WIDTH = 24;
const made = new WeakMap<Vocabulary, ScriptedMemberOptions["embeddings"]>();

/** Seeded embeddings of a vocabulary, in which a string has much the same place whatever the vocabulary. */
export function embeddingsOf(vocabulary: Vocabulary): ScriptedMemberOptions["embeddings"] {
  const known = made.get(vocabulary);
  if (known !== undefined) return known;
  const values = new Float32Array(vocabulary.size * EMBEDDING_WIDTH);
  for (let id = 0; id < vocabulary.size; id++) {
    const own = randomNumbers(id);
    const common = randomNumbers(vocabulary.bytesOf(id).reduce(mix, 11));
    for (let j = 0; j < EMBEDDING_WIDTH; j++) values[id * EMBEDDING_WIDTH + j] = common() - 0.5 + 0.3 * (own() - 0.5);
  }
  const source = { kind: "memory", rows: vocabulary.size, width: EMBEDDING_WIDTH, values } as const;
  const embeddings = { input: source, output: source };
  made.set(vocabulary, embeddings);
  return embeddings;
}

/** Uniform in [0, 1), the same sequence for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = mix(7, seed);
  return () => {
    state = mix(state, 1);
    return state / 2 ** 32;
  };
}

function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ (value + 0x9e3779b9), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A byte in GPT-2's alphabet. */
function letterOf(byte: number): string {
  if ((byte > 32 && byte < 127) || (byte > 160 && byte !== 173)) return String.fromCharCode(byte);
  if (byte <= 32) return String.fromCharCode(256 + byte);
  if (byte === 173) return String.fromCharCode(323);
  return String.fromCharCode(256 + 33 + byte - 127);
}
