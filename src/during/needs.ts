/**
 * What methods need of members, compared with what the members offer (member/offers.ts): once, when an ensemble is made.
 *
 * A need that is left out is none. Two needs together are the greater one of each kind (`allNeeds`).
 */
import { LlamafuseError } from "../errors.js";
import type { EmbeddingLayer } from "../member/embeddings.js";
import type { Member } from "../member/member.js";
import type { MemberOffers } from "../member/offers.js";
import { firstDifference } from "../vocabulary/same-tokens.js";
import type { Voice } from "./method.js";

/** What a method reads of one member. */
export interface MemberNeeds {
  /** Every token's logit, or sums of probabilities over all tokens (Preparation.projection). */
  logits?: boolean;
  /** So many of the most probable tokens, or all where the vocabulary has fewer. */
  topDepth?: number;
  /**
   * "all": the logit of any string or token (Member.lookup). "top": 0 stands for the probability of what is not among the
   * likeliest, where the member knows no more.
   */
  lookup?: MemberOffers["lookup"];
  /** Member.scorePrompt. */
  promptScores?: boolean;
  /** Preparation.hidden. */
  hiddenStates?: boolean;
  /** Member.embeddings. */
  embeddings?: EmbeddingLayer;
  /** Preparation.branches. */
  branches?: number;
  /** Member.verify, Member.assess and the options of Member.draft. */
  verify?: boolean;
  /** Feedback that changes earlier tokens. */
  goingBack?: boolean;
}

export interface MethodNeeds extends MemberNeeds {
  /** That all members have one vocabulary, token for token. */
  oneVocabulary?: boolean;
}

/** Which member needs are asked for. */
export interface Place {
  voices: readonly Voice[];
  index: number;
}

/** All of these needs. */
export function allNeeds(...needs: readonly MethodNeeds[]): MethodNeeds {
  const all: MethodNeeds = {};
  for (const each of needs) {
    const { topDepth = 0, branches = 0, ...others } = each;
    const known = Object.entries(others).filter(([, value]) => value !== undefined && value !== false);
    const lookup = all.lookup === "all" ? "all" : each.lookup;
    Object.assign(all, Object.fromEntries(known), lookup && { lookup });
    if (topDepth > 0) all.topDepth = Math.max(all.topDepth ?? 0, topDepth);
    if (branches > 0) all.branches = Math.max(all.branches ?? 0, branches);
  }
  return all;
}

/** What a member does not offer of these needs, in words; the first one counts. */
export function lacking(needs: MemberNeeds, { offers, vocabulary }: Member): string | undefined {
  const { topDepth = 0, branches = 0, embeddings } = needs;
  if (needs.logits && !offers.logits) return "the logits of all tokens";
  if (Math.min(topDepth, vocabulary.size) > offers.topDepth)
    return `its ${topDepth} most probable tokens (it offers ${offers.topDepth})`;
  if (needs.lookup === "all" && offers.lookup !== "all") return "the logits of given strings";
  if (needs.promptScores && !offers.promptScores) return "the probability of a given text";
  if (needs.hiddenStates && !offers.hiddenStates) return "hidden states";
  if (embeddings !== undefined && !offers.embeddings.includes(embeddings)) return `its ${embeddings} embeddings`;
  if (branches > offers.branches) return `${branches} branches of the text (it offers ${offers.branches})`;
  if (needs.verify && !offers.verify) return "verification of a text that may come";
  if (needs.goingBack && offers.goingBack.tokens === 0) return "going back over its own tokens";
  return undefined;
}

/** What keeps members from a method: a member that lacks something, too many or too few of them, unlike vocabularies. */
export interface Misfit {
  member?: string;
  lacks: string;
}

/** How a method is asked about members: its needs by member, and the number that it takes where that is fixed. */
export interface Demands {
  needs(place: Place): MethodNeeds;
  count?: number;
}

/** The first member that lacks something; undefined where all fit. */
export function misfitOf({ needs }: Demands, voices: readonly Voice[]): Misfit | undefined {
  for (const [index, { member }] of voices.entries()) {
    const lacks = lacking(needs({ voices, index }), member);
    if (lacks !== undefined) return { member: member.name, lacks };
  }
  return undefined;
}

/** Whether members are as many as a method takes, of one vocabulary where it needs one, and offer what it needs. */
export function fits(demands: Demands, voices: readonly Voice[]): boolean {
  if (demands.count !== undefined && demands.count !== voices.length) return false;
  if (demands.needs({ voices, index: 0 }).oneVocabulary && !haveOneVocabulary(voices)) return false;
  return misfitOf(demands, voices) === undefined;
}

export function haveOneVocabulary(voices: readonly Voice[]): boolean {
  const [first, ...others] = voices.map(({ member }) => member.vocabulary);
  return others.every((vocabulary) => firstDifference(first, vocabulary) < 0);
}

/** `alternatives`: the methods that would do with these members. */
export function misfitError(
  method: string,
  { member, lacks }: Misfit,
  voices: readonly Voice[],
  alternatives: readonly string[],
): LlamafuseError {
  const kind = voices.find((voice) => voice.member.name === member)?.member.kind ?? "";
  const cure =
    alternatives.length === 0
      ? "No method of Llamafuse works with these members; replace that one."
      : `Methods that work with these members: ${alternatives.join(", ")}.`;
  return new LlamafuseError(
    "incompatible-members",
    `Member "${member}" (${kind}) does not offer ${lacks}, which ${method} needs. ${cure}`,
    { member, method, found: lacks, allowed: alternatives },
  );
}
