/** What a scripted member is made of. */
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import type { EmbeddingLayer, EmbeddingSource } from "../embeddings.js";
import type { MemberFacts } from "../member.js";
import type { MemberCosts, ModelDescription } from "../model-identity.js";
import type { MemberOffers } from "../offers.js";

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
  /**
   * What it offers, if less than everything: `{ logits: false, topDepth: 20 }` is a member as a server
   * shows one, which tells the log-probabilities of its 20 likeliest tokens and nothing of the others.
   */
  offers?: Partial<MemberOffers>;
  /** What its identity says of costs. Default: it costs nothing. */
  costs?: Partial<MemberCosts>;
}

/** Without `logits`, what stands or falls with them is off, unless it is given. */
export function offersOf({ vocabulary, hidden, embeddings, offers }: ScriptedMemberOptions): MemberOffers {
  const logits = offers?.logits ?? true;
  const layers = (["input", "output"] as const).filter((layer) => embeddings?.[layer] !== undefined);
  return {
    logits,
    topDepth: vocabulary.size,
    lookup: logits ? "all" : "top",
    promptScores: logits,
    hiddenStates: logits && hidden !== undefined,
    embeddings: logits ? layers : [],
    branches: logits ? Number.POSITIVE_INFINITY : 1,
    verify: logits,
    goingBack: { tokens: Number.POSITIVE_INFINITY, decodes: "changed" },
    ...offers,
  };
}

export function descriptionOf({ costs }: ScriptedMemberOptions, { embeddingLength }: MemberFacts): ModelDescription {
  return {
    description: "scripted distributions",
    architecture: "scripted",
    costs: { parameters: 0, weightBytes: 0, layers: 0, ...costs },
    embeddingLength,
  };
}

export function factsOf({ vocabulary, facts }: ScriptedMemberOptions, contextSize: number): MemberFacts {
  return {
    trainedContext: contextSize,
    embeddingLength: 0,
    bosText: vocabulary.textOf(Math.max(vocabulary.bos, 0)),
    eosText: vocabulary.textOf(vocabulary.endTokens[0] ?? 0),
    ...facts,
  };
}
