/** What a remote member asks of its server, whatever the server's interface is. */
import type { Encoder } from "../llama/piece-encoder.js";
import type { MemberFacts } from "../member.js";
import type { ModelDescription } from "../model-identity.js";
import type { EncodingOptions } from "./fetched-encoder.js";

export const SERVER_KINDS = ["llama-server", "vllm", "openai"] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

/** The most probable tokens at one place. */
export interface Place {
  /** Token ids; none occurs twice. */
  ids: readonly number[];
  /** ln p of each in nats, the whole vocabulary being possible. */
  logProbs: readonly number[];
  /** The token that the server went on with. */
  chosen: number;
}

export interface Ask {
  /** Tokens to say, at most; the likeliest one each time. */
  count: number;
  /** Whether the server may go on from what it remembers of these tokens. */
  cache: boolean;
  signal?: AbortSignal;
}

export interface Server {
  readonly kind: ServerKind;
  readonly encoder: Encoder;
  readonly contextSize: number;
  readonly facts: MemberFacts;
  readonly description: ModelDescription;
  /** Most probable tokens it reports at a place. */
  readonly topDepth: number;
  /** What comes behind these tokens, and behind what it would say there; fewer places where it ends. */
  say(tokens: readonly number[], ask: Ask): Promise<Place[]>;
  /** ln p of each token but the first, given those before it. Absent: the server does not say. */
  score?(tokens: readonly number[], signal?: AbortSignal): Promise<Float64Array>;
  /** Do works that encode texts. Each may be done several times, so it leaves nothing behind (see FetchedEncoder.settle). */
  encoding<T>(works: readonly (() => T)[], options?: EncodingOptions): Promise<T[]>;
  close(): void;
}
