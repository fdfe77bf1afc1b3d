/**
 * What a member can do beside continuing text. Not every kind of member shows all that a GGUF file on this machine does: a
 * server reports a few of the most probable tokens, and no hidden states. A method says what it needs of its members, and
 * during/needs.ts compares the two when an ensemble is made.
 */
import type { EmbeddingLayer } from "./embeddings.js";

/** The most candidates that a preparation may ask of any member; beyond it a projection is the better tool. */
export const MAX_TOP = 1024;

export interface MemberOffers {
  /** Every token's logit at every step: `output.logits`, `projection` and an exact `logNormaliser`. */
  logits: boolean;
  /**
   * How many of the most probable tokens it can report (Preparation.top). Without `logits` they come with
   * log-probabilities in `topLogits` and 0 as `logNormaliser`.
   */
  topDepth: number;
  /** Whose logits `lookup` knows: all tokens', or those of the `topDepth` most probable ones, and -Infinity for all others. */
  lookup: "all" | "top";
  /** Whether it says how probable a given text is (Member.scorePrompt). */
  promptScores: boolean;
  /** Whether it reports hidden states (Preparation.hidden). */
  hiddenStates: boolean;
  /** The token embeddings that can be read (Member.embeddings). */
  embeddings: readonly EmbeddingLayer[];
  /** Branches of the text at a time (Preparation.branches); 1 is the text alone. */
  branches: number;
  /** Whether it reads texts that may come: Member.verify, Member.assess, and the options of Member.draft. */
  verify: boolean;
  goingBack: GoingBack;
  /** Whether it computes on a machine of its own, so that it takes none of this one's cores. Default false. */
  elsewhere?: boolean;
}

/** What it takes to exchange tokens that were decoded already, as feedback of the kind "text" does. */
export interface GoingBack {
  /** How many tokens can be taken back at a time: 0 for none, Infinity for all. */
  tokens: number;
  /**
   * What is decoded then: the tokens from the first changed one on; those from the nearest checkpoint before it on, as in
   * recurrent models; or all of the text again.
   */
  decodes: "changed" | "behind-checkpoint" | "all";
  /** Saved states: bytes of one, and how many the member keeps at most. */
  checkpoints?: { bytes: number; most: number };
}
