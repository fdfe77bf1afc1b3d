/** What a scripted member is made of. */
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import type { EmbeddingLayer, EmbeddingSource } from "../embeddings.js";
import type { MemberFacts } from "../member.js";

/** What a script may look at. */
export interface ScriptState {
  /** The token ids in the cache. */
  tokens: readonly number[];
  /** The text so far, prompt included, special tokens left out. */
  text: Uint8Array;
}

export interface ScriptedMemberOptions {
  /** Default "scripted". */
  name?: string;
  vocabulary: Vocabulary;
  /** The next-token logits, one finite number a token id; kept as float32, as llama.cpp's are. */
  script: (state: ScriptState) => ArrayLike<number>;
  /** The hidden state of the last token, `facts.embeddingLength` numbers. Default: none, and it cannot be asked for. */
  hidden?: (state: ScriptState) => ArrayLike<number>;
  /** Its token embeddings, a row a token. Default: none, and methods that compare tokens by them refuse it. */
  embeddings?: Partial<Record<EmbeddingLayer, EmbeddingSource>>;
  /** How text becomes tokens: greedy longest match (default), or one token a byte. */
  tokenizer?: "longest" | "bytes";
  /** Tokens that fit. Default 4096. */
  contextSize?: number;
  /** Facts that differ from the made-up ones, such as the text of the end token. */
  facts?: Partial<MemberFacts>;
}

export function factsOf({ vocabulary, facts }: ScriptedMemberOptions, name: string, contextSize: number): MemberFacts {
  return {
    source: name,
    description: "scripted distributions",
    architecture: "scripted",
    parameters: 0,
    bytes: 0,
    trainedContext: contextSize,
    embeddingLength: 0,
    layers: 0,
    bosText: vocabulary.textOf(Math.max(vocabulary.bos, 0)),
    eosText: vocabulary.textOf(vocabulary.endTokens[0] ?? 0),
    ...facts,
  };
}
