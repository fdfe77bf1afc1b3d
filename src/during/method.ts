/**
 * The method contract: a published system of token-level fusion is an alignment, a fusion rule, feedback and its own
 * schedule. The decoding loop calls `step` for a distribution, lets the sampler choose one entry, and calls `accept`.
 */
import type { Member } from "../member/member.js";
import type { PartTexts } from "../part-schema.js";
import type { UnionDictionary } from "../vocabulary/union-dictionary.js";
import type { Effort } from "./alignments/alignment.js";
import type { Combiner } from "./combine.js";

/** A distribution over byte strings. The arrays may be larger than `size` and are reused by the next step. */
export interface FusedDistribution {
  /** Number of entries. */
  size: number;
  /**
   * Probability of each entry; non-negative, sums to 1 within rounding. In a greedy run, entries that cannot win may be
   * left out, and the sum is then below 1.
   */
  probabilities: Float64Array;
  /** The entry that ends the generation, or -1. */
  endEntry: number;
  /** The bytes of an entry (empty for the end entry). */
  bytesOf(entry: number): Uint8Array;
  /** Whose entries these are, where they are all of a union dictionary's, in its order. */
  dictionary?: UnionDictionary;
  /** The most probable entry (lowest index among equals) where the method found it on the way; else -1. */
  best: number;
  /**
   * Whether earlier outputs of the members decided it, so that their present ones are of a later place in the text and its
   * probability is none (a search gives what its hypotheses agree on). Default false.
   */
  isSettled?: boolean;
  /**
   * Voice by voice, what was fused, where this is what the member says of the entries, and its tokens are not (bytes);
   * undefined for a voice that was not asked, or could not say it.
   */
  said?: readonly (Said | undefined)[];
  /** Tokens that a choice takes of the request's maxTokens. Default 1. */
  tokens?: number;
  /** Of methods that choose among whole texts: all that could have been chosen. */
  candidates?: readonly JudgedText[];
  /** ln Z, so that ln p + ln Z are the fused logits. Default: the weighted mean of the members' present normalisers. */
  logNormaliser?: number;
}

/** Whether a token, by its id, may be said. */
export type AllowedTokens = (id: number) => boolean;

/** A text that could have been chosen. */
export interface JudgedText {
  bytes: Uint8Array;
  /** Whether the answer ends behind it. */
  ends: boolean;
  /** Indices of the voices that wrote it. */
  writers: readonly number[];
  /** As the method compares them; whether the greater or the smaller is the better one, its documentation says. */
  score: number;
  /** Each voice's part in it; undefined for one that was not asked. */
  scores: readonly (number | undefined)[];
  isChosen: boolean;
}

/** What a member said of the entries of a fused distribution. */
export interface Said extends Effort {
  /** Summing to `mass`. */
  probabilities: Float64Array;
  mass: number;
  /** Its weight among those asked. */
  weight: number;
}

/** A member with its place in the ensemble. */
export interface Voice {
  member: Member;
  /** Normalised: the weights of an ensemble sum to 1. */
  weight: number;
  /** The names of all members in their order, where some have weight 0 and are left out (see `speakingOf`). */
  everyone?: readonly string[];
  /** Where the member's private thought stands among its tokens, from and to; absent where it did not think. */
  thought?: readonly [from: number, to: number];
}

/** What a method knows of the request it serves. */
export interface MethodContext {
  voices: readonly Voice[];
  /** Whether the sampler takes the most probable entry, so that no other probability is needed exactly. */
  greedy: boolean;
  /** The sampler's; 0 asks for the best text, not for a drawn one. Default 0. */
  temperature?: number;
  /** Sampler options in effect by which a choice may be another than the most probable entry at temperature 0 too. */
  altering?: readonly string[];
  /** Sampler options in effect that change how probable an entry is to be chosen; a temperature of 0 or 1 is none. */
  shaping?: readonly string[];
  /** Whether the sampler works on logits, so that the members' normalisers have to be exact. Default false. */
  wantsNormaliser?: boolean;
  /** What the text begins with that the members' prompts lack (token healing), as far as it is not said yet. Default: nothing. */
  ahead?: Uint8Array;
  /** How many of each member's candidates the trace wants; 0 without a trace. */
  traceTop: number;
  /** Sums full distributions. Default: a plain one, which is right for any members. */
  combiner?: Combiner;
  /** What rules have learned on other texts, where the caller keeps it from run to run. Absent: each run begins anew. */
  memory?: Map<string, unknown>;
  /** Steps at most; undefined where nothing limits them. */
  maxSteps?: number;
  /** Uniform in [0, 1), from the request's seeded generator. Absent where a given text is scored and nothing is drawn. */
  random?(): number;
  /**
   * An entry as the request's sampler would choose it, repetition left out: for choices that make no text of their own.
   * Absent where a given text is scored.
   */
  draw?(distribution: FusedDistribution): number;
  /** Cancels the request, for steps that take many advances. */
  signal?: AbortSignal;
  /** Bring these members up to date, in parallel or in turn as the ensemble was scheduled. */
  advance(voices: readonly Voice[]): Promise<void>;
  /**
   * Have these members look ahead (Member.draft, Member.verify), scheduled as in `advance`; `signal` cancels it with the
   * request. Absent where a given text is scored, so that there is nothing to look ahead to.
   */
  lookAhead?<T extends { decodedTokens: number }>(
    voices: readonly Voice[],
    look: (member: Member, signal?: AbortSignal) => Promise<T>,
  ): Promise<T[]>;
}

/** Member name → what was done for it, as the method counts (BeamCounts of alignments/bytes). */
export type MethodReport = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** One request's run of a method. */
export interface MethodRun {
  /** Called once, before the members begin: choose their preparations. */
  prepare(): Promise<void>;
  /** Advance the members that this step needs, and fuse. The first step finds all members begun. */
  step(): Promise<FusedDistribution>;
  /**
   * The last step again, over what each member (an index of the voices) holds most probable among the tokens that it may say:
   * where an answer is to have a form, which none of the candidates fits. Absent or undefined: the step had all there are.
   */
  among?(allowed: (voice: number) => AllowedTokens): Promise<FusedDistribution | undefined>;
  /**
   * Queue the chosen entry in every member. Await the promise where there is one (published feedback rules have to ask
   * the members' tokenizers); the next `step` waits for it in any case.
   */
  accept(entry: number): void | Promise<void>;
  /** What it has to say of its own work, by member name; for the result. Absent or undefined: nothing. */
  report?(): MethodReport | undefined;
}

export interface MethodInfo {
  name: string;
  /** One line for `llamafuse methods`. */
  summary: string;
  /** Paper, with arXiv id or venue. */
  source: string;
  /** What the members must have in common, in plain words. */
  requires: string;
  /** Option → what it is, with its default. */
  options: Readonly<Record<string, string>>;
  /** Of options that name a part: part → its options → what each is. */
  parts?: Readonly<Record<string, PartTexts>>;
}
